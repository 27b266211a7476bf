"""`python -m tests.containers [names…]`: build the images and run the tests of this folder, or those of the modules named.

Exit code 3: there is no Docker engine, or no Compose; one sentence says which. Otherwise pytest's.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.containers.stack import ROOT, options

HERE = Path(__file__).parent
TESTS = ["pipeline", "observe", "rolling_update", "cluster"]
"""Where none is named. `reproducible` is not among them: it builds everything twice from nothing."""

NO_ENGINE = 3
SERVICES = ["migrate", "gateway", "worker", "persister"]


def missing() -> str:
    """What is not there, as a sentence; empty if all is."""
    if not _works("docker", "version"):
        return "No Docker engine answers: start one, or set DOCKER_HOST (docs/operations.md, “Containers”)."
    if not _works("docker", "compose", "version"):
        return "Docker has no Compose: install its plugin docker-compose, version 2.24 or newer."
    return ""


def _works(*words: str) -> bool:
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def main() -> int:
    if reason := missing():
        print(reason, file=sys.stderr)
        return NO_ENGINE
    print("Building the images …", flush=True)
    built = subprocess.run(["docker", "compose", *options(), "build", "--quiet", *SERVICES], cwd=ROOT, check=False)
    if built.returncode:
        return built.returncode
    names = sys.argv[1:] or TESTS
    return pytest.main(["-v", "-p", "no:cacheprovider", *(str(HERE / f"{name}.py") for name in names)])


if __name__ == "__main__":
    sys.exit(main())
