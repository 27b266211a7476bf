"""One attempt of a run by this process: claim it, keep it, end it. The shell around `Turn`, `Journal` and the lane.

The claim is a fenced append to the run's lane: of two workers one wins, and whoever wrote before is fenced off. Afterwards
a heartbeat keeps the command and reads the `in` lane, so that a lost control message is only slower.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import NamedTuple

import msgspec
import structlog

from schemas import events as ev
from schemas import namespace, subjects
from schemas.commands import CancelRun, Control, InputAppended, RunCommand
from schemas.errors import AnabranchError, Fenced, Unavailable
from schemas.transcript import Interrupt
from services.agent_worker.concluding import conclude
from services.agent_worker.ending import Cancelled, Outcome, terminal_event
from services.agent_worker.inputs import Inputs, read_lane
from services.agent_worker.journal import Journal
from services.agent_worker.kept import Kept
from services.agent_worker.lane import Lane
from services.agent_worker.metrics import RunCounts
from services.agent_worker.models.port import Model
from services.agent_worker.patience import patiently
from services.agent_worker.publisher import LaneWriter, Publisher
from services.agent_worker.run import Run
from services.agent_worker.turn import Answer, Retry, Turn
from services.broker.port import Broker
from services.runtime import now_ms

PAUSE_S = 2.0
"""Between two heartbeats while the broker does not answer."""


HAND_OVER_S = 1.0
"""For the last frame of an attempt whose process drains."""

DRAINED = "worker_drained"
"""Why a run goes on in another attempt: its worker was told to end, and handed it over."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`ack_wait_s` is that of the command queue: who was silent for longer has lost the command to another worker."""

    ack_wait_s: float = 30.0
    deadline_s: float = 900.0
    attempts_max: int = 3
    retry: Retry = Retry()

    @property
    def beat_s(self) -> float:
        return self.ack_wait_s / 3


class Lost(NamedTuple):
    """The run is not ours any more, or the broker is gone: stop, and say nothing."""

    error: AnabranchError


class Drained(NamedTuple):
    """This process ends before the run does: stop, and leave it to another one as it stands."""


log = structlog.get_logger()

Stop = Cancelled | Lost | Drained


async def _nothing() -> None:
    pass


