"""History: what a conversation was before now: the archive's transcript, and after its cursor the log, up to the present."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from schemas import subjects
from schemas.codec import decode_frame
from schemas.cursor import Cursor
from schemas.errors import FoldError, Invalid, NotFound, Unavailable
from schemas.events import Frame
from schemas.transcript import Transcript
from services.archive.port import Archived, ArchiveReader
from services.broker.port import READ_BYTES_MAX, READ_MESSAGES_MAX, Batch, Bounds, Broker, Record, Subscription
from services.gateway.join import Join
from services.gateway.reading import Reading, Spans
from services.gateway.state import State

PRESENT_S = 10.0
"""How long one attempt to read up to the present may take: a copy of the log that stays stale longer is as good as down."""

STALE_PAUSE_S = 0.03
"""Before asking a copy of the log again that does not know yet what was seen live."""

STRETCH_RECORDS = 4 * READ_MESSAGES_MAX
LONG_STRETCH_RECORDS = 16 * READ_MESSAGES_MAX
"""Records read between two questions what the log still holds: at first few, so that the first of them come soon."""

S = TypeVar("S")
T = TypeVar("T")

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


class Base(NamedTuple):
    """What a state can be built on."""

    archived: Archived | None
    bounds: Bounds


class History:
    """The history of one conversation. Everything awaited here may raise Unavailable. `partition` is a guess before `base`."""

    def __init__(
        self, broker: Broker, archive: ArchiveReader, tenant: str, conversation: str, *, partitions: int
    ) -> None:
        self._broker = broker
        self._archive = archive
        self._tenant = tenant
        self.conversation = conversation
        self._spans = Spans()
        self.partition = subjects.partition_of(tenant, conversation, partitions)

    async def base(self) -> Base:
        """Look up what the archive has, and then what the log holds."""
        archived = await self._archive.conversation(self._tenant, self.conversation)
        if archived is not None:
            self.partition = archived.partition
        return Base(archived, await self._bounds())

    async def follow(self, on_live: Callable[[int, str, bytes], None]) -> Subscription:
        return await self._broker.follow(subjects.live(self.partition, self._tenant, self.conversation), on_live)

    async def build(self, base: Base, join: Join, *, ring_bytes_max: int, tolerant: bool) -> State:
        """The conversation's state at the present: the archive's and what came after. Its cursor counts if it is of the stream
        that is there now, and not beyond its end, which a power cut can have taken; else the stream is read from its beginning.

        Raises:
            NotFound: neither the archive nor the leader of the log knows the conversation.
            FoldError: the log is not whole (never if `tolerant`).
        """
        archived, bounds = base
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

        async def read(after: int) -> Batch:
            return await self._read(after, join.needed)

        join.begin(state.seq)
        try:
            async with asyncio.timeout(PRESENT_S), Reading(read, self._spans) as reading:
                records: Sequence[Record] = ()
                while not join.caught_up:
                    asking = reading.next(join.ask())
                    if records:
                        batch, _ = await asyncio.gather(asking, _take_meanwhile(state, records, on_frame))
                    else:
                        batch = await asking
                    records = join.answer(batch)
                    if batch.pending == 0 and not join.caught_up:
                        await asyncio.sleep(STALE_PAUSE_S)
                        join.give_up_before((await self._bounds()).first)
                _take(state, records, on_frame)
        except TimeoutError as error:
            raise Unavailable(f"conversation {self.conversation} could not be read to the present") from error

    async def stretch(self, epoch: str, after: int, records_max: int, known: int, holds: int) -> Stretch:
        """Read the log after `after`, then ask what it still holds: what leaves it between the two is not overlooked.
        `known`: how many records there are at least; `holds`: as `Broker.read`.
        """

        async def read(position: int) -> Batch:
            return await self._read(position, holds)

        records: list[Record] = []
        pending, position, size = 1, after, 0
        async with Reading(read, self._spans, known) as reading:
            while pending and len(records) < records_max and size < READ_BYTES_MAX:
                batch = await reading.next(position, ahead=len(records) + READ_MESSAGES_MAX < records_max)
                fresh = [record for record in batch.records if record.seq > position]
                records += fresh
                size += sum(len(record.data) for record in fresh)
                pending, position = batch.pending, max(position, batch.last_seq)
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

    async def _read(self, after: int, holds: int) -> Batch:
        return await self._broker.read(self.partition, self._log, after, holds=holds)

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


async def both(one: Coroutine[Any, Any, S], other: Coroutine[Any, Any, T]) -> tuple[S, T]:
    """The results of both, done at the same time. Raises what one of them raises, and only when both are over."""
    first, second = await asyncio.gather(one, other, return_exceptions=True)
    if isinstance(first, BaseException):
        raise first
    if isinstance(second, BaseException):
        raise second
    return first, second


async def _take_meanwhile(state: State, records: Sequence[Record], on_frame: Callable[[Frame], None] | None) -> None:
    """`_take`, while the next batch is under way."""
    await asyncio.sleep(0)  # the request for it leaves in this turn
    _take(state, records, on_frame)


def _take(state: State, records: Sequence[Record], on_frame: Callable[[Frame], None] | None) -> None:
    """Take in one batch. Raises FoldError."""
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
