"""The brokers of the overlay `production` as processes: its configuration, arguments and environment, three of them with routes
and TLS. What differs from the cluster: addresses, the folder of the volume, and who signed the certificate.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2

from services.standalone.nats import binary
from services.standalone.stack import free_port
from tests.certificates import write_certificates
from tests.deploy.manifests import Manifests, literal_environment
from tests.deploy.running import Broker

READY_S = 30.0
"""Until three nodes know each other and a leader, on a busy machine."""


class Node:
    """One of them; its log and what it stored are in `folder`. `certificates`: a folder as `write_certificates` makes."""

    def __init__(self, manifests: Manifests, name: str, folder: Path, certificates: Path) -> None:
        self.name = name
        self.folder = folder
        self.route_port, self._port, self._monitor_port = free_port(), free_port(), free_port()
        self._manifests = manifests
        self._certificates = certificates
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def monitor(self) -> str:
        return f"http://127.0.0.1:{self._monitor_port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def start(self, nodes: list[Node]) -> None:
        config = self.folder / "etc"
        config.mkdir(parents=True, exist_ok=True)
        for file, content in self._manifests.one("ConfigMap", "nats")["data"].items():
            (config / file).write_text(self._moved(content))
        container = self._manifests.one("StatefulSet", "nats")["spec"]["template"]["spec"]["containers"][0]
        environment = literal_environment(self._manifests, container)
        routes = json.dumps([f"nats://127.0.0.1:{node.route_port}" for node in nodes])
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [binary(), *container["args"]],
                cwd=config,
                env=environment | {"SERVER_NAME": self.name, "NATS_ROUTES": routes},
                stdout=log,
                stderr=log,
            )

    def _moved(self, content: str) -> str:
        """A file of the configuration, for this machine."""
        for there, here in (
            ("0.0.0.0:4222", self.address),
            ("0.0.0.0:6222", f"127.0.0.1:{self.route_port}"),
            ("0.0.0.0:8222", f"127.0.0.1:{self._monitor_port}"),
            ("/etc/nats/tls/", f"{self._certificates}/"),
            ('"/data"', f'"{self.folder}/data"'),
        ):
            content = content.replace(there, here)
        return content

    def ask(self, what: str) -> dict[str, object]:
        """The answer of a monitoring endpoint; nothing while it does not run."""
        with contextlib.suppress(httpx2.TransportError):
            return httpx2.get(f"{self.monitor}/{what}").json()  # type: ignore[no-any-return]
        return {}

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextlib.asynccontextmanager
async def brokers(manifests: Manifests, folder: Path) -> AsyncIterator[tuple[list[Node], Broker]]:
    """All nodes of the StatefulSet, healthy, and where they are."""
    certificates = write_certificates(folder / "tls")
    names = [f"nats-{node}" for node in range(manifests.one("StatefulSet", "nats")["spec"]["replicas"])]
    nodes = [Node(manifests, name, folder / name, certificates) for name in names]
    try:
        for node in nodes:
            node.start(nodes)
        deadline = time.monotonic() + READY_S
        while not all(node.ask("healthz") == {"status": "ok"} for node in nodes):
            assert time.monotonic() < deadline, nodes[0].log
            await asyncio.sleep(0.05)
        yield (
            nodes,
            Broker([node.address for node in nodes], [node.monitor for node in nodes], f"{certificates}/ca.crt"),
        )
    finally:
        for node in nodes:
            node.kill()
