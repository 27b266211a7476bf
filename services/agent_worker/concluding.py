"""Concluding a run whose terminal event is stored: the seal, then the command of the run that waits behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame
from schemas.commands import RunCommand
from schemas.errors import Unavailable
from services.agent_worker.ending import next_command, seal_of
from services.agent_worker.journal import Journal
from services.broker.input_lane import find_successor
from services.broker.port import Broker

PATIENCE_S = 120.0
"""How long the end of a run is tried against a broker that does not answer. After that the command is delivered again."""

PAUSE_S = 0.2
PAUSE_S_MAX = 2.0

T = TypeVar("T")


async def conclude(broker: Broker, command: RunCommand, journal: Journal) -> None:
    """Seal the run and start its successor, in this order. Repeating it changes nothing.

    Raises:
        Unavailable: the broker did not answer for PATIENCE_S.
    """
    partition, tenant, conversation = command.partition, command.tenant, command.conversation
    epoch = command.epoch or (await patiently(lambda: broker.bounds(partition))).epoch
    created = await patiently(lambda: _created(broker, command))
    seal = seal_of(journal, command, epoch=epoch, created=created)
    await patiently(lambda: broker.publish_seal(seal, f"seal:{command.run}:{seal.run.last}"))
    queued = await patiently(lambda: find_successor(broker, partition, tenant, conversation, command.seq))
    if queued is not None:
        following = next_command(command, journal, queued, epoch)
        await patiently(lambda: broker.publish_command(following))


async def _created(broker: Broker, command: RunCommand) -> int:
    """When the conversation was created (ms); 0 if that has left the log."""
    subject = subjects.event(command.partition, command.tenant, command.conversation, subjects.IN_LANE)
    first = await broker.next_message(command.partition, subject, 0)
    if first is None:
        return 0
    frame = decode_frame(first.data)
    return frame.ts if isinstance(frame.events[0], ev.ConversationCreated) else 0


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat what the broker did not answer, for PATIENCE_S. Raises Unavailable after that."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    pause = PAUSE_S
    while True:
        try:
            return await call()
        except Unavailable:
            if loop.time() + pause > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_S_MAX)
