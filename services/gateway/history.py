"""History: what a conversation was before now: the archive's transcript, and after its cursor the log, up to the present."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from schemas import subjects
from schemas.codec import decode_frame
from schemas.cursor import Cursor
from schemas.errors import FoldError, Invalid, NotFound, Unavailable
from schemas.events import Frame
from schemas.transcript import Transcript
from services.archive.port import Archived, ArchiveReader
from services.broker.port import READ_BYTES_MAX, READ_MESSAGES_MAX, Bounds, Broker, Record, Subscription
from services.gateway.join import Join
from services.gateway.state import State

PRESENT_S = 10.0
"""How long one attempt to read up to the present may take: a copy of the log that stays stale longer is as good as down."""

STALE_PAUSE_S = 0.03
"""Before asking a copy of the log again that does not know yet what was seen live."""

STRETCH_RECORDS = 4 * READ_MESSAGES_MAX
"""Records read between two questions what the log still holds."""

Lost = Literal["epoch", "lost"]
"""Why a state must be built anew: the stream is another one, or something of it cannot be put in its place any more."""


class Stretch(NamedTuple):
    """Records of the log after a position. `whole`: it is certain that none of them had left the log before."""

    records: Sequence[Record]
    pending: int
    whole: bool


class Verdict(NamedTuple):
    """What a look at the log says of a state: build it anew because of what is at `needed`, read on to there, or neither."""

    rebuild: Lost | None = None
    needed: int = 0


class History:
    """The history of one conversation. Everything awaited here may raise Unavailable."""

    def __init__(
        self, broker: Broker, archive: ArchiveReader, tenant: str, conversation: str, *, partitions: int
    ) -> None:
        self._broker = broker
        self._archive = archive
        self._tenant = tenant
        self.conversation = conversation
        self._partitions = partitions
        self.partition = -1

    async def archived(self) -> Archived | None:
        """What the archive has of it; the first call also finds its partition."""
        found = await self._archive.conversation(self._tenant, self.conversation)
        if found is not None:
            self.partition = found.partition
        elif self.partition < 0:
            self.partition = subjects.partition_of(self._tenant, self.conversation, self._partitions)
        return found

    async def follow(self, on_live: Callable[[int, str, bytes], None]) -> Subscription:
        return await self._broker.follow(subjects.live(self.partition, self._tenant, self.conversation), on_live)

    async def build(self, archived: Archived | None, join: Join, *, ring_bytes_max: int, tolerant: bool) -> State:
        """The conversation's state at the present, `archived` and what came after. Its cursor counts if it is of the stream
        that is there now, and not beyond its end, which a power cut can have taken; else the stream is read from its beginning.

        Raises:
            NotFound: neither the archive nor the leader of the log knows the conversation.
            FoldError: the log is not whole (never if `tolerant`).
        """
        bounds = await self._bounds()
        transcript = archived.transcript if archived else Transcript(conversation=self.conversation)
        start = Cursor(bounds.epoch, 0)
        beyond: frozenset[str] = frozenset()
        known = archived.cursor if archived is not None else None
        if archived is not None and known is not None and known.epoch == bounds.epoch and known.seq <= bounds.last:
            start, beyond = known, archived.beyond
        state = State(transcript, start, ring_bytes_max=ring_bytes_max, tolerant=tolerant, beyond=beyond)
        await self.read_on(state, join)
        if archived is None and state.seq == 0:
            await self._read_first(state, join)
        return state

    async def _read_first(self, state: State, join: Join) -> None:
        """Nothing was found; but only the leader's word counts, for a copy may not know a new conversation yet."""
        last = await self._broker.last_message(self.partition, self._lane(subjects.IN_LANE))
        if last is None:
            raise NotFound(f"there is no conversation {self.conversation!r}", code="unknown_conversation")
        join.need(last.seq)
        await self.read_on(state, join)

    async def read_on(self, state: State, join: Join, on_frame: Callable[[Frame], None] | None = None) -> None:
        """Bring the state up to the present; `on_frame` is given every frame that changed it. The join begins at the state.

        Raises:
            FoldError: the log does not continue the state.
            Unavailable: also if the log is still behind what was seen live after PRESENT_S.
        """
        join.begin(state.seq)
        try:
            async with asyncio.timeout(PRESENT_S):
                records: Sequence[Record] = ()
                while not join.caught_up:
                    asking = self._broker.read(self.partition, self._log, join.ask())
                    batch, _ = await asyncio.gather(asking, _take(state, records, on_frame))
                    records = join.answer(batch)
                    if batch.pending == 0 and not join.caught_up:
                        await asyncio.sleep(STALE_PAUSE_S)
                        join.give_up_before((await self._bounds()).first)
                await _take(state, records, on_frame)
        except TimeoutError as error:
            raise Unavailable(f"conversation {self.conversation} could not be read to the present") from error

    async def stretch(self, epoch: str, after: int) -> Stretch:
        """Read the log after `after`, then ask what it still holds: what leaves it between the two is not overlooked."""
        records: list[Record] = []
        pending, position = 1, after
        while pending and len(records) < STRETCH_RECORDS and _size(records) < READ_BYTES_MAX:
            batch = await self._broker.read(self.partition, self._log, position)
            records += batch.records
            pending, position = batch.pending, batch.last_seq
        bounds = await self._bounds()
        whole = bounds.epoch == epoch and (bounds.first <= after + 1 or _is_beginning(records))
        return Stretch(records, pending, whole)

    async def last_stored(self) -> int:
        """The newest sequence of the stream."""
        return (await self._bounds()).last

    async def compare(self, state: State, *, suspect: bool) -> Verdict:
        """Look for what came after the state; and ask the leader about the lanes that may still grow, for the last record of
        a lane that was lost before its cursor. Epochs are compared only if `suspect`.
        """
        if suspect and (await self._bounds()).epoch != state.epoch:
            return Verdict(rebuild="epoch")
        batch = await self._broker.read(self.partition, self._log, state.seq, messages=1)
        needed = batch.last_seq
        for lane in [subjects.IN_LANE, *(run.id for run in state.fold.active_runs)]:
            last = await self._broker.last_message(self.partition, self._lane(lane))
            if last is None:
                continue
            if last.seq > state.seq:
                needed = max(needed, last.seq)
            elif not state.tolerant and decode_frame(last.data).last > state.last_of(lane):
                return Verdict(rebuild="lost", needed=last.seq)
        return Verdict(needed=needed)

    async def _bounds(self) -> Bounds:
        try:
            return await self._broker.bounds(self.partition)
        except NotFound as error:
            raise Unavailable(f"the log of partition {self.partition} is not set up") from error

    @property
    def _log(self) -> str:
        return subjects.conversation_events(self.partition, self._tenant, self.conversation)

    def _lane(self, lane: str) -> str:
        return subjects.event(self.partition, self._tenant, self.conversation, lane)


async def _take(state: State, records: Sequence[Record], on_frame: Callable[[Frame], None] | None) -> None:
    """Take in one batch, while the next one is under way. Raises FoldError."""
    await asyncio.sleep(0)  # the request for it leaves in this turn
    for record in records:
        try:
            frame = state.read(record)
        except Invalid as error:
            raise FoldError(f"record {record.seq}: {error.message}") from error
        if frame is not None and on_frame is not None:
            on_frame(frame)


def _is_beginning(records: Sequence[Record]) -> bool:
    """Whether the first record is the conversation's first: then all of it comes after, whatever else has left the log."""
    return bool(records) and records[0].lane == subjects.IN_LANE and decode_frame(records[0].data).n == 1


def _size(records: Sequence[Record]) -> int:
    return sum(len(record.data) for record in records)
