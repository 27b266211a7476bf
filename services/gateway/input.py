"""Everything that a client may write: messages, cancels, answers, names. HTTP and WebSocket use the same object.

Each is an append to the conversation's `in` lane, decided on a fold that has read the lane to its last record and stored
only if that record is still the last: so enqueue, reject, interrupt and "this message is here already" hold across gateways.
What follows an append (the command, a control message, the row for the list) may be lost with the process; every step is
idempotent, and the same request sent again does what is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple
from weakref import WeakKeyDictionary

from schemas import events as ev
from schemas import subjects, wire
from schemas.commands import InputAppended
from schemas.cursor import Cursor
from schemas.errors import Conflict, Deleted, Invalid, NotFound, Unavailable
from schemas.fold import title_from
from schemas.ids import check_id
from schemas.seal import ConversationRecord
from schemas.transcript import RunState
from services import tracing
from services.archive.port import ArchiveReader
from services.broker.input_lane import AppendedInput, QueuedRun, append_input
from services.broker.port import Broker, Record
from services.gateway import input_deletion as deletions
from services.gateway import input_rules as rules
from services.gateway import input_runs as runs
from services.gateway.channel import Channel
from services.gateway.hub import Hub
from services.gateway.input_lanes import Lanes, publish_record
from services.gateway.input_recent import RecentRuns
from services.gateway.input_runs import Settled
from services.runtime import new_id

SHOWN_S = 1.0
"""How long an answer waits until this gateway would also show what was written. It is stored: a miss only shows it later."""

ARCHIVED_PAUSE_S = 0.05
"""Between two looks at the archive for what a persister is about to write."""

OVERDUE_CHECKS = 2


class Created(NamedTuple):
    """`new` is False if the conversation was there already."""

    conversation: str
    title: str
    new: bool


class _AlreadyThere(Exception):
    def __init__(self, run: RunState) -> None:
        super().__init__()
        self.run = run


class Input:
    """All methods raise AnabranchError: NotFound for what is unknown, Invalid for what cannot be, Conflict for what the
    state refuses, Unavailable if the outcome is unknown.
    """

    def __init__(
        self, broker: Broker, archive: ArchiveReader, hub: Hub, recent: RecentRuns, *, partitions: int, queued_max: int
    ) -> None:
        self._broker = broker
        self._archive = archive
        self._hub = hub
        self._recent = recent
        self._partitions = partitions
        self._queued_max = queued_max
        self._waiting: WeakKeyDictionary[Channel, tuple[str, int]] = WeakKeyDictionary()
        """The queued run at the head of a conversation, and how many checks in a row have found it there."""

    async def create(self, tenant: str, conversation: str = "", title: str = "") -> Created:
        """Make a conversation; one that exists is left as it is. Without an id it gets a new one."""
        conversation = check_id(conversation or new_id("c"), "conversation")
        rules.check_title(title)
        try:
            async with self._hub.channel(tenant, conversation) as channel:
                return Created(conversation, channel.fold.title, new=False)
        except Deleted:
            raise
        except NotFound:
            pass

        async def decide(last: Record | None) -> list[ev.AnyEvent]:
            if last is not None:  # another gateway was faster
                raise Settled
            return [ev.ConversationCreated(title=title)]

        partition = subjects.partition_of(tenant, conversation, self._partitions)
        epoch = (await self._broker.bounds(partition)).epoch
        try:
            stored = await append_input(self._broker, partition, tenant, conversation, "", decide)
        except Settled:
            return Created(conversation, title, new=False)
        record = ConversationRecord(
            tenant=tenant,
            conversation=conversation,
            partition=partition,
            epoch=epoch,
            input_seq=stored.seq,
            title=title,
            created=stored.ts,
            updated=stored.ts,
        )
        await publish_record(self._broker, record)
        return Created(conversation, title, new=True)

    async def rename(self, tenant: str, conversation: str, title: str) -> None:
        rules.check_title(title)
        if not title:
            raise Invalid("the title is empty", code="invalid_request")

        async def decide() -> list[ev.AnyEvent]:
            return [ev.ConversationRenamed(title=title)]

        async with self._hub.channel(tenant, conversation) as channel:
            lanes = Lanes(self._broker, channel)
            written = await lanes.append("", decide)
            await lanes.list(written, title, renamed=True)
            await channel.reached(written.seq, SHOWN_S)

    async def delete(self, tenant: str, conversation: str) -> None:
        """Delete a conversation; one that was deleted stays so. Then nothing of it is shown by any gateway, and nothing can be
        appended; archive, log and objects are emptied by a persister, because that must be done also if this gateway dies.

        Raises:
            Conflict: a run is active (code `conversation_busy`).
        """
        try:
            async with self._hub.channel(tenant, conversation, deleted=True) as channel:
                deletion = await deletions.bury(Lanes(self._broker, channel))
        except Deleted:  # the archive knows: a persister is at it, or done
            return
        await self._broker.publish_seal(deletion, f"deletion:{tenant}:{conversation}:{deletion.epoch}:{deletion.seq}")
        await self._archived_deletion(tenant, conversation)

    async def _archived_deletion(self, tenant: str, conversation: str) -> None:
        """Wait for a moment until the list does not show the conversation any more."""
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(SHOWN_S):
                while True:
                    if await self._archive.is_deleted(tenant, conversation):
                        return
                    await asyncio.sleep(ARCHIVED_PAUSE_S)

    async def send(self, tenant: str, message: wire.Send) -> wire.Ack:
        """Append a message and see to its run. The acknowledged cursor is one from which the whole run can be read.

        Raises:
            Conflict: `conversation_busy` (multitask `reject` while a run is active), `id_reused`.
            Overloaded: `queue_full`.
        """
        rules.check_message(message)
        with tracing.span("accept", kind=tracing.Kind.SERVER, conversation=message.conversation, agent=message.agent):
            return await self._send(tenant, message)

    async def _send(self, tenant: str, message: wire.Send) -> wire.Ack:
        async with self._hub.channel(tenant, message.conversation) as channel:
            lanes = Lanes(self._broker, channel)
            try:
                queued, stored = await self._enqueue(lanes, message)
            except _AlreadyThere as there:
                return await self._attach(lanes, message, there.run)
            self._recent.remember(tenant, queued.run, message.conversation)
            written = await _carry_on(lanes, message, queued.run, queued)
            await lanes.list(stored, channel.fold.title or title_from(message.text), queued=True)
            await channel.reached(max(stored.seq, written), SHOWN_S)
            return wire.Ack(ref=message.id, run=queued.run, cursor=_before(channel, stored.seq))

    async def _enqueue(self, lanes: Lanes, message: wire.Send) -> tuple[QueuedRun, AppendedInput]:
        run = new_id("r")
        user = ev.UserMessage(id=message.id, text=message.text, agent=message.agent, multitask=message.multitask)
        after = ""

        async def decide() -> list[ev.AnyEvent]:
            nonlocal after
            known = rules.answering(lanes.channel.fold, message)
            if known is not None:
                raise _AlreadyThere(known)
            if message.multitask == "reject" and await runs.busy(lanes):
                raise Conflict("a run is active in this conversation", code="conversation_busy")
            rules.check_room(lanes.channel.fold, self._queued_max)
            after = rules.newest_run(lanes.channel.fold)
            return [user, ev.RunQueued(agent=message.agent, message=message.id, after=after)]

        stored = await lanes.append(run, decide)
        return QueuedRun(run, stored.seq, stored.n, stored.ts, user, after, trace=tracing.current()), stored

    async def _attach(self, lanes: Lanes, message: wire.Send, run: RunState) -> wire.Ack:
        """The message is there: do what may have been left undone."""
        channel = lanes.channel
        self._recent.remember(channel.tenant, run.id, channel.conversation)
        if run.over:  # its frames may have left the log: the cursor is the present, where a snapshot has it
            return wire.Ack(ref=message.id, run=run.id, cursor=str(channel.cursor), attached=True)
        cursor = _before(channel, run.seq)
        await _carry_on(lanes, message, run.id)
        return wire.Ack(ref=message.id, run=run.id, cursor=cursor, attached=True)

    async def start_overdue(self, channel: Channel) -> None:
        """Publish the command of a run that two checks in a row have found queued at the head: the gateway that took its
        message may have died before it could. Once, for there may simply be no free worker.
        """
        head = next(iter(channel.fold.active_runs), None)
        if head is None or head.attempt or head.status != "queued":
            self._waiting.pop(channel, None)
            return
        run, checks = self._waiting.get(channel, (head.id, 0))
        checks = checks + 1 if run == head.id else 1
        self._waiting[channel] = (head.id, checks)
        if checks == OVERDUE_CHECKS:
            await runs.start_next(Lanes(self._broker, channel))

    async def cancel(self, tenant: str, message: wire.Cancel) -> wire.Ack:
        """Ask that a run ends; one that is over stays as it is."""
        async with self._hub.channel(tenant, message.conversation) as channel:
            written = await runs.stop(Lanes(self._broker, channel), message.run, ev.RunCancelling())
            await channel.reached(written, SHOWN_S)
            return wire.Ack(ref=message.run, run=message.run, cursor=str(channel.cursor))

    async def resolve(self, tenant: str, message: wire.Resolve) -> wire.Ack:
        """Answer an interrupt; the same answer again changes nothing.

        Raises:
            Conflict: it has another answer, or its run is over (code `already_resolved`).
            TooLarge: the value is more than an event may have.
        """
        message = rules.plain_answer(message)
        async with self._hub.channel(tenant, message.conversation) as channel:
            run = rules.interrupt(channel.fold, message.interrupt).run

            async def decide() -> list[ev.AnyEvent]:
                if not rules.is_new_answer(channel.fold, message):
                    raise Settled
                return [ev.InterruptResolved(id=message.interrupt, decision=message.decision, value=message.value)]

            with contextlib.suppress(Settled):
                written = await Lanes(self._broker, channel).append(run, decide)
                await channel.reached(written.seq, SHOWN_S)
            await self._broker.control(run, InputAppended())
            return wire.Ack(ref=message.interrupt, run=run, cursor=str(channel.cursor))


async def _carry_on(lanes: Lanes, message: wire.Send, run: str, queued: QueuedRun | None = None) -> int:
    """Do what follows from a stored message; returns the highest sequence that this wrote, 0 for none."""
    written = await runs.supersede(lanes, run) if message.multitask == "interrupt" else 0
    await runs.start_next(lanes, queued)
    return written


def _before(channel: Channel, seq: int) -> str:
    return str(Cursor(channel.cursor.epoch, seq - 1))
