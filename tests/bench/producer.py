"""Child: a worker's publishing side. Scripted runs emit tokens through the real lanes, publisher and broker; what is stored
is folded by the run's journal, as a worker does. There are no agents: one loop generates the tokens of all runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from array import array
from collections.abc import Hashable
from typing import Any

from schemas import events as ev
from schemas.codec import decode_frame
from schemas.subjects import EventSubject
from services.agent_worker.journal import Journal
from services.agent_worker.publisher import LaneWriter, Publisher
from services.broker.jetstream import connect
from services.broker.port import Appended, Appender, Broker, OnResult
from tests.bench.child import Operation, serve
from tests.bench.figures import percentile
from tests.bench.lanes import MESSAGE, PARTITION, TENANT, opening, run_of, stamp, token

TICK_S = 0.001


class TimedAppends:
    """Between publisher and broker: how long the broker took for each append, in ms. Costs 0.5 µs per frame."""

    def __init__(self, broker: Broker) -> None:
        self.ms = array("d")
        self._broker = broker
        self._sent: dict[Hashable, float] = {}
        self._appender: Appender

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def appender(self, on_result: OnResult) -> Appender:
        def timed(key: Hashable, result: Any) -> None:
            self.ms.append((time.monotonic() - self._sent.pop(key)) * 1e3)
            on_result(key, result)

        self._appender = self._broker.appender(timed)
        return self

    def send(self, key: Hashable, subject: str, data: bytes, *, msg_id: str, expected_last: int) -> None:
        self._sent[key] = time.monotonic()
        self._appender.send(key, subject, data, msg_id=msg_id, expected_last=expected_last)

    def close(self) -> None:
        self._appender.close()


class Nowhere:
    """Takes events like a lane and forgets them: what is left is the cost of generating them."""

    def emit(self, event: ev.AnyEvent) -> None:
        pass


class Run:
    """One message of endless tokens."""

    def __init__(self, writer: LaneWriter | Nowhere, *, stamped: bool) -> None:
        self.writer = writer
        self.tokens = 0
        self._stamped = stamped
        self._at = 0

    def emit(self) -> None:
        text = stamp() if self._stamped else token(self.tokens)
        self.writer.emit(ev.MessageDelta(id=MESSAGE, at=self._at, text=text, ns="main"))
        self._at += len(text)
        self.tokens += 1


class Producer:
    def __init__(self) -> None:
        self._life = contextlib.AsyncExitStack()
        self._runs: list[Run] = []
        self._stored = 0
        self._broker: TimedAppends
        self._lost: list[str] = []

    async def open(self, url: str, conversations: list[str], stamped: bool) -> None:
        """Begin a run in each conversation."""
        self._broker = TimedAppends(await connect(url, "bench"))
        publisher = await self._life.enter_async_context(Publisher(self._broker))
        for conversation in conversations:
            self._runs.append(Run(await self._begin(publisher, conversation), stamped=stamped))

    async def _begin(self, publisher: Publisher, conversation: str) -> LaneWriter:
        subject, asked = opening(conversation)[0]
        stored: Appended = await self._broker.append(subject, asked, msg_id=conversation, expected_last=0)
        journal = Journal(conversation, input_last=0)

        def on_stored(frame: ev.Frame) -> None:
            self._stored += 1
            journal.own(frame)

        run = run_of(conversation)
        writer = publisher.open(
            EventSubject(PARTITION, TENANT, conversation, run),
            attempt=1,
            last_n=0,
            last_seq=0,
            on_stored=on_stored,
            on_lost=lambda error: self._lost.append(str(error)),
        )
        writer.emit(ev.RunStarted(agent="team", ns="main"))
        writer.emit(ev.MessageStarted(id=MESSAGE, ns="main"))
        await writer.flush()
        journal.input([decode_frame(asked, stored.seq)], upto=writer.lane.last_seq)
        return writer

    async def run(self, per_run_s: float, seconds: float) -> dict[str, Any]:
        """Emit, and wait until all of it is stored. CPU is that of the whole process, per token."""
        self._broker.ms = array("d")
        frames, used = self._stored, time.process_time()
        emitted, taken = await _emit(self._runs, per_run_s, seconds)
        for run in self._runs:
            await run.writer.flush()
        used = time.process_time() - used
        if self._lost:
            raise RuntimeError(self._lost[0])
        acks = sorted(self._broker.ms)
        return {
            "cpu_us": used / emitted * 1e6,
            "per_s": emitted / taken,
            "per_frame": emitted / (self._stored - frames),
            "ack_p50": percentile(acks, 50),
            "ack_p99": percentile(acks, 99),
        }

    async def generate(self, per_run_s: float, seconds: float) -> float:
        """What the tokens alone cost, without any lane: CPU µs per token."""
        runs = [Run(Nowhere(), stamped=False) for _ in self._runs]
        used = time.process_time()
        emitted, _ = await _emit(runs, per_run_s, seconds)
        return (time.process_time() - used) / emitted * 1e6

    async def emitted(self) -> dict[str, int]:
        """How many tokens each run has emitted."""
        return {run.writer.address.lane: run.tokens for run in self._runs}


async def _emit(runs: list[Run], per_run_s: float, seconds: float) -> tuple[int, float]:
    """Round and round, so that every run has an even rhythm. Returns how many tokens, in how many seconds."""
    rate = per_run_s * len(runs)
    emitted = 0
    start = time.monotonic()
    while (elapsed := time.monotonic() - start) < seconds:
        while emitted < elapsed * rate:
            runs[emitted % len(runs)].emit()
            emitted += 1
        await asyncio.sleep(TICK_S)
    return emitted, elapsed


async def setup() -> dict[str, Operation]:
    producer = Producer()
    return {name: getattr(producer, name) for name in ("open", "run", "generate", "emitted")}


if __name__ == "__main__":
    serve(setup)
