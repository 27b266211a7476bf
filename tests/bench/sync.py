"""What a sync to the disk per append costs: frames per second and how long each takes to be acknowledged, with `sync_interval` as
`1s` and as `always`, on one server with one copy and on three with three. As runs append: one frame in flight each.
"""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from schemas import subjects
from schemas.errors import AnabranchError
from services.broker.jetstream import connect, provision
from services.broker.port import Appended, Appender
from services.broker.stream_file import layout
from tests.bench.figures import Figure, figure
from tests.bench.lanes import PARTITION, TENANT
from tests.nats_server import NatsCluster, NatsServer

ROUNDS = 3
SECONDS = 3.0
FRAME = bytes(255)
PACE_S = 0.04
"""Between two frames of a paced run: 25 a second, as docs/scaling.md counts them."""

REPEAT_S = 0.02

COPIES = {1: "one copy", 3: "three copies"}


class Load(NamedTuple):
    """`pace_s` of 0: the next frame as soon as the last one is acknowledged."""

    runs: int
    pace_s: float

    @property
    def name(self) -> str:
        return f"{self.runs} runs {f'at {1 / self.pace_s:g} frames/s each' if self.pace_s else 'as fast as they can'}"


LOADS = [Load(16, PACE_S), Load(32, PACE_S), Load(64, 0), Load(400, 0)]


class Runs:
    """Runs that append to the log for some seconds; `took_s` is what each frame took."""

    def __init__(self, load: Load, conversation: str) -> None:
        self.took_s: list[float] = []
        self.appender: Appender
        self._load = load
        self._conversation = conversation
        self._loop = asyncio.get_running_loop()
        self._sent_at = [0.0] * load.runs
        self._last = [0] * load.runs
        self._ends_at = self._loop.time() + SECONDS

    def start(self) -> None:
        for run in range(self._load.runs):
            self._loop.call_later(self._load.pace_s * run / self._load.runs, self._next, run)

    def _next(self, run: int) -> None:
        self._sent_at[run] = self._loop.time()
        self._send(run)

    def _send(self, run: int) -> None:
        if self._loop.time() < self._ends_at:
            subject = subjects.event(PARTITION, TENANT, self._conversation, f"r{run}")
            msg_id = f"{self._conversation}:{run}:{self._last[run]}"
            self.appender.send(run, subject, FRAME, msg_id=msg_id, expected_last=self._last[run])

    def on_result(self, run: int, result: Appended | AnabranchError) -> None:
        if isinstance(result, AnabranchError):  # still on its way through the quorum
            self._loop.call_later(REPEAT_S, self._send, run)
            return
        took_s = self._loop.time() - self._sent_at[run]
        self.took_s.append(took_s)
        self._last[run] = result.seq
        self._loop.call_later(max(0.0, self._load.pace_s - took_s), self._next, run)


async def measure() -> list[Figure]:
    found: dict[str, list[list[float]]] = {}
    for _ in range(ROUNDS):
        for copies in COPIES:
            for sync in ("1s", "always"):
                await _server(copies, sync, found)
    return [
        figure("sync", name, [part(took_s) for took_s in windows], unit)
        for name, windows in found.items()
        for part, unit in ((_per_s, "frames/s"), (_median_ms, "ms p50"), (_p99_ms, "ms p99"))
    ]


async def _server(copies: int, sync: str, found: dict[str, list[list[float]]]) -> None:
    with TemporaryDirectory() as folder:
        kind = NatsServer if copies == 1 else NatsCluster
        async with kind(Path(folder), sync_interval=sync) as server:
            await provision(server.url, layout(replicas=copies, events_bytes=2**30))
            broker = await connect(server.url, "bench")
            for number, load in enumerate(LOADS):
                runs = Runs(load, f"c{number}")
                runs.appender = broker.appender(runs.on_result)  # type: ignore[arg-type]
                runs.start()
                await asyncio.sleep(SECONDS + 1.0)
                runs.appender.close()
                found.setdefault(f"{COPIES[copies]}, {sync}: {load.name}", []).append(runs.took_s)
            await broker.close()


def _per_s(took_s: list[float]) -> float:
    return len(took_s) / SECONDS


def _median_ms(took_s: list[float]) -> float:
    return statistics.median(took_s) * 1e3


def _p99_ms(took_s: list[float]) -> float:
    return statistics.quantiles(took_s, n=100)[-1] * 1e3
