from __future__ import annotations

import pytest

from services.broker.memory import MemoryBroker, MemoryCore
from tests.agent_worker.stage import Stage


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def stage() -> Stage:
    return Stage(MemoryBroker(MemoryCore(ack_wait_s=1.0)))
