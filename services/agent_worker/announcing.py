"""Announcing: a worker says again and again which agents it runs, so that who asks what there is need not ask a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from schemas.commands import AgentCard
from schemas.errors import AnabranchError
from services.agent_worker.agents import Agent
from services.broker.port import AGENTS_AGE_S, Broker

ANNOUNCE_S = AGENTS_AGE_S / 10
"""Several announcements may be lost before an agent is taken for gone."""

RETRY_S = 5.0

log = structlog.get_logger()


async def announce(broker: Broker, agents: Sequence[Agent]) -> None:
    """Until cancelled. A broker that takes no announcement is no reason not to work."""
    cards = [AgentCard(name=agent.name, description=agent.description) for agent in agents]
    while True:
        try:
            await broker.announce_agents(cards)
        except AnabranchError as error:
            log.warning("the agents are not announced", code=error.code, reason=str(error))
            await asyncio.sleep(RETRY_S)
        else:
            await asyncio.sleep(ANNOUNCE_S)
