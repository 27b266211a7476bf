"""A process of the bench: `serve` in the child, `Child` in the parent, one JSON line per question and answer between them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
import uvloop

from services.runtime import configure_logging

ROOT = Path(__file__).resolve().parents[2]
ANSWER_BYTES_MAX = 64 * 1024 * 1024


class ChildFailed(Exception):
    """The child process died, or what it was asked raised; its own words are on stderr."""


class Cpu:
    """CPU seconds, user and system, of another process."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def seconds(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system

    def resident_bytes(self) -> int:
        return int(self._process.memory_info().rss)


class Child:
    """Ask one thing at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.cpu = Cpu(process.pid)

    async def ask(self, operation: str, **arguments: Any) -> Any:
        """Call `operation` in the child. Raises ChildFailed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode([operation, arguments]) + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise ChildFailed(f"{operation}: the process is gone")
        answer = msgspec.json.decode(line)
        if "error" in answer:
            raise ChildFailed(f"{operation}: {answer['error']}")
        return answer["value"]


@asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncIterator[Child]:
    """Run `python -m tests.bench.<module>` until the context ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", f"tests.bench.{module}", *arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=ANSWER_BYTES_MAX,
    )
    try:
        yield Child(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


Operation = Callable[..., Awaitable[Any]]


def serve(setup: Callable[[], Awaitable[dict[str, Operation]]]) -> None:
    """In the child: answer until the parent closes our stdin. What goes wrong is answered, too."""
    configure_logging("bench", "WARNING")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(setup))


async def _serve(setup: Callable[[], Awaitable[dict[str, Operation]]]) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    operations = await setup()
    while line := await reader.readline():
        operation, arguments = msgspec.json.decode(line)
        try:
            answer = {"value": await operations[operation](**arguments)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        os.write(1, msgspec.json.encode(answer) + b"\n")
