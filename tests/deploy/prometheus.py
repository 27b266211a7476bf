"""Prometheus for tests: the programs, and a server that asks what deploy/compose/prometheus.yaml has asked, on this machine."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import yaml

from services.standalone.stack import free_port
from tests.deploy.manifests import ROOT

UNPACKED = Path(sys.prefix) / "deploy" / "prometheus"
"""Beside the other tools of `make lint-deploy`."""

CONFIG = ROOT / "deploy" / "compose" / "prometheus.yaml"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
FETCH_S = 300.0
READY_S = 30.0

SLOW = {"AnabranchLoopBusy", "AnabranchDeliverySlow", "AnabranchPublishSlow", "AnabranchRunsWait"}
"""What a machine that does more than these tests may bring about."""


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`: of the one on PATH, else from Debian's package, which is fetched once and unpacked.

    Raises:
        RuntimeError: there is none and none can be had; the message says what to do.
    """
    if found := shutil.which(name):
        return found
    unpacked = UNPACKED / "usr" / "bin" / name
    missing = f"{name} is not on PATH: install Prometheus"
    if not (unpacked.exists() or (shutil.which("apt-get") and shutil.which("dpkg"))):
        raise RuntimeError(missing)
    for package in ("prometheus", "promtool"):  # newer Debians have promtool in one of its own
        if not unpacked.exists():
            fetch(package)
    if not unpacked.exists():
        raise RuntimeError(f"{missing}, or have `apt-get update` know its package")
    return str(unpacked)


def fetch(package: str) -> None:
    """Unpack it, if it can be had."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["apt-get", "download", package]
        subprocess.run(command, cwd=scratch, capture_output=True, check=False, timeout=FETCH_S)
        for file in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg", "-x", file, UNPACKED], check=True, timeout=FETCH_S)


class Prometheus:
    """A running server. Answers are the `data` of its API."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def ask(self, what: str, **parameters: str) -> Any:
        """Raises AssertionError with what the server said against it."""
        answer = self._client.get(f"/{what}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[Any]:
        """The series that an expression has at this moment."""
        return list(self.ask("query", query=expression)["result"])


@contextlib.contextmanager
def running_prometheus(folder: Path, targets: Mapping[str, Sequence[int]], every_s: int = 1) -> Iterator[Prometheus]:
    """With the jobs and rules of Compose. `targets`: the local ports of each job."""
    config = yaml.safe_load(CONFIG.read_text())
    assert {job["job_name"] for job in config["scrape_configs"]} == set(targets)
    config["global"] = {"scrape_interval": f"{every_s}s", "evaluation_interval": f"{every_s}s"}
    config["rule_files"] = [str(ALERTS)]
    config["scrape_configs"] = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}
        for job, ports in targets.items()
    ]
    file, port = folder / "prometheus.yaml", free_port()
    file.write_text(yaml.safe_dump(config))
    where = [f"--config.file={file}", f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address=127.0.0.1:{port}"]
    log = folder / "prometheus.log"
    with log.open("wb") as out:
        server = subprocess.Popen([program("prometheus"), *where], stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + READY_S
        while not _ready(port):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=10.0) as client:
            yield Prometheus(client)
    finally:
        server.terminate()
        server.wait(10)


def _ready(port: int) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(f"http://127.0.0.1:{port}/-/ready").status_code == httpx2.codes.OK
    return False
