"""Concluding a run: the seal once its terminal event is stored, then the command of the run that waits behind it."""

from __future__ import annotations

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame, encode_frame
from schemas.commands import RunCommand
from services import tracing
from services.agent_worker.ending import HINTS, next_command, seal_of
from services.agent_worker.journal import Journal
from services.agent_worker.patience import patiently
from services.broker.input_lane import find_successor
from services.broker.port import Broker
from services.runtime import now_ms

UNREADABLE = ev.RunFailed(
    code="worker_lost",
    message="What this run has written cannot be read back, so no worker can continue it.",
    retryable=True,
    hint=HINTS["worker_lost"],
)


async def conclude(broker: Broker, command: RunCommand, journal: Journal) -> None:
    """Seal the run and start its successor, in this order. Repeating it changes nothing.

    Raises:
        Unavailable: the broker did not answer for PATIENCE_S.
    """
    epoch = command.epoch or (await patiently(lambda: broker.bounds(command.partition))).epoch
    created = await patiently(lambda: _created(broker, command))
    with tracing.span("seal"):
        seal = seal_of(journal, command, epoch=epoch, created=created)
        trace = tracing.current()
        await patiently(lambda: broker.publish_seal(seal, f"seal:{command.run}:{seal.run.last}", trace=trace))
    await patiently(lambda: _start_successor(broker, command, journal, epoch))


async def end_unreadable(broker: Broker, command: RunCommand, attempt: int) -> None:
    """Fail a run whose log contradicts itself or is not whole, and start its successor. Without a seal, for there is nothing
    to make it from.

    Raises:
        Fenced: somebody writes to the lane.
        Unavailable: the broker did not answer; call again.
        Invalid, NotFound: the lane's last message is no frame, or its stream is gone.
    """
    subject = subjects.event(command.partition, command.tenant, command.conversation, command.run)
    last = await broker.last_message(command.partition, subject)
    frame = decode_frame(last.data) if last is not None else None
    if frame is None or not isinstance(frame.events[-1], ev.RUN_ENDS):
        n = frame.last + 1 if frame is not None else 1
        attempt = max(attempt, frame.attempt) if frame is not None else attempt
        failed = ev.Frame(run=command.run, n=n, ts=now_ms(), attempt=attempt, events=[UNREADABLE])
        msg_id = f"unreadable:{command.run}:{n}"
        await broker.append(
            subject, encode_frame(failed), msg_id=msg_id, expected_last=last.seq if last is not None else 0
        )
    epoch = command.epoch or (await broker.bounds(command.partition)).epoch
    unknown = Journal(command.conversation, input_last=command.ordinal, title=command.title)
    await _start_successor(broker, command, unknown, epoch)


async def _start_successor(broker: Broker, command: RunCommand, journal: Journal, epoch: str) -> None:
    queued = await find_successor(broker, command.partition, command.tenant, command.conversation, command.seq)
    if queued is not None:
        await broker.publish_command(next_command(command, journal, queued, epoch), trace=queued.trace)


async def _created(broker: Broker, command: RunCommand) -> int:
    """When the conversation was created (ms); 0 if that has left the log."""
    subject = subjects.event(command.partition, command.tenant, command.conversation, subjects.IN_LANE)
    first = await broker.next_message(command.partition, subject, 0)
    if first is None:
        return 0
    frame = decode_frame(first.data)
    return frame.ts if isinstance(frame.events[0], ev.ConversationCreated) else 0
