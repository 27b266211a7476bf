"""Channel: one watched conversation: its live fold, its cursor, its recent frames and its viewers.

Live frames come from the broker at most once. What proves them whole is the number of each event in its lane; whatever
does not continue the lane of the frame before is fetched from the log (`_mend`), so that nothing before the cursor is ever
missing; and what the log cannot give any more is said to the viewers.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from functools import partial
from typing import Any, Protocol

import structlog

from schemas import wire
from schemas.codec import decode_frame
from schemas.cursor import Cursor
from schemas.errors import AnabranchError, FoldError, Invalid, NotFound
from schemas.events import Frame
from schemas.fold import Fold
from services.archive.port import Archived
from services.broker.port import Record, Subscription
from services.gateway.feed import FeedKey, Feeds, Viewer
from services.gateway.flights import Flight, Flights
from services.gateway.history import History, Lost, Stretch
from services.gateway.join import Join
from services.gateway.project import view_of
from services.gateway.reader import Reader
from services.gateway.snapshots import Snapshots
from services.gateway.state import State

MEND_PAUSE_S = 0.5
"""Between attempts to read the log again while the broker or the archive does not answer."""

INTEREST_S = 0.3
"""After subscribing, live frames are only taken as a sign that the log has more: in a cluster the server that republishes
may learn of the subscription later than the one that confirmed it, so that some of the first frames are missing.
"""

POKE_S = 0.25
"""Who waits for a sequence that live frames have not brought after so long asks the log."""

_log = structlog.get_logger()


class Host(Protocol):
    """What a channel needs of the hub it belongs to."""

    @property
    def ring_bytes_max(self) -> int: ...

    @property
    def stretches(self) -> Flights: ...

    @property
    def reading(self) -> asyncio.Semaphore:
        """Held while a channel compares itself with the log or mends, so that a reconnect is no stampede."""

    def dirty(self, channel: Channel) -> None:
        """Call `channel.flush` at the end of this turn of the event loop."""

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]: ...


class Channel:
    """`fold` is live and stands at `cursor`: to be read, not changed, and not kept over an await (a repair replaces it).

    `generation` grows whenever the state was built anew instead of continued, for the reason `lost`; what viewers were sent
    before is then to be replaced by a snapshot.
    """

    def __init__(self, host: Host, history: History, tenant: str, conversation: str) -> None:
        self.tenant = tenant
        self.conversation = conversation
        self.closed = False
        self.generation = 0
        self.lost: Lost = "lost"
        self.users = 0
        """Who holds it; the hub's count."""
        self.check_at = 0.0
        self.checked_at = 0.0
        """When the hub is to compare it with the log next and did so last, by the loop's clock; 0: soon, never."""
        self.flushed_at = 0.0
        self.suspect = True
        """Something may have happened to the stream as a whole: the next check compares epochs too."""
        self._host = host
        self._history = history
        self._state: State
        self._snapshots: Snapshots
        self._join: Join | None = Join(0)
        self._rebuilt_for = 0
        self._trusted_at = 0.0
        self._trusted = False
        self._doubts = 0
        self._subscription: Subscription | None = None
        self._feeds = Feeds()
        self._pending: list[Frame] = []
        self._news = asyncio.Event()

    # --- what its users ask

    @property
    def partition(self) -> int:
        return self._history.partition

    @property
    def fold(self) -> Fold:
        return self._state.fold

    @property
    def cursor(self) -> Cursor:
        """Everything of the conversation up to here is in `fold`."""
        return self._state.cursor

    @property
    def state(self) -> State:
        return self._state

    @property
    def snapshots(self) -> Snapshots:
        return self._snapshots

    def reader(
        self,
        *,
        after: Cursor | None = None,
        mode: wire.Mode = "auto",
        namespaces: tuple[str, ...] = (),
        granularity: wire.Granularity = "deltas",
        sub: str = "",
    ) -> Reader:
        """A pull-based subscription; valid while the channel's context is open. Raises Invalid for a bad namespace."""
        view = view_of(namespaces, granularity)
        return Reader(self, sub=sub or self.conversation, view=view, after=after, mode=mode)

    async def reached(self, seq: int, timeout_s: float) -> bool:
        """Wait until the fold has everything up to stream sequence `seq`; False if it did not within `timeout_s`.

        Raises Unavailable.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while self._state.seq < seq:
            left = deadline - loop.time()
            if left <= 0 or self.closed:
                return False
            try:
                async with asyncio.timeout(min(left, POKE_S)):
                    await self._news.wait()
            except TimeoutError:
                await self.check()
        return True

    async def news(self) -> None:
        """Wait until there is something new: frames, another generation, the end."""
        await self._news.wait()

    def stretch(self, after: int) -> Flight[Stretch]:
        """Begin to read the records of the log after `after`; who asks for the same at the same time shares one read."""
        epoch = self._state.epoch
        return self._host.stretches.begin(
            (self.tenant, self.conversation, epoch, after), lambda: self._history.stretch(epoch, after)
        )

    async def last_stored(self) -> int:
        """The newest sequence of the conversation's stream, whoever's it is. Raises Unavailable."""
        return await self._history.last_stored()

    # --- life

    async def open(self) -> None:
        """Subscribe, read the conversation to the present, go live. Raises NotFound, Unavailable."""
        try:
            archived = await self._history.archived()
            self._subscription = await self._history.follow(self._on_live)
            self._trusted_at = asyncio.get_running_loop().time() + INTEREST_S
            await self._build(archived)
        except BaseException:
            self.close()
            raise
        self._go_live()

    def close(self) -> None:
        self.closed = True
        if self._subscription is not None:
            self._subscription.close()
        self._announce()

    async def check(self) -> None:
        """Compare with the log: a lost *last* frame is what no numbers show. Mends what is found. Raises Unavailable."""
        if self._join is not None or self.closed:
            return
        state, doubts = self._state, self._doubts
        verdict = await self._history.compare(state, suspect=self.suspect)
        if self._join is not None or self._state is not state or self._doubts != doubts:
            return
        self.suspect = False
        if verdict.rebuild == "lost" and verdict.needed == self._rebuilt_for:
            return  # the log holds what no fold takes: another rebuild would end the same way
        if verdict.rebuild is None and verdict.needed <= state.seq:
            self._trusted = asyncio.get_running_loop().time() >= self._trusted_at
        else:
            self._rebuilt_for = verdict.needed if verdict.rebuild else 0
            self._mend(verdict.rebuild, needed=verdict.needed)

    def distrust(self) -> None:
        """The broker was away: what comes live next may not be what comes next. Then, or when it is due, the log is asked."""
        self.suspect = True
        self.checked_at = 0.0
        self._trusted = False
        self._doubts += 1

    # --- live

    def _on_live(self, seq: int, lane: str, data: bytes) -> None:
        """The hot path: called by the broker for every frame stored. Must not raise."""
        record = Record(seq, lane, data)
        if self._join is not None:
            self._join.live(record)
            return
        state = self._state
        if seq <= state.seq:
            self._suspect()
            return
        try:
            frame = decode_frame(data, seq)
            if not (self._trusted and state.continues(frame)):
                self._mend(needed=seq)
                return
            changed = state.take(frame, record)
        except (FoldError, Invalid) as error:
            _log.warning("a live frame does not fit", conversation=self.conversation, seq=seq, error=error.message)
            self._mend("lost", needed=seq)
            return
        if changed:
            self._gather(frame)

    def _suspect(self) -> None:
        """Something came that was there already: a repeat after joining; or the stream was made anew and counts from 1."""
        if not self.suspect:
            self.suspect = True
            self.checked_at = 0.0
            self.check_at = min(self.check_at, max(asyncio.get_running_loop().time(), self._trusted_at))

    def _gather(self, frame: Frame) -> None:
        if not self._pending:
            self._host.dirty(self)
        self._pending.append(frame)

    def flush(self) -> None:
        """Give what has come since the last flush to all who are level, as one message each."""
        frames = self._pending
        if not frames:
            return
        self._pending = []
        self._feeds.flush(frames, self._state.cursor, self._state.fold)
        self.flushed_at = asyncio.get_running_loop().time()
        self._announce()

    def _announce(self) -> None:
        self._news.set()  # wakes who waits now, and only them
        self._news.clear()

    # --- viewers who are level

    def admit(self, viewer: Viewer, key: FeedKey, reader: Reader) -> bool:
        """Let a viewer who has been given everything by `reader` share the feed; False if there is more for it to read."""
        self.flush()
        if self.closed or not reader.level:
            return False
        self._feeds.add(viewer, key, self._state.cursor, self.generation)
        return True

    def dismiss(self, viewer: Viewer, key: FeedKey) -> None:
        self._feeds.discard(viewer, key)

    # --- building and mending

    def _mend(self, rebuild: Lost | None = None, *, needed: int = 0) -> None:
        """Buffer live frames and read the log: on from the cursor, or all of it if the state cannot be continued."""
        if self._join is None and not self.closed:
            self._join = Join(self._state.seq, needed=needed)
            self._host.spawn(self._mend_until_live(rebuild))

    async def _mend_until_live(self, rebuild: Lost | None) -> None:
        while not self.closed and self._join is not None:
            try:
                async with self._host.reading:
                    if rebuild is None:
                        await self._history.read_on(self._state, self._join, self._gather)
                    else:
                        await self._build_anew(rebuild)
                self._go_live()
                return
            except FoldError as error:
                _log.warning("the log does not continue the fold", conversation=self.conversation, error=error.message)
                rebuild = "lost"
            except NotFound:
                self.close()
            except AnabranchError as error:
                _log.debug("cannot mend yet", conversation=self.conversation, error=error.message)
                await asyncio.sleep(MEND_PAUSE_S * random.uniform(0.5, 1.5))

    def _go_live(self) -> None:
        """Take in what came after the log was read; with the first frame that does not fit, mending starts again."""
        self._trusted = asyncio.get_running_loop().time() >= self._trusted_at
        join, self._join = self._join, None
        if join is not None:
            for record in join.rest():
                self._on_live(record.seq, record.lane, record.data)

    async def _build_anew(self, reason: Lost) -> None:
        await self._build(await self._history.archived())
        self.generation += 1
        self.lost = reason
        self._pending = []
        self._feeds.dissolve()
        self._announce()

    async def _build(self, archived: Archived | None) -> None:
        """Build the state, first trusting the log to be whole, then from what is left of it. Raises NotFound, Unavailable."""
        assert self._join is not None
        build = partial(self._history.build, join=self._join, ring_bytes_max=self._host.ring_bytes_max)
        try:
            state = await build(archived, tolerant=False)
        except FoldError as error:
            _log.warning("the log is not whole", conversation=self.conversation, error=error.message)
            state = await build(await self._history.archived(), tolerant=True)
        self._state = state
        self._snapshots = Snapshots(state.fold)
        self.suspect = False
