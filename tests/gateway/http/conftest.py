import asyncio
import contextlib
import shutil

import httpx2
import pytest

from services.archive.migrate import migrate
from services.archive.reader import open_reader
from services.archive.writer import open_writer
from services.broker.memory import MemoryBroker, MemoryCore
from services.gateway.admission import admission
from services.gateway.app import assemble
from services.gateway.hub import Hub, HubSettings
from services.gateway.server import listen, serve
from services.gateway.settings import Settings
from tests.gateway.http.persister import persist
from tests.gateway.http.worker import Worker


class Running:
    """A gateway that serves on a port of its own until `stop` is set."""

    def __init__(self, broker, settings, hubs, options):
        self.broker = broker
        self._hubs = hubs
        self.stop = asyncio.Event()
        self._settings = settings
        self._listener = listen("127.0.0.1", 0, **options)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    async def run(self):
        archive = open_reader(self._settings.database_url)
        async with Hub(
            self.broker, archive, HubSettings(partitions=self._settings.partitions, check_active_s=1.0)
        ) as hub:
            self._hubs.append(hub)
            async with admission(self._settings) as identify:
                app = assemble(self._settings, self.broker, archive, hub, identify)
                await serve(app, self._listener, hub, self.stop, drain_s=5.0)
            self._hubs.remove(hub)
        await archive.close()
        self._listener.close()


@pytest.fixture(scope="module")
async def ending():
    """Gateways that were told to stop: an orderly end takes 0.2 s, so a module waits for all of them together."""
    tasks = []
    yield tasks
    await asyncio.gather(*tasks)


@pytest.fixture(scope="session")
def empty_archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "empty.sqlite3"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
def database_url(empty_archive, tmp_path):
    return f"sqlite+aiosqlite:///{shutil.copy(empty_archive, tmp_path / 'archive.sqlite3')}"


@pytest.fixture
def core():
    return MemoryCore()


@pytest.fixture
def broker(core):
    return MemoryBroker(core)


@pytest.fixture
def hubs():
    """Those of the gateways that serve."""
    return []


@pytest.fixture
def worker(broker, hubs):
    return Worker(broker, hubs)


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


@contextlib.asynccontextmanager
async def running(broker, settings, ending, hubs, options):
    gateway = Running(broker, settings, hubs, options)
    task = asyncio.create_task(gateway.run())
    try:
        async with httpx2.AsyncClient(base_url=gateway.url, timeout=10.0) as gateway.client:
            yield gateway
    finally:
        gateway.stop.set()
        ending.append(task)
    if task.done():
        task.result()


@pytest.fixture
async def start(core, database_url, ending, hubs):
    """Starts a gateway: `start(broker=None, **settings)`; `listening`: options of its listener."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(broker=None, listening=None, **settings):
            settings = Settings(database_url=database_url, **settings)
            gateway = running(broker or MemoryBroker(core), settings, ending, hubs, listening or {})
            return await stack.enter_async_context(gateway)

        yield start


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
