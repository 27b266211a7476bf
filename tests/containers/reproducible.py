"""The same sources make the same images: each is built twice without a cache, from two copies of the tree whose files have other
times and permissions, and the layers are compared by digest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.containers.stack import ROOT, env_files

SERVICES = {"gateway": "gateway", "worker": "worker", "persister": "persister", "migrate": "admin"}
"""Services of compose.yaml, and the images they are started from."""

TAGS = ("reproducible-1", "reproducible-2")

BUILD_S = 900.0
"""Packages and page are fetched and built anew."""

WALK = """
import hashlib, os
for folder, _, names in os.walk("/app"):
    for name in names:
        path = os.path.join(folder, name)
        about = os.lstat(path)
        print(hashlib.sha256(open(path, "rb").read()).hexdigest()[:12], oct(about.st_mode), about.st_mtime_ns, path)
"""


def copies(folder: Path) -> tuple[Path, Path]:
    """Two of what images are made of."""
    first, second = folder / "first", folder / "second"
    for part in ("deploy", "requirements", "schemas", "services"):
        built = shutil.ignore_patterns("__pycache__", "node_modules", "dist")
        shutil.copytree(ROOT / part, first / part, ignore=built)  # with times and permissions
        shutil.copytree(first / part, second / part, copy_function=shutil.copyfile)
    for copy in (first, second):
        shutil.copy(ROOT / ".dockerignore", copy)
    for path in second.rglob("*"):
        path.chmod(path.stat().st_mode | 0o020)  # as where people work in groups
    return first, second


def build(tree: Path, tag: str) -> dict[str, list[str]]:
    """All images, from nothing but the base images; returns the layers of each."""
    files = [word for file in env_files() for word in ("--env-file", file)]
    compose = ["docker", "compose", *files, "-f", str(tree / "deploy" / "compose.yaml")]
    environment = os.environ | {"TAG": tag, "REVISION": "test"}
    words = [*compose, "build", "--quiet", "--no-cache", *SERVICES]
    subprocess.run(words, cwd=tree, env=environment, check=True, timeout=BUILD_S)
    return {image: layers(f"anabranch/{image}:{tag}") for image in SERVICES.values()}


def layers(name: str) -> list[str]:
    (found,) = msgspec.json.decode(subprocess.run(["docker", "inspect", name], capture_output=True, check=True).stdout)
    return found["RootFS"]["Layers"]


def differing(image: str) -> str:
    """The files that are not the same in both."""
    found = []
    for tag in TAGS:
        words = ["docker", "run", "--rm", "--entrypoint", "python", f"anabranch/{image}:{tag}", "-c", WALK]
        found.append(set(subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()))
    return "\n".join(sorted(found[0] ^ found[1], key=lambda line: line.split()[-1])[:40])


@pytest.fixture
def trees(tmp_path):
    yield copies(tmp_path)
    names = [f"anabranch/{image}:{tag}" for image in SERVICES.values() for tag in TAGS]
    subprocess.run(["docker", "image", "rm", *names], capture_output=True, check=False)


@pytest.mark.timeout(2 * BUILD_S)
def test_images_that_are_built_twice_have_the_same_layers(trees, capsys):
    first, second = (build(tree, tag) for tree, tag in zip(trees, TAGS, strict=True))
    with capsys.disabled():  # to be compared with those of another machine
        print("".join(f"\n{image}: packages {found[-2]}, code {found[-1]}" for image, found in first.items()))
    for image, found in first.items():
        assert found == second[image], differing(image)
