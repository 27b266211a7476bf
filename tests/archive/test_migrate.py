import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from schemas.errors import Invalid, Unavailable
from services.archive.engine import open_engine, sqlite_file, transaction
from services.archive.migrate import migrate
from services.archive.reader import open_reader
from services.archive.tables import metadata
from services.archive.writer import open_writer
from tests import postgres


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_url(request, tmp_path):
    if request.param == "postgresql":
        return await (await postgres.shared()).new_database()
    return f"sqlite+aiosqlite:///{tmp_path / 'new' / 'archive.sqlite3'}"


async def test_the_migrations_make_the_tables_that_the_code_uses(database_url):
    engine = open_engine(database_url, writes=False)
    try:
        async with transaction(engine) as connection:
            differences = await connection.run_sync(
                lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
            )
    finally:
        await engine.dispose()
    assert differences == []


async def test_processes_that_migrate_at_once_do_not_disturb_each_other(empty_url):
    await asyncio.gather(*(migrate(empty_url) for _ in range(4)))
    reader = open_reader(empty_url)
    await reader.ping()
    await reader.close()


async def test_a_database_without_tables_is_unavailable_and_says_what_to_do(empty_url):
    if (file := sqlite_file(empty_url)) is not None:
        file.parent.mkdir()
    for archive in (open_reader(empty_url), open_writer(empty_url)):
        with pytest.raises(Unavailable, match=r"python -m services\.admin apply"):
            await archive.ping()
        await archive.close()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://h/d", "postgresql://h/d", "sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"]
)
def test_a_database_url_that_is_not_ours_is_refused(url):
    with pytest.raises(Invalid, match="ANABRANCH_DATABASE_URL"):
        open_writer(url)


async def test_a_folder_that_is_not_there_is_an_invalid_setting_for_all_but_the_migration(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path}/new/folder/archive"
    with pytest.raises(Invalid, match="no folder"):
        open_reader(url)
    await migrate(url)
    reader = open_reader(url)
    await reader.ping()
    await reader.close()


async def test_a_folder_that_cannot_be_made_and_a_file_that_is_no_database_are_unavailable(tmp_path):
    (tmp_path / "file").write_text("this is no database")
    with pytest.raises(Unavailable, match="cannot be made"):
        await migrate(f"sqlite+aiosqlite:///{tmp_path}/file/archive")
    with pytest.raises(Unavailable, match="not a database"):
        await migrate(f"sqlite+aiosqlite:///{tmp_path}/file")


async def test_a_server_that_cannot_be_reached_is_unavailable():
    reader = open_reader("postgresql+asyncpg://u@127.0.0.1:1/d")
    with pytest.raises(Unavailable):
        await reader.conversation("t", "c")
    await reader.close()
