"""The same sources make the same images: each is built twice without a cache, and the layers are compared by digest."""

from __future__ import annotations

import os
import subprocess

import msgspec
import pytest

from tests.containers.stack import ROOT, options

SERVICES = {"gateway": "gateway", "worker": "worker", "persister": "persister", "migrate": "admin"}
"""Services of compose.yaml, and the images they are started from."""

BUILD_S = 900.0
"""Packages and page are fetched and built anew."""


def build(tag: str) -> dict[str, tuple[list[str], dict[str, object]]]:
    """All images, from nothing but the base images; returns layers and configuration of each."""
    environment = os.environ | {"TAG": tag, "VERSION": "test", "REVISION": "test"}
    words = ["docker", "compose", *options(), "build", "--quiet", "--no-cache", *SERVICES]
    subprocess.run(words, cwd=ROOT, env=environment, check=True, timeout=BUILD_S)
    return {image: read(f"anabranch/{image}:{tag}") for image in SERVICES.values()}


def read(name: str) -> tuple[list[str], dict[str, object]]:
    (found,) = msgspec.json.decode(subprocess.run(["docker", "inspect", name], capture_output=True, check=True).stdout)
    return found["RootFS"]["Layers"], found["Config"]


@pytest.fixture
def tags():
    made = ["reproducible-1", "reproducible-2"]
    yield made
    names = [f"anabranch/{image}:{tag}" for image in SERVICES.values() for tag in made]
    subprocess.run(["docker", "image", "rm", *names], capture_output=True, check=False)


@pytest.mark.timeout(2 * BUILD_S)
def test_images_that_are_built_twice_have_the_same_layers(tags, capsys):
    first, second = (build(tag) for tag in tags)
    with capsys.disabled():
        print("".join(f"\n{image}: {layers[-2:]}" for image, (layers, _) in first.items()))
    for image, (layers, configuration) in first.items():
        assert second[image][0] == layers
        labels = dict(configuration["Labels"]) | {"org.opencontainers.image.version": tags[1]}
        assert second[image][1]["Labels"] == labels
