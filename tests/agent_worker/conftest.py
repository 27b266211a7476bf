from __future__ import annotations

import pytest

from services.agent_worker import worker
from services.broker.memory import MemoryBroker, MemoryCore
from tests.agent_worker.stage import Stage


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def stage(monkeypatch) -> Stage:
    monkeypatch.setattr(worker, "FETCH_S", 0.05)  # a drain waits for it
    return Stage(MemoryBroker(MemoryCore(ack_wait_s=1.0)))
