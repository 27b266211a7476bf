import asyncio
import contextlib
import shutil

import httpx2
import pytest

from services.archive.migrate import migrate
from services.archive.reader import open_reader
from services.archive.writer import open_writer
from services.broker.memory import MemoryBroker, MemoryCore
from services.gateway.app import assemble
from services.gateway.hub import Hub, HubSettings
from services.gateway.server import listen, serve
from services.gateway.settings import Settings
from tests.gateway.http.persister import persist
from tests.gateway.http.worker import Worker


class Running:
    """A gateway that serves on a port of its own."""

    def __init__(self, url, broker, hub, client):
        self.url = url
        self.broker = broker
        self.hub = hub
        self.client = client
        self.stop = asyncio.Event()


@pytest.fixture(scope="session")
def empty_archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "empty.sqlite3"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
def database_url(empty_archive, tmp_path):
    return f"sqlite+aiosqlite:///{shutil.copy(empty_archive, tmp_path / 'archive.sqlite3')}"


@pytest.fixture
async def archive(database_url):
    reader = open_reader(database_url)
    yield reader
    await reader.close()


@pytest.fixture
def core():
    return MemoryCore()


@pytest.fixture
def broker(core):
    return MemoryBroker(core)


@pytest.fixture
def worker(broker):
    return Worker(broker)


@pytest.fixture
async def persister(broker, database_url):
    """Writes what is sealed, and what is listed, into the archive."""
    writer = open_writer(database_url)
    task = asyncio.create_task(persist(broker, writer))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await writer.close()


@pytest.fixture
async def start(core, archive):
    """Starts a gateway: `start(broker=None, **settings)`. Ended, drained, with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(broker=None, **settings):
            return await stack.enter_async_context(running(broker or MemoryBroker(core), archive, Settings(**settings)))

        yield start


@contextlib.asynccontextmanager
async def running(broker, archive, settings):
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        Hub(broker, archive, HubSettings(partitions=settings.partitions)) as hub,
        httpx2.AsyncClient(base_url=url, timeout=10.0) as client,
    ):
        gateway = Running(url, broker, hub, client)
        app = assemble(settings, broker, archive, hub)
        server = asyncio.create_task(serve(app, listener, hub, gateway.stop, drain_s=5.0))
        try:
            yield gateway
        finally:
            gateway.stop.set()
            await server
    listener.close()


@pytest.fixture
async def gateway(start):
    return await start()


@pytest.fixture
async def client(gateway):
    return gateway.client


@pytest.fixture
async def conversation(client):
    """The id of a conversation without messages."""
    assert (await client.post("/v1/conversations", json={"id": "c1"})).status_code == 201
    return "c1"


@pytest.fixture
def post(client, conversation):
    """Posts a message: `post(text, id=…)`; returns the response's body, which must be a 202."""

    async def post(text, **fields):
        response = await client.post(f"/v1/conversations/{conversation}/messages", json={"text": text} | fields)
        assert response.status_code == 202, response.text
        return response.json()

    return post
