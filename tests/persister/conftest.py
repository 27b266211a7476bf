from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from services.archive.migrate import migrate
from services.archive.port import ArchiveWriter
from services.archive.reader import open_reader
from services.archive.writer import open_writer
from services.broker.memory import MemoryBroker, MemoryCore
from services.persister import writer as writer_module
from services.persister.writer import SealWriter


@pytest.fixture
async def database_url(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'archive.sqlite3'}"
    await migrate(url)
    return url


@pytest.fixture
async def archive(database_url):
    archive = open_writer(database_url)
    yield archive
    await archive.close()


@pytest.fixture
async def reader(database_url):
    reader = open_reader(database_url)
    yield reader
    await reader.close()


@pytest.fixture
def broker(monkeypatch):
    """A broker that gives a message to somebody else after 0.3 s of silence, and a persister that beats more often."""
    monkeypatch.setattr(writer_module, "FETCH_S", 0.1)
    monkeypatch.setattr(writer_module, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(writer_module, "RETRY_S", 0.2)
    return MemoryBroker(MemoryCore(ack_wait_s=0.3))


@contextlib.asynccontextmanager
async def persisting(broker: MemoryBroker, archive: ArchiveWriter, *, batch_max: int = 50) -> AsyncIterator[SealWriter]:
    """A persister at work until the end of the context, where it is told to stop and must do so."""
    stop = asyncio.Event()
    writer = SealWriter(broker, archive, batch_max=batch_max)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(writer.run(stop))
        try:
            yield writer
        finally:
            stop.set()
