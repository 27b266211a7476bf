"""The publisher: sends the frames of all lanes of this process, paced together.

`emit` costs no await, no task and no timer: the lane is put on a list that is worked off at the end of the loop's turn, so
that what an agent emits in one go leaves together. Lanes without credit, or waiting to repeat, share one tick.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import structlog

from schemas import events as ev
from schemas import subjects
from schemas.errors import AnabranchError, Fenced, FoldError, Invalid, Unavailable
from services.agent_worker.lane import Lane, Verdict
from services.agent_worker.metrics import PublishCounts
from services.agent_worker.pacing import Credit, Pacing
from services.broker.port import Appended, Broker

TICK_S = 0.005
"""How exact the spacing of busy lanes is. One timer for all of them: a timer per lane and frame costs 7 to 12 µs."""

ACTIVE_WINDOW_S = 0.5
"""A lane counts as active if it sent a frame in this or the last window."""

log = structlog.get_logger()

OnStored = Callable[[ev.Frame], None]
OnLost = Callable[[AnabranchError], None]


class LaneWriter:
    """What a run writes to. After `lost` is set, whatever is emitted is dropped: the run is being stopped."""

    def __init__(
        self, publisher: Publisher, lane: Lane, address: subjects.EventSubject, on_stored: OnStored, on_lost: OnLost
    ) -> None:
        self.lane = lane
        self.address = address
        self.subject = subjects.event(*address)
        self.credit = Credit()
        self.window = -1
        self.sent_at = 0.0
        self.offered = False
        self.urgent = False
        self.lost: AnabranchError | None = None
        self._publisher = publisher
        self._on_stored = on_stored
        self._on_lost = on_lost
        self._waiters: list[asyncio.Future[None]] = []

    def emit(self, event: ev.AnyEvent, size: int = 1) -> None:
        """Queue an event, which must name its namespace. Await `room` before the next one when `full`. `size`, of one that is
        no delta: the characters of its JSON.
        """
        if self.lost is None:
            self.lane.add(event, time.time_ns() // 1_000_000, size)
            if not self.offered:
                self._publisher.offer_soon(self)

    @property
    def full(self) -> bool:
        return self.lane.full

    @property
    def crowded(self) -> bool:
        """Whether so much waits that nobody may add to it without waiting."""
        return self.lane.crowded

    async def room(self) -> None:
        """Wait until the buffer is not full. Raises what the lane was lost with."""
        while self.lost is None and self.lane.full:
            await self._change()
        self._check()

    async def flush(self) -> None:
        """Wait until everything emitted so far is stored. Raises what the lane was lost with."""
        target = self.lane.added
        while self.lost is None and self.lane.stored_count < target:
            self._publisher.hurry(self)
            await self._change()
        self._check()

    def close(self) -> None:
        """Send nothing more; what still waits is dropped, what is in flight may be stored."""
        self.lose(Unavailable("the lane is closed"), tell=False)

    def stored(self, frame: ev.Frame) -> None:
        """Called by the publisher: a frame has its place in the log."""
        try:
            self._on_stored(frame)
        except FoldError as error:
            self.lose(error)
        self._wake()

    def lose(self, error: AnabranchError, *, tell: bool = True) -> None:
        """Called by the publisher: the lane belongs to another worker, or cannot be written."""
        if self.lost is None:
            self.lost = error
            self._publisher.forget(self)
            self._wake()
            if tell:
                self._on_lost(error)

    def _check(self) -> None:
        if self.lost is not None:
            raise self.lost

    async def _change(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class Publisher:
    """Use as `async with Publisher(broker) as publisher`; leaving it drops what is not stored yet."""

    def __init__(self, broker: Broker, pacing: Pacing | None = None, *, retry_s: float = 60.0) -> None:
        self.counts = PublishCounts()
        self._broker = broker
        self._pacing = pacing or Pacing()
        self._retry_s = retry_s
        self._loop = asyncio.get_running_loop()
        self._comparing: set[asyncio.Task[None]] = set()
        self._appender = broker.appender(self._on_result)
        self._offered: list[LaneWriter] = []
        self._waiting: dict[LaneWriter, None] = {}
        self._tick: asyncio.TimerHandle | None = None
        self._window = 0
        self._active = 0
        self._active_before = 0
        self._spacing = self._pacing.spacing(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._appender.close()
        if self._tick is not None:
            self._tick.cancel()
        for task in self._comparing:
            task.cancel()
        if self._comparing:
            await asyncio.wait(self._comparing)

    def open(
        self,
        address: subjects.EventSubject,
        attempt: int,
        *,
        last_n: int,
        last_seq: int,
        on_stored: OnStored,
        on_lost: OnLost,
    ) -> LaneWriter:
        """Begin to write the lane that `address` names (the run's), behind its last event and frame.

        `on_stored` is told every frame with its `seq`, in order; `on_lost` once, if somebody else writes the lane or the
        broker does not take a frame. Both are called from the event loop and must not block.
        """
        lane = Lane(address.lane, attempt, last_n=last_n, last_seq=last_seq, retry_s=self._retry_s)
        return LaneWriter(self, lane, address, on_stored, on_lost)

    def offer_soon(self, writer: LaneWriter) -> None:
        """Consider the lane when this turn of the loop is over."""
        if not writer.offered:
            writer.offered = True
            self._offered.append(writer)
            if len(self._offered) == 1:
                self._loop.call_soon(self._work_off)

    def hurry(self, writer: LaneWriter) -> None:
        """Send the lane's next frame without regard to its credit: somebody waits for it."""
        writer.urgent = True
        if writer in self._waiting and not writer.lane.in_flight:
            del self._waiting[writer]
            self._send(writer, self._loop.time())
        else:
            self.offer_soon(writer)

    def forget(self, writer: LaneWriter) -> None:
        self._waiting.pop(writer, None)

    # --- sending

    def _work_off(self) -> None:
        offered, self._offered = self._offered, []
        now = self._loop.time()
        for writer in offered:
            self._offer(writer, now)

    def _offer(self, writer: LaneWriter, now: float) -> None:
        """Send the lane's next frame if nothing is in flight and it has credit; else it is offered again: by the tick, or
        when what is in flight is stored. Only then does `emit` need to offer it (`offered`).
        """
        lane = writer.lane
        writer.offered = False
        if writer.lost is not None or not lane.waiting:
            return
        writer.offered = True
        if lane.in_flight:
            return
        pacing = self._pacing
        if writer.urgent or lane.chars >= pacing.chars_max or writer.credit.allows(now, self._spacing, pacing.burst):
            self._send(writer, now)
        else:
            self._wait(writer)

    def _send(self, writer: LaneWriter, now: float) -> None:
        writer.urgent = False
        writer.credit.spend(now, self._spacing, self._pacing.burst)
        self._count_active(writer, now)
        try:
            data, msg_id, expected_last = writer.lane.cut(now)
        except Exception as error:  # what an agent put into an event: its own lane is lost, and not those sent after it
            address = writer.address
            log.exception("an event cannot be encoded", run=address.lane, conversation=address.conversation)
            writer.lose(Invalid(f"an event cannot be encoded: {type(error).__name__}", code="invalid_event"))
            return
        writer.sent_at = now
        self.counts.bytes += len(data)
        self._appender.send(writer, writer.subject, data, msg_id=msg_id, expected_last=expected_last)

    def _count_active(self, writer: LaneWriter, now: float) -> None:
        window = int(now / ACTIVE_WINDOW_S)
        if window != self._window:
            self._active_before = self._active if window == self._window + 1 else 0
            self._active = 0
            self._window = window
        if writer.window != window:
            writer.window = window
            self._active += 1
            self._spacing = self._pacing.spacing(max(self._active, self._active_before))

    def _wait(self, writer: LaneWriter) -> None:
        self._waiting[writer] = None
        if self._tick is None:
            self._tick = self._loop.call_later(TICK_S, self._on_tick)

    def _on_tick(self) -> None:
        self._tick = None
        waiting, self._waiting = self._waiting, {}
        now = self._loop.time()
        for writer in waiting:
            if not writer.lane.in_flight:
                self._offer(writer, now)
            elif now >= writer.lane.retry_at:
                self._repeat(writer)
            else:
                self._wait(writer)

    def _repeat(self, writer: LaneWriter) -> None:
        self.counts.retries += 1
        data, msg_id, expected_last = writer.lane.again()
        self._appender.send(writer, writer.subject, data, msg_id=msg_id, expected_last=expected_last)

    # --- what came of it

    def _on_result(self, writer: Any, result: Appended | AnabranchError) -> None:
        if writer.lost is not None:
            return
        if isinstance(result, AnabranchError):
            self._failed(writer, result)
        else:
            self._stored(writer, writer.lane.stored(result.seq))

    def _stored(self, writer: LaneWriter, frame: ev.Frame) -> None:
        now = self._loop.time()
        self.counts.stored(len(frame.events), now - writer.sent_at)
        writer.stored(frame)
        self._offer(writer, now)

    def _failed(self, writer: LaneWriter, error: AnabranchError) -> None:
        match writer.lane.failed(error, self._loop.time(), random.uniform(0.5, 1.5)):
            case Verdict.RETRY:
                self._wait(writer)
            case Verdict.COMPARE:
                task = self._loop.create_task(self._compare(writer))
                self._comparing.add(task)
                task.add_done_callback(self._comparing.discard)
            case Verdict.LOST:
                self._lose(writer, error)

    async def _compare(self, writer: LaneWriter) -> None:
        """Fenced on a repeat: by our own earlier try, or by another worker? The lane's last message says."""
        try:
            last = await self._broker.last_message(writer.address.partition, writer.subject)
        except AnabranchError as error:
            self._failed(writer, error)
            return
        if writer.lost is not None:
            return
        frame = writer.lane.compared(last)
        if frame is not None:
            self._stored(writer, frame)
        else:
            self._lose(writer, Fenced(f"another worker writes the lane of run {writer.address.lane}"))

    def _lose(self, writer: LaneWriter, error: AnabranchError) -> None:
        self.counts.lost.add(error.code)
        address = writer.address
        log.warning(
            "lane lost", run=address.lane, conversation=address.conversation, code=error.code, reason=error.message
        )
        writer.lose(error)
