"""The lanes of one conversation as a gateway reads and writes them while it serves one request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame
from schemas.errors import Deleted, Unavailable
from schemas.seal import ConversationRecord
from schemas.transcript import RunState
from services.broker.input_lane import AppendedInput, QueuedRun, append_input, queued_run
from services.broker.port import Broker, Record
from services.gateway.channel import Channel

REACHED_S = 5.0
"""How long a decision waits for the fold to reach the lane's last record: live it is there within a millisecond, and a
lost live message is found by the channel's own check of the tail within a few seconds."""

Decide = Callable[[], Awaitable[Sequence[ev.AnyEvent]]]
"""The events to append, decided on the channel's fold, which has read the `in` lane to its end; or raises to refuse. Asked
again when another gateway was faster."""


class Lanes:
    def __init__(self, broker: Broker, channel: Channel) -> None:
        self.broker = broker
        self.channel = channel

    def subject(self, lane: str) -> str:
        return subjects.event(self.channel.partition, self.channel.tenant, self.channel.conversation, lane)

    async def append(self, run: str, decide: Decide) -> AppendedInput:
        """Append one frame about `run` to the `in` lane. Raises Deleted, Overloaded, Unavailable and whatever `decide` raises."""

        async def decide_level(last: Record | None) -> Sequence[ev.AnyEvent]:
            if last is not None and not await self.channel.reached(last.seq, REACHED_S):
                raise Unavailable("this gateway is behind the log; try again")
            if self.channel.fold.deleted:
                raise Deleted(self.channel.conversation)
            return await decide()

        return await append_input(
            self.broker,
            self.channel.partition,
            self.channel.tenant,
            self.channel.conversation,
            run,
            decide_level,
            input_last=lambda: self.channel.fold.input_last,
        )

    async def last_event(self, run: str) -> ev.AnyEvent | None:
        """The last event of a run's lane, from the leader; None if nothing is there."""
        last = await self.broker.last_message(self.channel.partition, self.subject(run))
        return decode_frame(last.data).events[-1] if last is not None else None

    async def is_over(self, run: str) -> bool:
        """Whether the run has ended: the fold knows, or the leader has it already."""
        known = self.channel.fold.runs.get(run)
        if known is not None and known.over:
            return True
        return isinstance(await self.last_event(run), ev.RUN_ENDS)

    async def queued(self, run: RunState) -> QueuedRun | None:
        """A run of the fold as the `in` lane has it; None if that has left the log."""
        subject = self.subject(subjects.IN_LANE)
        record = await self.broker.next_message(self.channel.partition, subject, run.seq - 1)
        found = queued_run(record) if record is not None else None
        return found if found is not None and found.run == run.id else None

    async def list(self, stored: AppendedInput, title: str, *, renamed: bool = False, queued: bool = False) -> None:
        """Let the list of conversations show this one as it is now, before a run of it ends."""
        record = ConversationRecord(
            tenant=self.channel.tenant,
            conversation=self.channel.conversation,
            partition=self.channel.partition,
            epoch=self.channel.cursor.epoch,
            input_seq=stored.seq,
            title=title,
            created=self.channel.fold.head().created,
            updated=stored.ts,
            renamed=renamed,
            queued=queued,
        )
        await publish_record(self.broker, record)


async def publish_record(broker: Broker, record: ConversationRecord) -> None:
    msg_id = f"input:{record.tenant}:{record.conversation}:{record.epoch}:{record.input_seq}"
    await broker.publish_seal(record, msg_id)
