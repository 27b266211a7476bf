import pytest

from services.archive.migrate import migrate
from services.archive.reader import open_reader
from services.archive.writer import open_writer
from tests import postgres


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request, tmp_path):
    """A migrated database of the test's own."""
    if request.param == "postgresql":
        return await (await postgres.shared()).clone("archive", migrate)
    url = f"sqlite+aiosqlite:///{tmp_path / 'archive.sqlite3'}"
    await migrate(url)
    return url


@pytest.fixture
async def reader(database_url):
    reader = open_reader(database_url)
    yield reader
    await reader.close()


@pytest.fixture
async def writer(database_url):
    writer = open_writer(database_url)
    yield writer
    await writer.close()
