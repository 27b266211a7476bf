import pytest

from services.archive.migrate import migrate
from services.archive.reader import open_reader
from services.archive.writer import open_writer
from tests import postgres
from tests.archive.roles import migrate_as_owner, signed_in


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request, tmp_path):
    """A migrated database of the test's own. Reader and writer are there what deploy/postgresql/roles.sql lets them be."""
    if request.param == "postgresql":
        return await (await postgres.shared()).clone("archive of three roles", migrate_as_owner)
    url = f"sqlite+aiosqlite:///{tmp_path / 'archive.sqlite3'}"
    await migrate(url)
    return url


@pytest.fixture
async def reader(database_url):
    reader = open_reader(signed_in(database_url, "reader"))
    yield reader
    await reader.close()


@pytest.fixture
async def writer(database_url):
    writer = open_writer(signed_in(database_url, "writer"))
    yield writer
    await writer.close()
