import asyncio
import contextlib

import pytest

from schemas.commands import AgentCard
from services.agent_worker import announcing
from services.agent_worker.agents.agent import Agent
from services.broker import memory_core
from services.broker.memory import MemoryBroker
from tests.broker.waiting import eventually

CARD = AgentCard(name="tides", description="Says when the water comes.")


async def answer(run, task):
    return ""


@pytest.fixture
async def broker():
    """One whose connection is cut while a worker begins to announce."""
    broker = MemoryBroker()
    broker.interrupt()
    task = asyncio.create_task(announcing.announce(broker, [Agent(CARD.name, CARD.description, answer)]))
    yield broker
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_agents_are_announced_once_the_broker_is_back_and_again_before_they_are_forgotten(monkeypatch, broker):
    monkeypatch.setattr(announcing, "RETRY_S", 0.01)
    monkeypatch.setattr(announcing, "ANNOUNCE_S", 0.01)
    monkeypatch.setattr(memory_core, "AGENTS_AGE_S", 0.2)
    other = MemoryBroker(broker.core)
    assert await other.agents() == []

    broker.restore()
    await eventually(lambda: _listed(other, [CARD]))
    broker.interrupt()
    await eventually(lambda: _listed(other, []))
    broker.restore()
    await eventually(lambda: _listed(other, [CARD]))


async def _listed(broker, cards) -> bool:
    return await broker.agents() == cards