class Attempt:
    """`keep` is called with every heartbeat. After `begin`, `run` is what the agent works with."""

    def __init__(
        self,
        broker: Broker,
        publisher: Publisher,
        command: RunCommand,
        *,
        worker: str,
        model: Model | None = None,
        limits: Limits | None = None,
        keep: Callable[[], Awaitable[None]] = _nothing,
        counts: RunCounts | None = None,
    ) -> None:
        self.command = command
        self.limits = limits or Limits()
        self.stopped: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()
        self.on_stop: Callable[[], object] = lambda: None
        self._broker = broker
        self._publisher = publisher
        self._worker = worker
        self._model = model
        self._keep = keep
        self._counts = counts or RunCounts()
        self.lane: Lane | None = None
        """What is written to, from `begin` on."""
        self._address = subjects.EventSubject(command.partition, command.tenant, command.conversation, command.run)
        self._inputs = Inputs(broker, command)
        self._looking = asyncio.Lock()
        self._poked = asyncio.Event()
        self._last_seq = 0
        self.over = False
        """Whether the terminal event is stored."""
        self.number = 0
        self.lost = 0
        """How many attempts began before this one and were lost: deliveries that came to nothing are none of them."""

    # --- the beginning

    async def begin(self, number: int) -> bool:
        """Read what there is of the run, to go on with it as attempt `number`: how often its command was delivered. False if
        the run is over already: then only `conclude` is left to do.

        Raises:
            Fenced: a later delivery has been claimed; this one lay too long, in a process that was frozen or cut off.
            FoldError, NotFound: its log contradicts itself or is not whole.
        """
        subject = subjects.event(*self._address)
        last = await self._broker.last_message(self.command.partition, subject)
        frames = await read_lane(self._broker, self.command.partition, subject, last) if last is not None else []
        self._last_seq = last.seq if last is not None else 0
        await self._open_journal(frames)
        self.number = number
        if frames and isinstance(frames[-1].events[-1], ev.RUN_ENDS):
            self.over = True
            return False
        if frames and frames[-1].attempt >= number:
            raise Fenced(f"run {self.command.run} is in attempt {frames[-1].attempt}, this is delivery {number}")
        self._writer = self._open_lane(frames)
        self.lane = self._writer.lane
        self.lost = attempts_lost(frames)
        self._handed_over = bool(frames) and handed_over(frames[-1])
        self.turn = Turn(
            self.command,
            self._writer,
            self._broker,
            kept=Kept(self.journal.fold.items(self.command.run), frames),
            decided=self._decided,
            model=self._model,
            retry=self.limits.retry,
            counts=self._counts,
        )
        self.run = Run(self.turn)
        self._heed(self.journal.inputs)
        return True

    @property
    def external(self) -> bool:
        """Whether who queued the run runs it as well (`open_run`)."""
        return any(isinstance(event, ev.RunQueued) and event.external for event in self.journal.inputs[0].events)

    async def check_alone(self) -> None:
        """Raises Fenced if the worker of the last attempt answers: it lives, and this is a second copy of its command."""
        if self._last_seq and await patiently(lambda: self._broker.control(self.command.run, InputAppended())):
            raise Fenced(f"run {self.command.run} goes on in another worker")

    async def claim(self) -> None:
        """Publish that this attempt starts. Raises Fenced if another worker has claimed the run."""
        if self._last_seq:
            if not self._handed_over:
                self._emit(ev.RunRetrying(cause="worker_lost"))
            for asked in self.turn.kept.unanswered:  # the fold has dropped it; who follows events alone must hear of it
                self._writer.emit(ev.InterruptResolved(id=asked.id, decision="expired", by="worker_lost", ns=asked.ns))
        name = self._model.name if self._model is not None else ""
        self._emit(ev.RunStarted(agent=self.command.agent, worker=self._worker, model=name))
        await self._writer.flush()
        self._counts.claimed(self.number, (now_ms() - self.command.sent) / 1000)
        await patiently(self.look)
        found = [self.journal.fold.item(asked.id) for asked in self.turn.kept.unanswered]
        self.turn.kept.add(item for item in found if item is not None)  # answered since `begin` looked

    async def _open_journal(self, frames: list[ev.Frame]) -> None:
        inputs = await self._inputs.read()
        self.journal = Journal(self.command.conversation, input_last=inputs[0].n - 1, title=self.command.title)
        for frame in frames:
            self.journal.own(frame)
        self.journal.input(inputs, max(self._last_seq, inputs[-1].seq))  # own frames will come after these

    def _open_lane(self, frames: list[ev.Frame]) -> LaneWriter:
        return self._publisher.open(
            self._address,
            self.number,
            last_n=frames[-1].last if frames else 0,
            last_seq=self._last_seq,
            on_stored=self._on_stored,
            on_lost=lambda error: self.stop(Lost(error)),
        )

    def _on_stored(self, frame: ev.Frame) -> None:
        self._last_seq = frame.seq
        self.journal.own(frame)

    def _emit(self, event: ev.KnownEvent) -> None:
        msgspec.structs.force_setattr(event, "ns", namespace.ROOT)
        self._writer.emit(event)

    # --- meanwhile

    def stop(self, why: Stop) -> None:
        """Ask that it ends; the first reason counts."""
        if not self.stopped.done():
            self.stopped.set_result(why)
            self.on_stop()

    async def hand_over(self) -> None:
        """Publish that this attempt ends here for another worker to go on, which does not count against the run. Without an
        answer of the broker in time it counts as lost.
        """
        self.turn.ended = True
        self._emit(ev.RunRetrying(cause=DRAINED))
        with contextlib.suppress(AnabranchError, TimeoutError):
            async with asyncio.timeout(HAND_OVER_S):
                await self._writer.flush()
        self._writer.close()

    def silence(self) -> None:
        """Publish nothing more, not even what waits."""
        self.turn.ended = True
        self._writer.close()

    @contextlib.asynccontextmanager
    async def kept_alive(self) -> AsyncIterator[None]:
        """Hear control messages and send heartbeats while the context is open."""
        subscription = await self._broker.on_control(self.command.run, self._on_control)
        beat = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beat.cancel()
            subscription.close()
            await asyncio.wait({beat})

    def _on_control(self, message: Control) -> None:
        if isinstance(message, CancelRun):
            self.stop(Cancelled(message.by, message.reason, message.superseded_by))
        else:
            self._poked.set()

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while True:
            answered = heard + self.limits.beat_s > loop.time()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.limits.beat_s if answered else PAUSE_S):
                    await self._poked.wait()
            self._poked.clear()
            try:
                await self._keep()
                await self.look()
                heard = loop.time()
            except Unavailable as error:
                if loop.time() - heard > self.limits.ack_wait_s:
                    self.stop(Lost(error))
            except AnabranchError as error:
                self.stop(Lost(error))
            except Exception as error:  # a bug; but a run that nobody keeps alive must not look alive
                log.exception("the heartbeat failed", run=self.command.run)
                self.stop(Lost(AnabranchError(f"the heartbeat failed: {error!r}")))

    async def look(self) -> None:
        """Read the `in` lane now, and heed what it says about this run."""
        async with self._looking:
            upto = self._last_seq
            frames = await self._inputs.read()
            self.journal.input(frames, upto)
        if not self.over:
            self._heed(frames)

    def _heed(self, frames: list[ev.Frame]) -> None:
        for frame in frames:
            for event in frame.events:
                match event:
                    case ev.RunCancelling() if frame.run == self.command.run:
                        self.stop(Cancelled(event.by, event.reason, event.superseded_by))
                    case ev.InterruptResolved():
                        self.turn.answer(event)

    async def _decided(self, interrupt: str) -> Answer:
        await patiently(self.look)
        item = self.journal.fold.item(interrupt)
        assert isinstance(item, Interrupt)
        return Answer(item.decision, item.value, item.by)

    # --- the end

    async def finish(self, outcome: Outcome) -> None:
        """Close what is open and publish the terminal event. Raises what the lane was lost with."""
        self.turn.close_open()
        self.turn.ended = True
        await self._writer.flush()
        await patiently(self.look)
        end = terminal_event(outcome, self.journal, self.command.run, now_ms())
        self._emit(end)
        await self._writer.flush()
        self.over = True
        self._counts.over(self.command.agent, end)

    async def conclude(self) -> None:
        """After the terminal event: seal the run and start the one that waits behind it (`concluding.conclude`)."""
        await patiently(self.look)
        await conclude(self._broker, self.command, self.journal)


def handed_over(frame: ev.Frame) -> bool:
    """Whether this last frame of an attempt says that its worker has let go of it."""
    last = frame.events[-1]
    return isinstance(last, ev.RunRetrying) and last.cause == DRAINED


def attempts_lost(frames: Iterable[ev.Frame]) -> int:
    """How many attempts of a run's lane began and ended with their worker; all of them are over."""
    ends = {frame.attempt: frame for frame in frames}
    return sum(not handed_over(frame) for frame in ends.values())
