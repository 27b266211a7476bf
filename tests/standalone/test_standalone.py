"""`make run`, as a process: what it says, what it survives, what it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

import httpx2
import psutil
import pytest

from services.standalone.stack import free_port

ROOT = Path(__file__).resolve().parents[2]
UP_S = 60.0


class Running:
    """`python -m services.standalone` with its lines."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.lines: list[str] = []

    async def said(self, what: str) -> str:
        """The next line that contains `what`."""
        async with asyncio.timeout(UP_S):
            while line := (await self.process.stdout.readline()).decode():
                self.lines.append(line)
                if what in line:
                    return line
        raise AssertionError(f"it never said {what!r} but:\n{''.join(self.lines)}")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    async def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(UP_S):
            await self.process.stdout.read()
            return await self.process.wait()


@contextlib.asynccontextmanager
async def standalone(data: Path, port: int | None = None, **environment: str):
    port = port or free_port()
    settings = {"ANABRANCH_PORT": str(port), "ANABRANCH_DATA": str(data), "MODEL": "scripted", **environment}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.standalone"),
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running = Running(process, port)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.stdout.read()
            await process.wait()


async def gone(processes: list[psutil.Process]) -> None:
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, UP_S)
    assert alive == []


async def refused(data: Path, port: int | None = None, **environment: str) -> str:
    """What it says when it does not start; it must be one line after `Starting …`."""
    async with standalone(data, port, **environment) as running:
        async with asyncio.timeout(UP_S):
            output = (await running.process.stdout.read()).decode()
            assert await running.process.wait() == 1
    lines = [line for line in output.splitlines() if line != "Starting …"]
    assert len(lines) == 1, output
    return lines[0]


async def test_it_starts_answers_stops_without_a_trace_and_continues_with_its_data(tmp_path):
    async with standalone(tmp_path / "data with spaces") as first, httpx2.AsyncClient() as client:
        await first.said("stop    Ctrl-C")
        children = first.children()
        answer = await client.post(f"{first.url}/v1/conversations", json={"id": "kept", "title": "Kept"})
        assert answer.status_code == 201
        assert await first.stop() == 0
        assert [child for child in children if child.is_running()] == []
    async with standalone(tmp_path / "data with spaces") as second, httpx2.AsyncClient() as client:
        await second.said("stop    Ctrl-C")
        answer = await client.get(f"{second.url}/v1/conversations/kept")
        assert answer.json()["transcript"]["title"] == "Kept"
        assert await second.stop(signal.SIGHUP) == 0


async def test_workers_and_persisters_answer_with_their_metrics_at_ports_one_after_the_other(tmp_path):
    first = two_free_ports()
    async with (
        standalone(tmp_path / "data", ANABRANCH_METRICS_PORT=str(first)) as running,
        httpx2.AsyncClient() as client,
    ):
        await running.said("stop    Ctrl-C")
        persister, worker = [await metrics_at(client, port) for port in (first, first + 1)]
        assert await running.stop() == 0
    assert "anabranch_seals_total" in persister and "anabranch_slots 8.0" in worker


async def metrics_at(client: httpx2.AsyncClient, port: int) -> str:
    """A worker may still be starting when the gateways are ready."""
    async with asyncio.timeout(UP_S):
        while True:
            with contextlib.suppress(httpx2.TransportError):
                return (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            await asyncio.sleep(0.05)


def two_free_ports() -> int:
    """The first of two neighbours."""
    while True:
        first = free_port()
        with socket.socket() as probe, contextlib.suppress(OSError, OverflowError):
            probe.bind(("127.0.0.1", first + 1))
            return first


async def test_the_printed_command_works_also_after_its_conversation_was_deleted(tmp_path):
    async with standalone(tmp_path / "data") as first, httpx2.AsyncClient() as client:
        await first.said("stop    Ctrl-C")
        assert (await client.delete(f"{first.url}/v1/conversations/hello")).status_code == 204
        assert await first.stop() == 0
    async with standalone(tmp_path / "data") as second, httpx2.AsyncClient() as client:
        printed = (await second.said("curl -N")).split()
        address = next(word for word in printed if word.startswith("http"))
        await second.said("stop    Ctrl-C")
        assert (await client.post(address, json={"text": "Hello"})).status_code == 202
        assert await second.stop() == 0


async def test_what_is_killed_is_started_again_and_when_the_parent_is_killed_all_are_gone(tmp_path):
    async with standalone(tmp_path / "data") as running:
        await running.said("stop    Ctrl-C")
        (worker,) = [child for child in running.children() if "services.agent_worker" in child.cmdline()]
        worker.kill()
        assert "was killed by SIGKILL, starting it again" in await running.said("worker-1")
        children = running.children()
        running.process.kill()
        await gone(children)


async def test_a_second_ctrl_c_stops_everything_at_once_and_says_so_in_a_sentence(tmp_path):
    async with standalone(tmp_path / "data") as running:
        await running.said("stop    Ctrl-C")
        children = running.children()
        running.process.send_signal(signal.SIGINT)
        await running.said("Stopping")
        running.process.send_signal(signal.SIGINT)
        said = (await running.process.stdout.read()).decode()
        assert await running.process.wait() == 1
    assert said == "anabranch: stopped at once, before every run had ended: the next start goes on with them\n"
    assert not psutil.wait_procs(children, timeout=5)[1]


async def test_a_taken_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = await refused(tmp_path / "data", port)
    assert said == f"anabranch: port {port} is taken (Address already in use): set ANABRANCH_PORT to a free one"


async def test_a_data_folder_that_another_one_holds_is_named(tmp_path):
    async with standalone(tmp_path / "data") as running:
        await running.said("stop    Ctrl-C")
        assert "another Anabranch runs on" in await refused(tmp_path / "data")


async def test_a_data_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "data").touch()
    assert await refused(tmp_path / "data") == f"anabranch: ANABRANCH_DATA={tmp_path / 'data'} is a file, not a folder"


@pytest.mark.parametrize("inside", ["nats", "logs"])
async def test_a_data_folder_with_a_file_in_the_way_is_named(tmp_path, inside):
    (tmp_path / inside).touch()
    assert str(tmp_path / inside) in await refused(tmp_path)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ANABRANCH_PORT": "abc"}, "ANABRANCH_PORT='abc'"),
        ({"ANABRANCH_WORKERS": "0"}, "ANABRANCH_WORKERS='0'"),
        ({"ANABRANCH_LOG_LEVEL": "loud"}, "ANABRANCH_LOG_LEVEL='loud'"),
        ({"MODEL": "gpt-9"}, "MODEL=gpt-9 needs OPENAI_API_KEY"),
        ({"MODEL": "", "OPENAI_BASE_URL": "http://127.0.0.1:9"}, "anabranch: OPENAI_BASE_URL is set: set MODEL"),
        ({"ANABRANCH_DATABASE_URL": "mysql://nowhere"}, "mysql"),
    ],
)
async def test_a_setting_that_cannot_be_is_named(tmp_path, settings, said):
    assert said in await refused(tmp_path / "data", **settings)


async def test_a_missing_nats_server_is_named(tmp_path, monkeypatch):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    assert "nats-server is not installed" in await refused(tmp_path / "data")
