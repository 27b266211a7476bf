"""Scale: the same messages to 1, 2 and 4 workers, gateways and persisters, as processes on one machine with PostgreSQL.

A run's pace is the model's, so what a worker adds is slots, not speed: throughput should grow with their number as long as
the machine's cores last. Fairness is what the busiest process did, over an equal share; of gateways the CPU time that they took,
since the bench itself deals out their viewers. Everything that was accepted, logged, shown and archived is judged by the history
checker.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from schemas import events as ev
from services.standalone.stack import free_port
from tests import postgres
from tests.bench.child import Cpu
from tests.bench.figures import Figure, figure
from tests.containers import kept
from tests.containers.crowd import Crowd, until
from tests.live.stack import ROOT, Process, Stack, running_stack

NUMBERS = [1, 2, 4]
RUNS = 48
SLOTS = 4
"""Runs at once in a worker: few, so that one worker has a queue and four have room."""

TOKENS_S = 50
DEADLINE_S = 300.0


async def measure() -> list[Figure]:
    figures: list[Figure] = []
    for number in NUMBERS:
        figures += await _with(number)
    return figures


async def _with(number: int) -> list[Figure]:
    database = await (await postgres.shared()).new_database()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        settings = {"ANABRANCH_SLOTS": str(SLOTS), "ANABRANCH_SCRIPTED_TOKENS_PER_S": str(TOKENS_S)}
        running = running_stack(folder, workers=number, gateways=number, database_url=database, **settings)
        services = await stack.enter_async_context(running)
        environment = {"ANABRANCH_NATS_URL": services.nats.url, "ANABRANCH_DATABASE_URL": database}
        services.persisters.pop().stop()  # in place of it some that can be asked what they did
        ports = [_persister(services, environment, folder) for _ in range(number)]
        crowds = [Crowd(gateway.url) for gateway in services.gateways]
        kinds = {"worker": services.workers, "gateway": services.gateways, "persister": services.persisters}
        before = _busy(kinds)
        took = await _answered(crowds)
        busy = {
            kind: [after - then for after, then in zip(now, before[kind], strict=True)]
            for kind, now in _busy(kinds).items()
        }
        written = await _archived(services, ports)
        found = await asyncio.to_thread(_kept, environment)
    return _figures(crowds, took, busy, written, kept.judged(found, *crowds))


def _busy(kinds: Mapping[str, Sequence[Process]]) -> dict[str, list[float]]:
    """CPU seconds of each process so far."""
    return {kind: [Cpu(process.pid).seconds() for process in processes] for kind, processes in kinds.items()}


def _persister(services: Stack, environment: dict[str, str], folder: Path) -> int:
    """Start one; returns the port of its metrics."""
    port = free_port()
    name = f"counted-{len(services.persisters)}"
    services.persisters.append(Process("persister", name, environment | {"ANABRANCH_METRICS_PORT": str(port)}, folder))
    services.persisters[-1].start()
    return port


async def _answered(crowds: Sequence[Crowd]) -> float:
    """Send all messages at once, to the gateways in turn; returns the seconds until every viewer saw the end of its run."""
    conversations = [
        (crowd, await crowd.conversation()) for crowd, _ in zip(itertools.cycle(crowds), range(RUNS), strict=False)
    ]
    for crowd, conversation in conversations:
        crowd.watched(conversation)
    async with AsyncExitStack() as watching:
        for crowd in crowds:
            await watching.enter_async_context(crowd.watching())
        start = time.monotonic()
        said = [crowd.say(conversation, "Why do rivers meander?", "assistant") for crowd, conversation in conversations]
        await asyncio.gather(*said)
        await until(lambda: all(crowd.all_ended() for crowd in crowds), DEADLINE_S, "every viewer saw every end")
        return time.monotonic() - start


async def _archived(services: Stack, ports: Iterable[int]) -> list[int]:
    """Wait until the archive has all runs as the log has them; returns how many messages each persister wrote."""

    async def all_written() -> bool:
        said = (await asyncio.to_thread(services.admin, "verify")).stdout
        return f" {RUNS} checked" in said and " 0 not archived yet; 0 differences" in said

    await until(all_written, DEADLINE_S, "every run is archived")
    async with httpx2.AsyncClient() as client:
        return [_written((await client.get(f"http://127.0.0.1:{port}/metrics")).text) for port in ports]


def _written(metrics: str) -> int:
    (counted,) = [line for line in metrics.splitlines() if line.startswith('anabranch_seals_total{outcome="written"}')]
    return int(float(counted.split()[1]))


def _kept(environment: dict[str, str]) -> list[kept.Kept]:
    words = [sys.executable, "-"]
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=os.environ | environment,
        input=kept.SCRIPT.read_bytes(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return kept.read(done.stdout)


def _figures(
    crowds: Sequence[Crowd],
    took: float,
    busy: Mapping[str, Sequence[float]],
    written: Sequence[int],
    problems: Sequence[str],
) -> list[Figure]:
    number = len(crowds)
    for problem in problems:
        print(problem, file=sys.stderr)
    frames = [frame for crowd in crowds for watcher in crowd.watchers for frame in watcher.view().frames]
    workers = {
        frame.run: event.worker for frame in frames for event in frame.events if isinstance(event, ev.RunStarted)
    }
    name = f"{number} of each"

    def one(what: str, value: float, unit: str, **limits: float) -> Figure:
        return figure("scale", f"{name}: {what}", [value], unit, **limits)

    return [
        one("runs", RUNS / took * 60, "/min"),
        one("frames shown", len(frames) / took, "/s"),
        one("CPU of the services", sum(sum(each) for each in busy.values()) / took, "cores"),
        one("runs of the busiest worker ÷ equal share", _busiest(Counter(workers.values()).values()), ""),
        one("CPU of the busiest gateway ÷ equal share", _busiest(busy["gateway"]), ""),
        one("messages of the busiest persister ÷ equal share", _busiest(written), ""),
        one("lost, doubled, reordered, run twice", len(problems), "", at_most=0),
    ]


def _busiest(done: Collection[float]) -> float:
    """What the busiest did, over an equal share of it all."""
    return max(done) * len(done) / sum(done)
