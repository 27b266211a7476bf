import asyncio
import contextlib
import shutil

import pytest

from services.archive.migrate import migrate
from services.archive.reader import open_reader
from services.broker.memory import MemoryBroker, MemoryCore
from services.gateway.app import assemble
from services.gateway.hub import Hub, HubSettings
from services.gateway.identity import Development
from services.gateway.server import listen, serve
from services.gateway.settings import Settings
from tests.gateway.http.worker import Worker


@pytest.fixture(scope="session")
def empty_archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "empty.sqlite3"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def archive(empty_archive, tmp_path):
    reader = open_reader(f"sqlite+aiosqlite:///{shutil.copy(empty_archive, tmp_path / 'archive.sqlite3')}")
    yield reader
    await reader.close()


@pytest.fixture
def core():
    return MemoryCore()


@pytest.fixture
def worker(core):
    return Worker(MemoryBroker(core))


class Gateway:
    """A real gateway on a port of its own, over the broker in this process; `drain` is what SIGTERM does to one."""

    def __init__(self, core, archive, identify):
        self._identify = identify
        self._core = core
        self._archive = archive
        self._stop = asyncio.Event()
        self._listener = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    async def run(self):
        broker = MemoryBroker(self._core)
        with contextlib.closing(self._listener):
            async with Hub(broker, self._archive, HubSettings()) as hub:
                app = assemble(Settings(), broker, self._archive, hub, self._identify)
                await serve(app, self._listener, hub, self._stop, drain_s=5.0)

    def drain(self):
        self._stop.set()


@pytest.fixture
async def start(core, archive):
    """Starts a gateway."""
    started = []
    async with asyncio.TaskGroup() as tasks:

        def start(identify=None):
            started.append(Gateway(core, archive, identify or Development()))
            tasks.create_task(started[-1].run())
            return started[-1]

        yield start
        for gateway in started:
            gateway.drain()
