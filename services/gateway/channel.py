"""Channel: one watched conversation: its live fold, its cursor, its recent frames and its viewers."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from schemas import wire
from schemas.cursor import Cursor
from schemas.events import Frame
from schemas.fold import Fold
from services.gateway import follower
from services.gateway.counts import Counts
from services.gateway.feed import FeedKey, Feeds, Viewer
from services.gateway.flights import Flight, Flights
from services.gateway.follower import Follower
from services.gateway.history import History, Lost, Stretch
from services.gateway.project import view_of
from services.gateway.reader import Reader
from services.gateway.snapshots import Snapshots
from services.gateway.state import State

POKE_S = 0.25
"""Who waits for a sequence that live frames have not brought after so long asks the log."""


class Host(follower.Host, Protocol):
    """What a channel needs of the hub it belongs to."""

    @property
    def stretches(self) -> Flights: ...

    @property
    def counts(self) -> Counts: ...

    def dirty(self, channel: Channel) -> None:
        """Call `channel.flush` at the end of this turn of the event loop."""


class Channel:
    """`fold` is live and stands at `cursor`: to be read, not changed, and not kept over an await (a repair replaces it).

    `generation` grows whenever the state was built anew instead of continued, for the reason `lost`; what viewers were sent
    before is then to be replaced by a snapshot. `users` and `flushed_at` (the loop's clock) are for the hub.
    """

    def __init__(self, host: Host, history: History, tenant: str, conversation: str) -> None:
        self.tenant = tenant
        self.conversation = conversation
        self.generation = 0
        self.lost: Lost = "lost"
        self.users = 0
        self.flushed_at = 0.0
        self.follower = Follower(host, history, self)
        self._host = host
        self._history = history
        self._snapshots: Snapshots | None = None
        self._feeds = Feeds(host.counts)
        self._pending: list[Frame] = []
        self._news = asyncio.Event()

    @property
    def counts(self) -> Counts:
        return self._host.counts

    @property
    def level_viewers(self) -> int:
        return self._feeds.viewers

    # --- what its users ask

    @property
    def partition(self) -> int:
        return self._history.partition

    @property
    def fold(self) -> Fold:
        return self.follower.state.fold

    @property
    def cursor(self) -> Cursor:
        """Everything of the conversation up to here is in `fold`."""
        return self.follower.state.cursor

    @property
    def state(self) -> State:
        return self.follower.state

    @property
    def closed(self) -> bool:
        return self.follower.closed

    @property
    def snapshots(self) -> Snapshots:
        if self._snapshots is None:
            self._snapshots = Snapshots(self.fold)
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
        while self.state.seq < seq:
            left = deadline - loop.time()
            if left <= 0 or self.closed:
                return False
            try:
                async with asyncio.timeout(min(left, POKE_S)):
                    await self._news.wait()
            except TimeoutError:
                await self.follower.check()
        return True

    async def news(self) -> None:
        """Wait until there is something new: frames, another generation, the end."""
        await self._news.wait()

    def stretch(self, after: int, records_max: int, known: int = 0) -> Flight[Stretch]:
        """Begin to read the records of the log after `after`, of which there are at least `known`; who asks for the same at
        the same time shares one read.
        """
        epoch, holds = self.state.epoch, self.state.seq
        return self._host.stretches.begin(
            (self.tenant, self.conversation, epoch, after, records_max),
            lambda: self._history.stretch(epoch, after, records_max, known, holds),
        )

    async def last_stored(self) -> int:
        """The newest sequence of the conversation's stream, whoever's it is. Raises Unavailable."""
        return await self._history.last_stored()

    # --- life

    async def open(self) -> None:
        """Read the conversation to the present, go live. Raises NotFound, Unavailable."""
        await self.follower.open()

    def close(self) -> None:
        self.follower.close()

    # --- what its follower says

    def on_frame(self, frame: Frame) -> None:
        if not self._pending:
            self._host.dirty(self)
        self._pending.append(frame)

    def on_rebuilt(self, reason: Lost) -> None:
        self.counts.rebuilt.add(reason)
        self.generation += 1
        self.lost = reason
        self._snapshots = None
        self._pending = []
        self._feeds.dissolve()
        self._announce()

    def on_closed(self) -> None:
        self._feeds.dissolve()
        self._announce()

    # --- viewers who are level

    def flush(self) -> None:
        """Give what has come since the last flush to all who are level, as one message each."""
        frames = self._pending
        if not frames:
            return
        self._pending = []
        state = self.follower.state
        self._feeds.flush(frames, state.cursor, state.fold)
        self.counts.delay_s.observe(time.time() - frames[0].ts / 1000)
        self.flushed_at = asyncio.get_running_loop().time()
        self._announce()

    def admit(self, viewer: Viewer, key: FeedKey, reader: Reader) -> bool:
        """Let a viewer who has been given everything by `reader` share the feed; False if there is more for it to read."""
        self.flush()
        if self.closed or not reader.level:
            return False
        self._feeds.add(viewer, key, self.cursor, self.generation)
        return True

    def dismiss(self, viewer: Viewer, key: FeedKey) -> None:
        self._feeds.discard(viewer, key)

    def _announce(self) -> None:
        self._news.set()  # wakes who waits now, and only them
        self._news.clear()
