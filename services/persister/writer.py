"""The writer's loop: pull a batch of seals, write it in one transaction, acknowledge after the commit.

Whatever fails before the acknowledgement is delivered again and, being written already, changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

import structlog

from schemas.errors import AnabranchError, Unavailable
from schemas.seal import ConversationDeletion, Seal
from services import tracing
from services.archive.port import Archivable, ArchiveWriter
from services.broker.port import Broker, Delivery
from services.persister.batch import dead_letter, read
from services.persister.breaker import Breaker
from services.persister.metrics import Counts
from services.runtime import now_ms

FETCH_S = 1.0
"""How long a fetch waits when there is nothing: a stop waits as long."""

HEARTBEAT_S = 10.0
"""A third of the queue's ack_wait (30 s): a batch that waits for the archive is not given to another persister."""

RETRY_S = 30.0
"""When a message comes again that an archive which answers did not take, or that could not even be buried."""

log = structlog.get_logger()


class SealWriter:
    def __init__(self, broker: Broker, archive: ArchiveWriter, *, batch_max: int) -> None:
        self.counts = Counts()
        self._broker = broker
        self._archive = archive
        self._batch_max = batch_max
        self._breaker = Breaker()

    @property
    def archive_down(self) -> bool:
        """Whether the archive has not answered for a while."""
        return self._breaker.open

    async def run(self, stop: asyncio.Event) -> None:
        """Write seals until `stop`. The batch in hand is finished, unless the archive is down: then it is given back."""
        broker_breaker = Breaker()
        while not stop.is_set():
            try:
                deliveries = await self._broker.fetch_seals(self._batch_max, FETCH_S)
            except Unavailable as error:
                log.warning("the broker does not deliver seals", error=str(error))
                await _stopped_within(stop, broker_breaker.failed(random.random()))
            else:
                broker_breaker.succeeded()
                if deliveries:
                    await self._settle(deliveries, stop)

    async def _settle(self, deliveries: Sequence[Delivery], stop: asyncio.Event) -> None:
        readable: list[tuple[Delivery, Archivable]] = []
        settled: list[tuple[Delivery, AnabranchError | None]] = []
        for delivery in deliveries:
            try:
                readable.append((delivery, read(delivery.data)))
            except AnabranchError as error:
                settled.append((delivery, error))
        async with _held(deliveries):
            begun_ms = now_ms()
            outcomes = await self._write([message for _, message in readable], stop)
            for (delivery, message), outcome in zip(readable, outcomes, strict=True):
                if isinstance(message, Seal) and outcome is None:
                    self._note(message, delivery.trace, begun_ms)
                settled.append((delivery, outcome or await self._forget(message)))
            await _each([self._close(delivery, outcome) for delivery, outcome in settled])

    def _note(self, seal: Seal, trace: str, begun_ms: int) -> None:
        """A run is in the archive."""
        committed_ms = now_ms()
        self.counts.behind_s.observe(max(committed_ms - seal.run.ended, 0) / 1000)
        if trace:
            whose = {"run": seal.run.id, "conversation": seal.conversation}
            tracing.note("commit", parent=trace, begun_ms=begun_ms, ended_ms=committed_ms, **whose)

    async def _forget(self, message: Archivable) -> AnabranchError | None:
        """Once the archive has forgotten a conversation, the broker must, too. What goes wrong is returned."""
        if isinstance(message, ConversationDeletion):
            try:
                await self._broker.forget(message)
            except AnabranchError as error:
                return error
        return None

    async def _write(self, messages: list[Archivable], stop: asyncio.Event) -> Sequence[AnabranchError | None]:
        """Write until the archive answers, or `stop`: then the outcomes are Unavailable."""
        while True:
            try:
                begun = time.monotonic()
                if not self._breaker.open:
                    outcomes = await self._archive.write(messages)
                else:
                    await self._archive.ping()
                    outcomes = await self._write_singly(messages)
            except Unavailable as error:
                if await self._pause(error, stop):
                    return [error] * len(messages)
            else:
                self._breaker.succeeded()
                self.counts.commit_s.observe(time.monotonic() - begun)
                self.counts.batch.observe(len(messages))
                return outcomes

    async def _write_singly(self, messages: list[Archivable]) -> Sequence[AnabranchError | None]:
        """After repeated failures of a whole batch: one message that upsets the archive must not hold up the others."""
        outcomes: list[AnabranchError | None] = []
        for message in messages:
            try:
                outcomes += await self._archive.write([message])
            except Unavailable as error:
                outcomes.append(error)
        return outcomes

    async def _pause(self, error: Unavailable, stop: asyncio.Event) -> bool:
        """Wait before the next try; True if it was stopped meanwhile."""
        pause_s = self._breaker.failed(random.random())
        self.counts.failures += 1
        log.warning("the archive does not take seals", error=str(error), again_in_s=round(pause_s, 1))
        return await _stopped_within(stop, pause_s)

    async def _close(self, delivery: Delivery, outcome: AnabranchError | None) -> None:
        """Acknowledge what is written, give back what the archive could not take now, bury what it never will."""
        match outcome:
            case None:
                self.counts.seals.add("written")
                await delivery.ack()
            case Unavailable():
                self.counts.seals.add("returned")
                await delivery.nak(RETRY_S)
            case _:
                await self._bury(delivery, outcome)

    async def _bury(self, delivery: Delivery, error: AnabranchError) -> None:
        """To the dead letters, and only then out of the queue."""
        letter = dead_letter(delivery.subject, delivery.data, error, now_ms())
        whose = {"conversation": letter.conversation, "run": letter.run}
        log.error("a message cannot be archived", **whose, code=error.code, error=str(error))
        try:
            await self._broker.publish_dead(letter)
        except AnabranchError as unburied:
            log.warning("no dead letter could be written", **whose, error=str(unburied))
            await delivery.nak(RETRY_S)
        else:
            self.counts.seals.add("dead")
            await delivery.ack()


@contextlib.asynccontextmanager
async def _held(deliveries: Sequence[Delivery]) -> AsyncIterator[None]:
    """Keep the deliveries ours for as long as it takes."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await _each([delivery.in_progress() for delivery in deliveries])

    async with asyncio.TaskGroup() as tasks:
        beating = tasks.create_task(beat())
        yield
        beating.cancel()


async def _each(calls: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Make all calls to the broker at once. One that fails is repeated by the redelivery."""

    async def attempt(call: Coroutine[Any, Any, None]) -> None:
        try:
            await call
        except Unavailable as error:
            log.warning("the broker did not answer", error=str(error))

    async with asyncio.TaskGroup() as tasks:
        for call in calls:
            tasks.create_task(attempt(call))


async def _stopped_within(stop: asyncio.Event, timeout_s: float) -> bool:
    """Wait that long, or until `stop`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await stop.wait()
    return stop.is_set()
