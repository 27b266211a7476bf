"""`purge` where the mirrors that reads go to have copied nothing."""

from __future__ import annotations

import asyncio
import random

from services.admin import purge
from services.archive.migrate import migrate
from services.archive.reader import open_reader
from services.broker.input_lane import is_deleted
from services.broker.memory import MemoryCore
from tests.admin.test_admin import append
from tests.archive.logs import CONVERSATION, TENANT
from tests.broker.behind import Behind
from tests.schemas import logs


async def test_a_purge_reads_from_the_primary_what_the_mirrors_do_not_have(tmp_path, monkeypatch):
    monkeypatch.setattr(purge, "REMOVED_S", 0.1)
    database_url = f"sqlite+aiosqlite:///{tmp_path}/archive.sqlite3"
    await migrate(database_url)
    archive, broker = open_reader(database_url), Behind(MemoryCore())
    await append(broker, logs.conversation(random.Random(11), runs=1))
    try:
        async with asyncio.timeout(5):
            assert not await purge.purge(broker, archive, purge.Place(TENANT, CONVERSATION, 0))
    finally:
        await archive.close()
    assert await is_deleted(broker, 0, TENANT, CONVERSATION)
