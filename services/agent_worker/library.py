"""Agents as a library: one call runs an agent in this process, on whatever broker it is given, and returns what came of it.

    broker = MemoryBroker()
    transcript = await run_once(broker, team, "Compare tea and coffee", model=Scripted(0))

It is the same code that a worker runs, from the claim to the seal, so a test of an agent tests what is deployed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from schemas import subjects
from schemas.transcript import Transcript
from services.agent_worker.models.port import Model
from services.agent_worker.open_run import open_run
from services.agent_worker.posting import new_post, read_conversation
from services.agent_worker.run import Run
from services.broker.port import Broker


async def run_once(
    broker: Broker,
    agent: Callable[[Run, str], Awaitable[Any]],
    text: str,
    *,
    model: Model | None = None,
    tenant: str = "default",
    conversation: str = "",
    partitions: int = 1,
) -> Transcript:
    """Send `text` to the agent, in a new conversation if none is named; returns the conversation as it is then.

    Raises:
        Conflict: a run is active in the conversation, or this one was cancelled.
        Exception: what the agent raised; the run is then in the log as failed.
    """
    name = getattr(agent, "name", "") or getattr(agent, "__name__", "agent")
    async with open_run(
        broker, agent=name, message=text, tenant=tenant, conversation=conversation, partitions=partitions, model=model
    ) as run:
        await agent(run, text)
    post = new_post(name, text, tenant=tenant, conversation=run.conversation)
    partition = subjects.partition_of(tenant, run.conversation, partitions)
    return (await read_conversation(broker, post._replace(partition=partition))).snapshot()
