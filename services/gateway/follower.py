"""Follower: keeps the state of one conversation true to its log while live frames come, at most once each, from the broker.

What proves a live frame whole is the number of each event in its lane. Whatever does not continue the lane of the frame
before is fetched from the log (`_mend`), so that nothing before the state's cursor is ever missing; and where the log cannot
continue the state any more, it is built anew.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from functools import partial
from typing import Any, Protocol

import structlog

from schemas.codec import decode_frame
from schemas.errors import AnabranchError, FoldError, Invalid, NotFound
from schemas.events import Frame
from services.broker.port import Record, Subscription
from services.gateway.history import Base, History, Lost, both
from services.gateway.join import Join
from services.gateway.state import State

MEND_PAUSE_S = 0.5
"""Between attempts to read the log again while the broker or the archive does not answer."""

INTEREST_S = 0.3
"""After subscribing, live frames are only taken as a sign that the log has more: in a cluster the server that republishes
may learn of the subscription later than the one that confirmed it, so that some of the first frames are missing. It happens
with one server too: to 1 of 1000 who join while somebody writes, and to 16 of 1000 if the log is read with the request that
subscribes instead of after its confirmation.
"""

_log = structlog.get_logger()


class Host(Protocol):
    """What a follower needs of the hub it belongs to."""

    @property
    def ring_bytes_max(self) -> int: ...

    @property
    def reading(self) -> asyncio.Semaphore:
        """Held while a follower compares itself with the log or mends, so that a reconnect is no stampede."""

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]: ...


class Watcher(Protocol):
    """Who is told of what a follower does. None of it may raise."""

    def on_frame(self, frame: Frame) -> None:
        """The state has taken the frame in."""

    def on_rebuilt(self, reason: Lost) -> None:
        """The state is another one, which does not continue the last."""

    def on_closed(self) -> None:
        """The state will not change any more."""


class Follower:
    """`check_at` and `checked_at` are the hub's: when to `check` next and when it did last, by the loop's clock; 0 is never.

    `suspect`: something may have happened to the stream as a whole, so the next check compares epochs too.
    """

    def __init__(self, host: Host, history: History, watcher: Watcher) -> None:
        self.state: State
        self.closed = False
        self.suspect = True
        self.check_at = 0.0
        self.checked_at = 0.0
        self._host = host
        self._history = history
        self._watcher = watcher
        self._join: Join | None = Join(0)
        self._subscription: Subscription | None = None
        self._trusted_at = 0.0
        self._trusted = False
        self._doubts = 0
        self._rebuilt_for = 0

    # --- life

    async def open(self) -> None:
        """Subscribe, read the conversation to the present, go live. Raises NotFound, Unavailable."""
        try:
            guess = self._history.partition
            _, base = await both(self._subscribe(), self._history.base())
            if self._history.partition != guess:
                self._unsubscribe()
                await self._subscribe()
            await self._build(base)
        except BaseException:
            self.close()
            raise
        self._go_live()

    async def _subscribe(self) -> None:
        self._subscription = await self._history.follow(self._on_live)
        self._trusted_at = asyncio.get_running_loop().time() + INTEREST_S

    def _unsubscribe(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def close(self) -> None:
        self.closed = True
        self._unsubscribe()
        self._watcher.on_closed()

    async def check(self) -> None:
        """Compare with the log: a lost *last* frame is what no numbers show. Mends what is found. Raises Unavailable."""
        if self._join is not None or self.closed:
            return
        state, doubts = self.state, self._doubts
        verdict = await self._history.compare(state, suspect=self.suspect)
        if self._join is not None or self.state is not state or self._doubts != doubts:
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
        state = self.state
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
            _log.warning(
                "a live frame does not fit",
                conversation=self._history.conversation,
                lane=lane,
                seq=seq,
                error=error.message,
            )
            self._mend("lost", needed=seq)
            return
        if changed:
            self._watcher.on_frame(frame)

    def _suspect(self) -> None:
        """Something came that was there already: a repeat after joining; or the stream was made anew and counts from 1."""
        if not self.suspect:
            self.suspect = True
            self.checked_at = 0.0
            self.check_at = min(self.check_at, max(asyncio.get_running_loop().time(), self._trusted_at))

    # --- building and mending

    def _mend(self, rebuild: Lost | None = None, *, needed: int = 0) -> None:
        """Buffer live frames and read the log: on from the cursor, or all of it if the state cannot be continued."""
        if self._join is None and not self.closed:
            self._join = Join(self.state.seq, needed=needed)
            self._host.spawn(self._mend_until_live(rebuild))

    async def _mend_until_live(self, rebuild: Lost | None) -> None:
        while not self.closed and self._join is not None:
            try:
                async with self._host.reading:
                    if rebuild is None:
                        await self._history.read_on(self.state, self._join, self._watcher.on_frame)
                    else:
                        await self._build(await self._history.base())
                        self._watcher.on_rebuilt(rebuild)
                self._go_live()
                return
            except FoldError as error:
                _log.warning(
                    "the log does not continue the fold", conversation=self._history.conversation, error=error.message
                )
                rebuild = "lost"
            except NotFound:
                self.close()
            except AnabranchError as error:
                _log.debug("cannot mend yet", conversation=self._history.conversation, error=error.message)
                await asyncio.sleep(MEND_PAUSE_S * random.uniform(0.5, 1.5))

    def _go_live(self) -> None:
        """Take in what came after the log was read; with the first frame that does not fit, mending starts again."""
        self._trusted = asyncio.get_running_loop().time() >= self._trusted_at
        join, self._join = self._join, None
        if join is not None:
            for record in join.rest():
                self._on_live(record.seq, record.lane, record.data)

    async def _build(self, base: Base) -> None:
        """Build the state, first trusting the log to be whole, then from what is left of it. Raises NotFound, Unavailable."""
        assert self._join is not None
        build = partial(self._history.build, join=self._join, ring_bytes_max=self._host.ring_bytes_max)
        try:
            self.state = await build(base, tolerant=False)
        except FoldError as error:
            _log.warning("the log is not whole", conversation=self._history.conversation, error=error.message)
            self.state = await build(await self._history.base(), tolerant=True)
        self.suspect = False
