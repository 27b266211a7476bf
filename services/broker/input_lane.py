"""The `in` lane of a conversation: the lane with many writers (gateways, `open_run`), each append a compare-and-set.

What may be appended depends on what is there already (is a run active? does this message exist?), so the caller's `decide`
is asked again whenever somebody else was faster. Everything here reads from the leader: an answer is never stale.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame, encode_frame
from schemas.commands import RunCommand, Turn
from schemas.errors import Fenced, Overloaded, Unavailable
from services import tracing
from services.broker.port import Broker, Record
from services.runtime import now_ms

RETRY_S = 10.0
"""How long an append whose outcome is unknown is repeated: what a client waits for an answer to its POST."""

RETRY_PAUSE_S = 0.1
"""Mean of the first pause between such repeats; it doubles up to RETRY_PAUSE_MAX_S, with jitter."""

RETRY_PAUSE_MAX_S = 1.0

RACES_MAX = 64
"""How often an append may lose against other writers of the same conversation before it is refused as overload."""

Decide = Callable[[Record | None], Awaitable[Sequence[ev.AnyEvent]]]
"""Given the lane's last record (None: the lane is empty), the events to append; or raises to refuse. May be asked again."""


class AppendedInput(NamedTuple):
    """`seq` is the frame's stream sequence, `n` the number of its first event and `ts` its time in ms."""

    seq: int
    n: int
    ts: int


class Place(Protocol):
    """Whatever knows where a conversation is: a command, a gateway's channel."""

    @property
    def tenant(self) -> str: ...

    @property
    def conversation(self) -> str: ...

    @property
    def partition(self) -> int: ...


class QueuedRun(NamedTuple):
    """A `user.message` on the `in` lane and the run that is to answer it. `n` is the message's number, `sent` its time,
    `trace` the one it was stored in.
    """

    run: str
    seq: int
    n: int
    sent: int
    message: ev.UserMessage
    after: str
    external: bool = False
    trace: str = ""

    def command(self, place: Place, *, epoch: str, history: list[Turn], title: str) -> RunCommand:
        """What a worker needs to run it. `epoch` is that of the stream that `seq` belongs to."""
        return RunCommand(
            tenant=place.tenant,
            conversation=place.conversation,
            partition=place.partition,
            run=self.run,
            agent=self.message.agent,
            message=self.message.id,
            text=self.message.text,
            ordinal=self.n,
            seq=self.seq,
            sent=self.sent,
            epoch=epoch,
            after=self.after,
            history=history,
            title=title,
        )


async def append_input(  # noqa: PLR0917 -- three of the six are the address of the conversation
    broker: Broker,
    partition: int,
    tenant: str,
    conversation: str,
    run: str,
    decide: Decide,
    *,
    input_last: Callable[[], int] = lambda: 0,
) -> AppendedInput:
    """Append the events that `decide` returns as one frame about `run`, with the current trace.

    `input_last`, asked after `decide`, is the number of the last event known to have been on the lane: numbering goes on
    from there where the lane itself has left the log, or has lost its end in a power cut.

    Raises:
        Overloaded: RACES_MAX other writers were faster.
        Unavailable: no answer for RETRY_S; whether the frame was stored is unknown.
        Exception: whatever `decide` raises.
    """
    subject = subjects.event(partition, tenant, conversation, subjects.IN_LANE)
    deadline = time.monotonic() + RETRY_S
    for _ in range(RACES_MAX):
        last = await broker.last_message(partition, subject)
        events = list(await decide(last))
        n = 1 + max(input_last(), 0 if last is None else decode_frame(last.data).last)
        frame = ev.Frame(run=run, lane=subjects.IN_LANE, n=n, ts=now_ms(), events=events)
        expected = last.seq if last else 0
        seq = await _compare_and_set(
            broker, partition, subject, encode_frame(frame), expected=expected, deadline=deadline
        )
        if seq is not None:
            return AppendedInput(seq, n, frame.ts)
    raise Overloaded(f"too many writers in conversation {conversation}")


async def _compare_and_set(
    broker: Broker, partition: int, subject: str, data: bytes, *, expected: int, deadline: float
) -> int | None:
    """The stored sequence, or None if another writer was there first. An unclear outcome is repeated until `deadline`."""
    msg_id = f"in:{secrets.token_hex(8)}"
    trace = tracing.current()
    pause = RETRY_PAUSE_S
    unclear = False
    while True:
        try:
            return (await broker.append(subject, data, msg_id=msg_id, expected_last=expected, trace=trace)).seq
        except Fenced:
            if not unclear:
                return None
            stored = await broker.next_message(partition, subject, expected)
            return stored.seq if stored is not None and stored.data == data else None
        except Unavailable:
            unclear = True
            if time.monotonic() + pause > deadline:
                raise
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, RETRY_PAUSE_MAX_S)


async def read_inputs(
    broker: Broker, partition: int, tenant: str, conversation: str, after: int
) -> list[tuple[int, ev.Frame]]:
    """The frames of the `in` lane with a stream sequence above `after`, with their sequences, in order."""
    subject = subjects.event(partition, tenant, conversation, subjects.IN_LANE)
    found: list[tuple[int, ev.Frame]] = []
    while (record := await broker.next_message(partition, subject, after)) is not None:
        found.append((record.seq, decode_frame(record.data, record.seq)))
        after = record.seq
    return found


async def find_successor(
    broker: Broker, partition: int, tenant: str, conversation: str, after: int
) -> QueuedRun | None:
    """The next run queued behind the one whose `user.message` is at stream sequence `after`; None if there is none, or if
    it is external.
    """
    subject = subjects.event(partition, tenant, conversation, subjects.IN_LANE)
    while (record := await broker.next_message(partition, subject, after)) is not None:
        queued = queued_run(record)
        if queued is not None:
            return None if queued.external else queued
        after = record.seq
    return None


def queued_run(record: Record) -> QueuedRun | None:
    """The run that a record of the `in` lane queues, if it queues one."""
    frame = decode_frame(record.data, record.seq)
    message: ev.UserMessage | None = None
    number = sent = 0
    for index, event in enumerate(frame.events):
        if isinstance(event, ev.UserMessage):
            message, number, sent = event, frame.n + index, frame.ts + event.dt
        elif isinstance(event, ev.RunQueued) and message is not None:
            return QueuedRun(frame.run, record.seq, number, sent, message, event.after, event.external, record.trace)
    return None


async def is_deleted(broker: Broker, partition: int, tenant: str, conversation: str) -> bool:
    """Whether the last word on the conversation is that it was deleted."""
    last = await broker.last_message(partition, subjects.event(partition, tenant, conversation, subjects.IN_LANE))
    return last is not None and isinstance(decode_frame(last.data).events[-1], ev.ConversationDeleted)


async def lane_is_over(broker: Broker, partition: int, tenant: str, conversation: str, run: str) -> bool:
    """Whether the run has ended: the last event of its lane, read from the leader, is a terminal one."""
    last = await broker.last_message(partition, subjects.event(partition, tenant, conversation, run))
    return last is not None and isinstance(decode_frame(last.data).events[-1], ev.RUN_ENDS)
