"""Worker processes on a real nats-server: killed, frozen, drained; and the server restarted under them."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from schemas import events as ev
from schemas.seal import Seal, check_seal, digest_of
from schemas.transcript import Message
from services.broker import jetstream
from services.broker.stream_file import layout
from tests.agent_worker.process import ACK_WAIT_S, whole
from tests.agent_worker.stage import Stage
from tests.nats_server import NatsServer

ROOT = Path(__file__).resolve().parents[2]
SPOKEN = {
    "main": ["go", whole("first"), whole("last")],
    "main/left:1": [whole("left")],
    "main/right:1": [whole("right")],
}


@pytest.fixture(scope="module")
async def nats(tmp_path_factory) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        await jetstream.provision(server.url, layout(ack_wait_s=ACK_WAIT_S))
        yield server


@pytest.fixture
async def live(nats, request) -> AsyncIterator[Stage]:
    broker = await jetstream.connect(nats.url, "test")
    try:
        yield Stage(broker, conversation=f"c-{abs(hash(request.node.name))}")
    finally:
        await broker.close()


@contextlib.contextmanager
def worker(nats: NatsServer) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "tests.agent_worker.process", nats.url], cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def spoken(fold) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in fold.items():
        if isinstance(item, Message):
            found.setdefault(item.ns, []).append(item.content)
    return found


def says(run: str, text: str):
    """A condition: the run is under way and somebody has said `text`."""
    return lambda fold: any(isinstance(item, Message) and text in item.content for item in fold.items(run))


async def assert_whole(stage: Stage, run: str, *, attempt: int) -> None:
    """The run has everything once, and its seal is the fold of the log."""
    fold = await stage.ended(run, within_s=20)
    assert spoken(fold) == SPOKEN
    assert (fold.runs[run].status, fold.runs[run].attempt) == ("completed", attempt)
    seal: Seal = await stage.seal(run, within_s=10)
    check_seal(seal)
    snapshot = fold.snapshot()
    assert msgspec.to_builtins(seal.run) == msgspec.to_builtins(snapshot.runs[0])
    assert msgspec.to_builtins(seal.items) == msgspec.to_builtins(snapshot.items)
    assert seal.digest == digest_of(snapshot.runs[0], snapshot.items)


async def test_a_run_whose_worker_is_killed_continues_as_attempt_two_and_nothing_is_doubled(nats, live):
    with worker(nats) as first:
        command = await live.post("talker")
        await live.until(says(command.run, "left5"))
        first.kill()
        first.wait()
        with worker(nats):
            await assert_whole(live, command.run, attempt=2)
    events = await live.events(command.run)
    assert [event.cause for event in events if isinstance(event, ev.RunRetrying)] == ["worker_lost"]


async def test_a_frozen_worker_is_fenced_when_it_wakes_up(nats, live):
    with worker(nats) as zombie:
        command = await live.post("talker")
        await live.until(says(command.run, "left5"))
        zombie.send_signal(signal.SIGSTOP)
        with worker(nats):
            await live.until(lambda fold: fold.runs[command.run].attempt == 2, within_s=15)
            zombie.send_signal(signal.SIGCONT)
            await assert_whole(live, command.run, attempt=2)


async def test_a_worker_that_is_told_to_stop_leaves_its_run_to_another_one(nats, live):
    with worker(nats) as first:
        command = await live.post("talker")
        await live.until(says(command.run, "first5"))
        first.terminate()
        assert first.wait(10) == 0
        with worker(nats):
            await assert_whole(live, command.run, attempt=2)


async def test_a_server_that_is_restarted_in_mid_run_costs_nothing(nats, live):
    with worker(nats):
        command = await live.post("talker")
        await live.until(says(command.run, "left5"))
        nats.kill()
        await nats.start()
        await assert_whole(live, command.run, attempt=1)
