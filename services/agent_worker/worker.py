"""The worker: fetches one command per free slot, performs it, and acknowledges it when the run is sealed.

Whatever goes wrong with a command before that leaves it in the queue: it is delivered again, here or elsewhere, after
`ack_wait`, and the attempt that is one too many ends the run. Only what nobody can ever perform is put aside, with a reason.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping

import msgspec
import structlog

from schemas import subjects
from schemas.commands import DeadLetter, RunCommand
from schemas.errors import AnabranchError, Fenced, FoldError, Invalid, NotFound, Unavailable
from schemas.ids import check_id
from services import tracing
from services.agent_worker.attempt import Attempt, Drained, Limits
from services.agent_worker.concluding import end_unreadable
from services.agent_worker.lane import Lane
from services.agent_worker.metrics import RunCounts
from services.agent_worker.models.port import Model
from services.agent_worker.performance import AgentFunction, perform
from services.agent_worker.publisher import Publisher
from services.broker.input_lane import is_deleted, lane_is_over
from services.broker.port import Broker, Delivery
from services.runtime import now_ms

FETCH_S = 1.0
"""How long one request for a command waits at the server, and so how long a drain begins late: a request that is given up
may still be sent a command, which then counts as delivered.
"""

OUTAGE_PAUSE_S = 1.0
"""Between two requests while the broker does not answer."""

log = structlog.get_logger()

_decoder = msgspec.json.Decoder(RunCommand)


class Worker:
    """`name` is what `run.started` says of it: enough to find the process."""

    def __init__(
        self,
        broker: Broker,
        publisher: Publisher,
        agents: Mapping[str, AgentFunction],
        *,
        name: str,
        model: Model | None = None,
        limits: Limits | None = None,
        slots: int = 8,
        drain_s: float = 20.0,
    ) -> None:
        self.counts = RunCounts(agents)
        self._broker = broker
        self._publisher = publisher
        self._agents = agents
        self._name = name
        self._model = model
        self._limits = limits or Limits()
        self._slots = asyncio.Semaphore(slots)
        self._drain_s = drain_s
        self._attempts: dict[str, Attempt] = {}
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def lanes(self) -> Iterable[Lane]:
        """Those of the runs that go on."""
        return [attempt.lane for attempt in self._attempts.values() if attempt.lane is not None]

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; then finish what is running within `drain_s` and leave the rest to others."""
        async with asyncio.TaskGroup() as tasks:
            fetching = tasks.create_task(self._fetch(stop, tasks))
            await stop.wait()
            self._slots.release()  # wakes a fetch that waits for one
            await asyncio.wait({fetching})
            if self._serving:
                await asyncio.wait(self._serving, timeout=self._drain_s)
            for attempt in self._attempts.values():
                attempt.stop(Drained())

    async def _fetch(self, stop: asyncio.Event, tasks: asyncio.TaskGroup) -> None:
        while not stop.is_set():
            await self._slots.acquire()
            delivery = None
            try:
                delivery = await self._broker.fetch_command(FETCH_S) if not stop.is_set() else None
            except Unavailable as error:
                log.warning("no commands", reason=error.message)
                await asyncio.sleep(OUTAGE_PAUSE_S)
            if delivery is None:
                self._slots.release()
            elif stop.is_set():
                with contextlib.suppress(Unavailable):  # then it comes again after its `ack_wait`
                    await delivery.nak()
            else:
                serving = tasks.create_task(self._serve(delivery, tasks))
                self._serving.add(serving)
                serving.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._serving.discard(task)
        self._slots.release()

    async def _serve(self, delivery: Delivery, tasks: asyncio.TaskGroup) -> None:
        try:
            command = _decode(delivery)
        except Invalid as error:
            await self._bury(delivery, None, error)
            return
        structlog.contextvars.bind_contextvars(conversation=command.conversation, run=command.run)
        if command.run in self._attempts:
            # The broker has forgotten, in a restart, that we hold it. Our heartbeats and our acknowledgement still count.
            log.info("delivered again while it runs here", attempt=delivery.attempt)
            return
        try:
            if not await self._dropped(command, delivery):
                await self._perform(command, delivery, tasks)
        except (FoldError, NotFound) as error:
            await self._give_up(delivery, command, error)
        except Fenced:
            await self._fenced(command, delivery, tasks)
        except AnabranchError as error:
            self.counts.attempts_lost.add(error.code)
            log.warning("attempt lost", attempt=delivery.attempt, code=error.code, reason=str(error))

    async def _dropped(self, command: RunCommand, delivery: Delivery) -> bool:
        """Acknowledge the command if its conversation was deleted: what it would write, nobody would remove again."""
        if not await is_deleted(self._broker, command.partition, command.tenant, command.conversation):
            return False
        log.info("the conversation was deleted")
        await delivery.ack()
        return True

    async def _fenced(self, command: RunCommand, delivery: Delivery, tasks: asyncio.TaskGroup) -> None:
        """Somebody else has written to the lane. A gateway, if it ended the run before it was claimed: then it is to be
        sealed here. Or another worker, and then nothing is acknowledged: it would take the job from who has the run now.
        """
        self.counts.attempts_lost.add(Fenced.code)
        log.info("the run is somebody else's", attempt=delivery.attempt)
        try:
            if await lane_is_over(self._broker, command.partition, command.tenant, command.conversation, command.run):
                await self._perform(command, delivery, tasks)
        except AnabranchError as error:
            log.warning("not sealed yet", code=error.code, reason=str(error))

    async def _perform(self, command: RunCommand, delivery: Delivery, tasks: asyncio.TaskGroup) -> None:
        attempt = Attempt(
            self._broker,
            self._publisher,
            command,
            worker=self._name,
            model=self._model,
            limits=self._limits,
            keep=delivery.in_progress,
            counts=self.counts,
        )
        self._attempts[command.run] = attempt
        if delivery.attempt == 1:
            tracing.note("queue wait", parent=delivery.trace, begun_ms=command.sent, ended_ms=now_ms())
        try:
            with tracing.span(
                "run", parent=delivery.trace, kind=tracing.Kind.CONSUMER, **_attributes(command, delivery)
            ):
                done = await perform(attempt, delivery.attempt, self._agents, tasks)
                await (delivery.ack() if done else delivery.nak())
        finally:
            del self._attempts[command.run]

    async def _give_up(self, delivery: Delivery, command: RunCommand, error: AnabranchError) -> None:
        """Nobody can take this run over: end it, so that what waits behind it goes on, and put its command aside."""
        try:
            if await self._dropped(command, delivery):  # while we read it
                return
            await end_unreadable(self._broker, command, delivery.attempt)
        except (Fenced, Unavailable) as unended:
            log.warning("not given up yet; the command comes again", reason=str(unended))
            return
        except AnabranchError as unended:
            log.error("a run cannot be ended", code=unended.code, reason=str(unended))
        await self._bury(delivery, command, error)

    async def _bury(self, delivery: Delivery, command: RunCommand | None, error: AnabranchError) -> None:
        """Put aside a command that cannot be performed, however often it comes."""
        tenant, conversation = _address_of(delivery.subject)
        letter = DeadLetter(
            kind="command",
            subject=delivery.subject,
            code=error.code,
            reason=error.message,
            tenant=tenant,
            conversation=conversation,
            run=command.run if command is not None else "-",
            ts=now_ms(),
            data=delivery.data,
        )
        whose = {"conversation": conversation, "run": letter.run}
        log.error("a command cannot be performed", **whose, code=error.code, reason=error.message)
        try:
            await self._broker.publish_dead(letter)
            self.counts.commands_dead += 1
            await delivery.ack()
        except AnabranchError as unburied:
            log.warning("not buried yet; the command comes again", **whose, reason=str(unburied))


def _attributes(command: RunCommand, delivery: Delivery) -> dict[str, tracing.Attribute]:
    return {
        "run": command.run,
        "conversation": command.conversation,
        "agent": command.agent,
        "attempt": delivery.attempt,
    }


def _address_of(subject: str) -> tuple[str, str]:
    """Tenant and conversation of a command's subject; `-` for what nobody here would have published."""
    with contextlib.suppress(ValueError, Invalid):
        _, _, _, tenant, conversation = subject.split(".")
        return check_id(tenant), check_id(conversation)
    return "-", "-"


def _decode(delivery: Delivery) -> RunCommand:
    """Raises Invalid: the bytes are no command, or it names something that is no id."""
    try:
        command = _decoder.decode(delivery.data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"not a command: {error}", code="invalid_command") from error
    subjects.event(command.partition, command.tenant, command.conversation, command.run)
    return command
