"""One child process: started apart from the terminal's Ctrl-C, logged to a file, restarted when it dies."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from schemas.errors import Unavailable

RESTARTS_MAX = 5
"""Deaths within RESTARTS_WINDOW_S after which a child is given up: it will not get better by itself."""
RESTARTS_WINDOW_S = 30.0
RESTART_DELAY_S = 0.5
KILL_MARGIN_S = 15.0
"""What a process may take to end beyond the deadline by which it drains."""

_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """Linux: have the kernel kill the child when the parent dies, even by SIGKILL: the broker is gone at the same moment, so
    there is nothing to drain into, and what is in the log is taken up by the next start. Elsewhere Ctrl-C alone stops them.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """A process that shall run until `stop`.

    It gets a session of its own, so that Ctrl-C reaches the parent alone and the parent can drain in order.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def start(self) -> None:
        """Raises Unavailable if the program cannot be started at all."""
        with self.log.open("ab") as log:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    env={**os.environ, **self._environment},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=_die_with_parent,
                )
            except OSError as error:
                raise Unavailable(f"{self.name} cannot be started: {error}") from error

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def wait(self) -> int:
        """The exit code of the process that runs now; negative for a signal."""
        if self._process is None:
            return 0
        return await self._process.wait()

    async def keep_running(self, say: Callable[[str], None]) -> None:
        """Restart the process whenever it dies, until `stop`.

        Raises:
            Unavailable: it died RESTARTS_MAX times within RESTARTS_WINDOW_S.
        """
        deaths: list[float] = []
        while True:
            code = await self.wait()
            if self._stopping:
                return
            deaths = [at for at in deaths if at > time.monotonic() - RESTARTS_WINDOW_S] + [time.monotonic()]
            if len(deaths) >= RESTARTS_MAX:
                raise Unavailable(
                    f"{self.name} died {len(deaths)} times in {RESTARTS_WINDOW_S:.0f} s: {self.last_words()}"
                )
            why = f": {self.last_words()}" if code > 0 else ""
            say(f"{self.name} {how_it_ended(code)}, starting it again{why}")
            await asyncio.sleep(RESTART_DELAY_S * len(deaths))
            if self._stopping:
                return
            await self.start()

    async def stop(self, drain_s: float) -> None:
        """SIGTERM, and SIGKILL if it has not ended KILL_MARGIN_S after the time it has to drain."""
        self._stopping = True
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), drain_s + KILL_MARGIN_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def kill(self) -> None:
        """SIGKILL, without waiting."""
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def last_words(self) -> str:
        """The last line of its log, and where the rest is."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        return f"{last} (log: {self.log})"


def how_it_ended(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"exited with code {code}"
