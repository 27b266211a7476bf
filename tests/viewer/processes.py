"""The viewer as a process: its output a pipe, or a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator

DEADLINE_S = 20.0
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r")


@contextlib.asynccontextmanager
async def viewer(
    *arguments: str, stdin: int = asyncio.subprocess.DEVNULL, stdout: int = asyncio.subprocess.PIPE
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Killed on leaving, if it still runs then; everything inside has a deadline."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.viewer", *arguments),
        stdin=stdin,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def output(*arguments: str) -> tuple[int | None, list[str], str]:
    """Exit code, lines and notes of a viewer that ends by itself."""
    async with viewer(*arguments) as process:
        out, err = await process.communicate()
        return process.returncode, out.decode().splitlines(), err.decode()


async def line_with(stream: asyncio.StreamReader | None, what: str) -> str:
    """Read lines up to the first that contains `what`."""
    assert stream is not None
    async for line in stream:
        if what in line.decode():
            return line.decode().rstrip("\n")
    raise AssertionError(f"the output ended without {what!r}")


class Screen:
    """The other side of a terminal that a viewer runs in: what it wrote, and a keyboard."""

    def __init__(self, process: asyncio.subprocess.Process, descriptor: int) -> None:
        self.process = process
        self.descriptor = descriptor
        self.raw = b""

    @property
    def text(self) -> str:
        """Everything written so far, without what steers the terminal: what was drawn anew is there again."""
        return _STEERING.sub("", self.raw.decode(errors="replace"))

    def type(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())

    def read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.raw += os.read(self.descriptor, 65536)

    async def shows(self, what: str) -> None:
        """Wait until `what` was drawn."""
        try:
            while what not in self.text:  # noqa: ASYNC110 -- the terminal says only that there is more
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            raise AssertionError(f"never drawn: {what!r}; but\n{self.text[-3000:]}") from None


@contextlib.asynccontextmanager
async def terminal(*arguments: str, columns: int = 100, rows: int = 40) -> AsyncIterator[Screen]:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    before = termios.tcgetattr(theirs)
    async with viewer(*arguments, stdin=theirs, stdout=theirs) as process:
        screen = Screen(process, ours)
        loop = asyncio.get_running_loop()
        loop.add_reader(ours, screen.read)
        try:
            yield screen
            assert termios.tcgetattr(theirs) == before, "the terminal was not left as it was found"
        finally:
            loop.remove_reader(ours)
            os.close(theirs)
            os.close(ours)
