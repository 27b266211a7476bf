"""deploy/compose.yaml, started for a test under a name and a port of its own and removed with its volumes.

ANABRANCH_IMAGES names an environment file with other base images (deploy/local/images.env).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
from testcontainers.compose import DockerCompose

from services.standalone.stack import free_port
from tests.containers import kept

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "deploy" / "compose.yaml"
PROJECT = "anabranch-test"
COMMAND_S = 180.0
"""An admin command takes seconds; the rest is for a busy machine."""

LOG_CHARS = 20_000
"""Of what the services logged, what a failed test shows."""

HARDENED = {
    "ReadonlyRootfs": True,
    "CapDrop": ["ALL"],
    "CapAdd": None,
    "SecurityOpt": ["no-new-privileges:true"],
    "Privileged": False,
}


def env_files(*more: str) -> list[str]:
    images = os.environ.get("ANABRANCH_IMAGES", "")
    return [str(ROOT / file) for file in (images, *more) if file]


def options(*more: str) -> list[str]:
    """What every `docker compose` here is given. `more`: environment files, by their path in the tree."""
    return [*(word for file in env_files(*more) for word in ("--env-file", file)), "-f", str(COMPOSE)]


class ComposeStack:
    def __init__(self, port: int, *more: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._options = options(*more)

    def run(self, *words: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """`docker compose` with these words. Raises CalledProcessError, with what it said in its notes."""
        return _run(["docker", "compose", *self._options, *words], stdin)

    def containers(self, service: str, *which: str) -> list[str]:
        """The ids of the running ones, in full; `--all` for those that have ended, too."""
        return self.run("ps", "--quiet", "--no-trunc", *which, service).stdout.decode().split()

    def inspect(self, container: str) -> dict[str, object]:
        (found,) = msgspec.json.decode(_run(["docker", "inspect", container]).stdout)
        return found

    def kill(self, container: str) -> None:
        _run(["docker", "kill", container])

    def logs(self, container: str) -> str:
        """What it wrote on stdout."""
        return _run(["docker", "logs", container]).stdout.decode()

    def admin(self, *words: str) -> str:
        """What the admin command printed. Raises CalledProcessError if it failed."""
        return self.run("run", "--rm", "--no-deps", "-T", "migrate", *words).stdout.decode()

    def kept(self) -> list[kept.Kept]:
        """What archive and log have, read inside, where their ports are."""
        python = ("--entrypoint", "python", "migrate", "-")
        return kept.read(self.run("run", "--rm", "--no-deps", "-T", *python, stdin=kept.SCRIPT.read_bytes()).stdout)

    def update(self) -> None:
        """The rolling update of docs/operations.md."""
        _run([str(COMPOSE.parent / "compose" / "update.sh"), *self._options], seconds=15 * 60)


def _run(
    words: list[str], stdin: bytes | None = None, seconds: float = COMMAND_S
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(words, input=stdin, capture_output=True, check=True, timeout=seconds)
    except subprocess.CalledProcessError as error:
        error.add_note((error.stdout + error.stderr).decode(errors="replace")[-4000:])
        raise


@contextlib.contextmanager
def running_stack(*more: str, **environment: str) -> Iterator[ComposeStack]:
    """All of it, ready; what the services logged is printed if the test fails, because pytest shows what was printed. `more`:
    environment files, by their path in the tree.
    """
    port = free_port()
    os.environ.update(environment | {"COMPOSE_PROJECT_NAME": PROJECT, "ANABRANCH_PORT": str(port), "MODEL": "scripted"})
    files = env_files(*more)
    compose = DockerCompose(COMPOSE.parent, compose_file_name=COMPOSE.name, env_file=files or None, wait=True)
    with compose:
        try:
            yield ComposeStack(port, *more)
        finally:
            for text in compose.get_logs("gateway", "worker", "persister", "balancer"):
                print(text[-LOG_CHARS:])
