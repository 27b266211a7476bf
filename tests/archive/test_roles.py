"""What the three roles of deploy/postgresql cannot do; that they can do their work, every other test here shows."""

import asyncpg
import pytest
from sqlalchemy import make_url

from services.archive.migrate import is_current, migrate
from services.archive.tables import metadata
from tests import postgres
from tests.archive.roles import hand_over, make_roles, migrate_as_owner, signed_in


@pytest.fixture
async def url():
    return await (await postgres.shared()).clone("archive of three roles", migrate_as_owner)


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("reader", "DELETE FROM conversations"),
        ("reader", "INSERT INTO conversations DEFAULT VALUES"),
        ("reader", "UPDATE conversations SET title = ''"),
        ("reader", "CREATE TABLE intruder ()"),
        ("writer", "DROP TABLE conversations"),
        ("writer", "TRUNCATE conversations CASCADE"),
        ("writer", "CREATE TABLE intruder ()"),
    ],
)
async def test_what_is_not_a_roles_work_is_refused(url, role, statement):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(signed_in(url, role), statement)


async def test_the_reader_sees_that_the_tables_are_there(url):
    assert await is_current(signed_in(url, "reader"))


async def test_an_archive_that_has_tables_already_is_handed_over_to_the_three():
    url = await (await postgres.shared()).new_database()
    await migrate(url)
    await make_roles(url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(signed_in(url, "reader"), "SELECT * FROM epochs")

    await hand_over(url)
    await execute(signed_in(url, "writer"), "INSERT INTO epochs (partition, epoch, era) VALUES (0, 'e', 1)")
    await execute(signed_in(url, "reader"), "SELECT * FROM epochs")
    assert await is_current(signed_in(url, "reader"))
    for table in metadata.tables:
        await execute(signed_in(url, "owner"), f"ALTER TABLE {table} ADD COLUMN later int")
    await migrate(signed_in(url, "owner"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(signed_in(url, "reader"), "DELETE FROM epochs")


async def test_a_table_that_a_later_migration_makes_is_open_to_writer_and_reader(url):
    await execute(signed_in(url, "owner"), "CREATE TABLE later (id int)")
    await execute(signed_in(url, "writer"), "INSERT INTO later VALUES (1)")
    await execute(signed_in(url, "reader"), "SELECT * FROM later")
