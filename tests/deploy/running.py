"""What the manifests say, done without a cluster: each service's own command and environment, with addresses of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from services.standalone.stack import free_port
from tests.deploy.manifests import Doc, Manifests, literal_environment
from tests.gateway.http.issuer import jwks
from tests.live.stack import ROOT, Gateway, Process


class Broker(NamedTuple):
    """Where the nodes are: for clients, and their monitoring ports. `ca`: the file of who signed their certificate."""

    addresses: Sequence[str]
    monitors: Sequence[str]
    ca: str = ""


def environment(doc: Doc, manifests: Manifests, broker: Broker, folder: Path) -> dict[str, str]:
    """Of the first container, with the addresses and files of the cluster replaced by those of this machine. The keys of tokens
    are those of tests/gateway/http/issuer.py, which is issuer and audience of the overlay `production`.
    """
    found = literal_environment(manifests, doc["spec"]["template"]["spec"]["containers"][0])
    url = found["ANABRANCH_NATS_URL"]
    found["ANABRANCH_NATS_URL"] = ",".join(url.replace("nats:4222", address) for address in broker.addresses)
    found["ANABRANCH_NATS_MONITORS"] = ",".join(broker.monitors)
    if "ANABRANCH_NATS_CA" in found:
        found["ANABRANCH_NATS_CA"] = broker.ca
    if "ANABRANCH_DATABASE_URL" in found:
        found["ANABRANCH_DATABASE_URL"] = f"sqlite+aiosqlite:///{folder}/archive.sqlite3"
    if found.get("ANABRANCH_JWT_KEYS"):
        (folder / "jwks.json").write_bytes(jwks("EdDSA"))
        found["ANABRANCH_JWT_KEYS"] = f"{folder}/jwks.json"
    return found | {"ANABRANCH_METRICS_PORT": str(free_port()), "MODEL": "scripted"}


def admin(command: list[str], manifests: Manifests, broker: Broker, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command of the migration's image, as its user."""
    env = {**os.environ, **environment(next(manifests.of("Job")), manifests, broker, folder)}
    command = [sys.executable, "-m", "services.admin", *command]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=90, check=False)


def migrate(manifests: Manifests, broker: Broker, folder: Path) -> None:
    """What the Job does."""
    container = next(manifests.of("Job"))["spec"]["template"]["spec"]["containers"][0]
    done = admin(container["args"], manifests, broker, folder)
    assert done.returncode == 0, done.stderr


def services(manifests: Manifests, broker: Broker, folder: Path) -> tuple[Gateway, list[Process]]:
    """The gateway; and all three, not started yet."""
    worker, persister, gateway = (
        environment(manifests.one("Deployment", name), manifests, broker, folder)
        for name in ("worker", "persister", "gateway")
    )
    entry = Gateway("gateway", gateway, folder)
    return entry, [
        Process("agent_worker", "worker", worker, folder),
        Process("persister", "persister", persister, folder),
        entry,
    ]
