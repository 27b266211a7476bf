"""What the worker reads: the `in` lane from the run's own message on, and on a takeover the run's lane so far."""

from __future__ import annotations

import asyncio

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame
from schemas.commands import RunCommand
from schemas.errors import NotFound
from services.broker.input_lane import read_inputs
from services.broker.port import Broker, Record

STALE_READS_MAX = 20
STALE_PAUSE_S = 0.1
"""A copy of the stream that serves reads may be behind; a takeover waits for it this often and long before it reads the
missing frames from the leader, one by one.
"""


class Inputs:
    """The `in` lane of a run's conversation. The first `read` starts with the run's own `user.message`."""

    def __init__(self, broker: Broker, command: RunCommand) -> None:
        self._broker = broker
        self._command = command
        self._after = command.seq - 1

    async def read(self) -> list[ev.Frame]:
        """The frames that have come since the last call, from the leader. Not to be called by two at once."""
        command = self._command
        found = await read_inputs(self._broker, command.partition, command.tenant, command.conversation, self._after)
        frames = [frame for _, frame in found]
        if self._after < command.seq and not (frames and frames[0].seq == command.seq):
            frames.insert(0, own_message(command))  # it has left the log since; the command has all of it
        self._after = max(self._after, command.seq, *(frame.seq for frame in frames))
        return frames


def own_message(command: RunCommand) -> ev.Frame:
    """The `in` frame that the command came from."""
    message = ev.UserMessage(id=command.message, text=command.text, agent=command.agent)
    queued = ev.RunQueued(agent=command.agent, message=command.message, after=command.after)
    return ev.Frame(
        run=command.run,
        lane=subjects.IN_LANE,
        n=command.ordinal,
        ts=command.sent,
        seq=command.seq,
        events=[message, queued],
    )


async def read_lane(broker: Broker, partition: int, subject: str, last: Record) -> list[ev.Frame]:
    """Every frame of a lane up to `last`, its last message according to the leader.

    Raises:
        NotFound: a part of it has left the log.
    """
    frames: list[ev.Frame] = []
    after = stale = 0
    while after < last.seq:
        batch = await broker.read(partition, subject, after)
        records = [record for record in batch.records if record.seq <= last.seq]
        if not records and stale < STALE_READS_MAX:
            stale += 1
            await asyncio.sleep(STALE_PAUSE_S)
            continue
        if not records:
            found = await broker.next_message(partition, subject, after)
            if found is None:
                raise NotFound(f"the log of {subject} ends at {after} and not at {last.seq}")
            records = [found]
        frames += [decode_frame(record.data, record.seq) for record in records]
        after = records[-1].seq
    return frames
