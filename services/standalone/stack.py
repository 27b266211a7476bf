"""Which processes there are, what each is told, and the order in which they start and drain."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

import httpx2

from schemas.errors import Unavailable
from services.broker.stream_file import read_layout
from services.standalone.nats import NatsServer
from services.standalone.process import Child
from services.standalone.settings import Settings

READY_S = 60.0
"""The local model reads 100 MB of weights first, on a slow disk."""
STORE_MARGIN_BYTES = 1024**3
"""Of the store beyond what the streams may hold together: a full store is sticky, a full stream is not."""
ACK_WAIT_S = "10"
"""How long a run stands still after its worker was killed. On one machine no network can delay a heartbeat, so less than
the services' own default.
"""
HELLO = "hello"
"""The conversation that the printed `curl` line writes to; with a number where that has been deleted, as an id is not free
again.
"""


class Stack:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.hello = HELLO
        self._data = Path(settings.data).resolve()
        layout = read_layout()
        self._nats = NatsServer(
            self._data / "nats",
            self._log("nats-server"),
            store_bytes_max=layout.bytes_max + STORE_MARGIN_BYTES,
            sync_interval=layout.deployment.sync_interval,
        )
        self._children: list[Child] = []

    @property
    def nats_url(self) -> str:
        return self._nats.url

    @property
    def logs(self) -> Path:
        return self._data / "logs"

    @property
    def gateway_urls(self) -> list[str]:
        return [f"http://127.0.0.1:{self._settings.port + index}" for index in range(self._settings.gateways)]

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    async def start(self) -> None:
        """Bring everything up; returns when every gateway is ready.

        Raises:
            Unavailable: something did not come up; the message says what it said.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        self._children.append(self._nats.child)
        await self._nats.start()
        environment = self._environment()
        await self._apply(environment)
        if self._settings.wants_local_model:
            environment |= await self._start_local_model()
        metrics = self._metrics()
        for index in range(self._settings.persisters):
            await self._start("persister", f"persister-{index + 1}", environment | next(metrics))
        for index in range(self._settings.workers):
            await self._start("agent_worker", f"worker-{index + 1}", environment | next(metrics))
        gateways = []
        for index in range(self._settings.gateways):
            own = environment | {"ANABRANCH_PORT": str(self._settings.port + index)}
            gateways.append(await self._start("gateway", f"gateway-{index + 1}", own))
        for child, url in zip(gateways, self.gateway_urls, strict=True):
            await self._ready(child, f"{url}/readyz")
        for child in self._children:
            if not child.running:
                raise Unavailable(f"{child.name} does not come up: {child.last_words()}")
        self.hello = await self._greet()

    async def _greet(self) -> str:
        """Make the conversation for the `curl` line, if it is not there; returns its id."""
        async with httpx2.AsyncClient(base_url=self.gateway_urls[0]) as client:
            for number in itertools.count(1):
                conversation = HELLO if number == 1 else f"{HELLO}_{number}"
                made = await client.post("/v1/conversations", json={"id": conversation, "title": "Hello from curl"})
                if made.status_code != HTTPStatus.GONE:
                    break
        return conversation

    async def watch(self, say: Callable[[str], None]) -> None:
        """Restart what dies. Raises Unavailable (in a group) when something will not stay up."""
        async with asyncio.TaskGroup() as group:
            for child in self._children:
                group.create_task(child.keep_running(say))

    async def stop(self) -> None:
        """Drain in the order in which work flows: runs, seals, the viewers who watch them end, the broker underneath."""
        try:
            for kind in ("worker", "persister", "gateway", ""):
                mine = [child for child in self._children if child.name.startswith(kind)]
                await asyncio.gather(*(child.stop(self._settings.drain_s) for child in mine))
        except asyncio.CancelledError:  # a second Ctrl-C: leave no process behind, drained or not
            for child in self._children:
                child.kill()
            raise

    def _environment(self) -> dict[str, str]:
        database = self._settings.database_url or f"sqlite+aiosqlite:///{self._data / 'archive.sqlite3'}"
        return {
            "ANABRANCH_NATS_URL": self._nats.url,
            "ANABRANCH_DATABASE_URL": database,
            "ANABRANCH_ACK_WAIT_S": os.environ.get("ANABRANCH_ACK_WAIT_S") or ACK_WAIT_S,
        }

    def _metrics(self) -> Iterator[dict[str, str]]:
        """A port for the metrics of each process that has no other, one after the other; none if none is wanted."""
        first = self._settings.metrics_port
        for offset in itertools.count():
            yield {"ANABRANCH_METRICS_PORT": str(first + offset)} if first else {}

    async def _apply(self, environment: dict[str, str]) -> None:
        """Make the streams and the archive's tables: idempotent, so every start does it."""
        child = Child("admin apply", [sys.executable, "-m", "services.admin", "apply"], environment, self._log("apply"))
        await child.start()
        if await child.wait() != 0:
            raise Unavailable(f"the streams and tables could not be made: {child.last_words()}")

    async def _start_local_model(self) -> dict[str, str]:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        child = await self._start("local_model", "local-model", {"ANABRANCH_LOCAL_MODEL_PORT": str(port)})
        await self._ready(child, f"{url}/health")
        return {"ANABRANCH_LOCAL_MODEL_URL": f"{url}/v1"}

    async def _start(self, module: str, name: str, environment: dict[str, str]) -> Child:
        child = Child(name, [sys.executable, "-m", f"services.{module}"], environment, self._log(name))
        self._children.append(child)
        await child.start()
        return child

    async def _ready(self, child: Child, url: str) -> None:
        deadline = asyncio.get_running_loop().time() + READY_S
        async with httpx2.AsyncClient(timeout=2.0) as client:
            while True:
                try:
                    if (await client.get(url)).status_code == 200:
                        return
                except httpx2.TransportError:
                    pass  # not yet
                if not child.running or asyncio.get_running_loop().time() > deadline:
                    raise Unavailable(f"{child.name} does not come up: {child.last_words()}")
                await asyncio.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
