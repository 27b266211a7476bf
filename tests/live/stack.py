"""All services as real processes against a real nats-server, for one test: started, killed and started again by name."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx2

from services.standalone.stack import free_port
from tests.nats_server import NatsServer
from tests.nats_users import ACCOUNTS, user_url

ROOT = Path(__file__).resolve().parents[2]
READY_S = 30.0


class Process:
    """One service. `kill` is a crash, `stop` an orderly end."""

    def __init__(
        self, module: str, name: str, environment: dict[str, str], folder: Path, words: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._module = module
        self._words = words
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"services.{self._module}", *self._words],
                cwd=ROOT,
                env={**os.environ, **self._environment},
                stdout=log,
                stderr=log,
            )

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self, timeout_s: float = 30.0) -> int:
        """SIGTERM; returns the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout_s)


class Gateway(Process):
    def __init__(self, name: str, environment: dict[str, str], folder: Path) -> None:
        self.port = free_port()
        super().__init__("gateway", name, environment | {"ANABRANCH_PORT": str(self.port)}, folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ready(self) -> None:
        async with asyncio.timeout(READY_S):
            async with httpx2.AsyncClient() as client:
                while True:
                    with contextlib.suppress(httpx2.TransportError):
                        if (await client.get(f"{self.url}/readyz")).status_code == 200:
                            return
                    assert self.running, self.log.read_text()
                    await asyncio.sleep(0.05)


class Stack:
    """`users`: whether the broker has a user for each service, with the permissions of deploy/nats."""

    def __init__(self, folder: Path, nats: NatsServer, environment: dict[str, str], *, users: bool = False) -> None:
        self.folder = folder
        self.nats = nats
        self._environment = environment
        self._users = users
        self.workers: list[Process] = []
        self.gateways: list[Gateway] = []
        self.persisters: list[Process] = []
        self.others: list[Process] = []

    def nats_url(self, service: str) -> str:
        """Where a service finds the broker, with the user that it is there."""
        return user_url(self.nats, service) if self._users else self.nats.url

    def environment(self, service: str) -> dict[str, str]:
        return self._environment | {"ANABRANCH_NATS_URL": self.nats_url(service)}

    def add_worker(self, **environment: str) -> Process:
        worker = Process(
            "agent_worker", f"worker-{len(self.workers)}", self.environment("agent_worker") | environment, self.folder
        )
        self.workers.append(worker)
        worker.start()
        return worker

    def add_persister(self, **environment: str) -> Process:
        persister = Process(
            "persister", f"persister-{len(self.persisters)}", self.environment("persister") | environment, self.folder
        )
        self.persisters.append(persister)
        persister.start()
        return persister

    async def add_gateway(self) -> Gateway:
        gateway = Gateway(f"gateway-{len(self.gateways)}", self.environment("gateway"), self.folder)
        self.gateways.append(gateway)
        gateway.start()
        await gateway.ready()
        return gateway

    def admin(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command of `services.admin` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "services.admin", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment("admin")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def kill_all(self) -> None:
        for process in [*self.gateways, *self.workers, *self.persisters, *self.others]:
            process.kill()


@contextlib.asynccontextmanager
async def running_stack(
    folder: Path,
    *,
    workers: int = 1,
    gateways: int = 1,
    persisters: int = 1,
    database_url: str = "",
    users: bool = False,
    **environment: str,
) -> AsyncIterator[Stack]:
    """nats-server, streams and tables, and as many persisters, workers and gateways as asked for. `users`: as `Stack`."""
    async with NatsServer(folder, accounts=ACCOUNTS if users else "") as nats:
        settings = {
            "ANABRANCH_DATABASE_URL": database_url or f"sqlite+aiosqlite:///{folder}/archive.sqlite3",
            "MODEL": "scripted",
            **environment,
        }
        stack = Stack(folder, nats, settings, users=users)
        try:
            applied = await asyncio.to_thread(stack.admin, "apply")
            assert applied.returncode == 0, applied.stderr
            for _ in range(persisters):
                stack.add_persister()
            for _ in range(workers):
                stack.add_worker()
            for _ in range(gateways):
                await stack.add_gateway()
            yield stack
        finally:
            stack.kill_all()
