"""The rendered manifests of an overlay, and questions about them."""

from __future__ import annotations

import base64
import copy
import functools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = {
    folder.name: folder
    for overlays in (KUBERNETES / "overlays", Path(__file__).parent / "overlays")
    for folder in sorted(overlays.iterdir())
}
"""Those that are delivered, and those here, which put together what the others leave out."""

KUBECTL = os.environ.get("KUBECTL", "kubectl")
NAME = "app.kubernetes.io/name"

Doc = dict[str, Any]


class Manifests(list[Doc]):
    """Documents of one rendering."""

    def of(self, *kinds: str) -> Iterator[Doc]:
        return (doc for doc in self if doc["kind"] in kinds)

    def one(self, kind: str, name: str) -> Doc:
        """By its name, with or without the hash that kustomize puts behind it."""
        found = [doc for doc in self.of(kind) if doc["metadata"]["name"].rpartition("-")[0] == name]
        found = [doc for doc in self.of(kind) if doc["metadata"]["name"] == name] or found
        assert len(found) == 1, f"{len(found)} {kind} {name}"
        return found[0]

    @property
    def workloads(self) -> list[Doc]:
        """What runs for as long as nobody stops it."""
        return list(self.of("Deployment", "StatefulSet"))

    @property
    def pods(self) -> list[tuple[str, Doc]]:
        """Every template of a pod, with a name for messages."""
        return [
            (title(doc), doc["spec"]["template"]) for doc in self.of("Deployment", "StatefulSet", "Job", "DaemonSet")
        ]

    def selected(self, selector: Doc) -> list[Doc]:
        return [pod for _, pod in self.pods if matches(selector, pod["metadata"]["labels"])]

    def copied(self) -> Manifests:
        return Manifests(copy.deepcopy(list(self)))


def title(doc: Doc) -> str:
    return f"{doc['kind']} {doc['metadata']['name']}"


def matches(selector: Doc, labels: dict[str, str]) -> bool:
    """A label selector, as the API server reads it."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for term in selector.get("matchExpressions", []):
        present = term["key"] in labels
        match term["operator"]:
            case "In" if not (present and labels[term["key"]] in term["values"]):
                return False
            case "NotIn" if present and labels[term["key"]] in term["values"]:
                return False
            case "Exists" if not present:
                return False
            case "DoesNotExist" if present:
                return False
    return True


def containers(pod: Doc) -> list[Doc]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def literal_environment(manifests: Manifests, container: Doc) -> dict[str, str]:
    """What the container's process finds in its environment; `secret` for what is only in the cluster."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            found |= manifests.one("ConfigMap", source["configMapRef"]["name"])["data"]
        else:
            found |= secret(manifests, source["secretRef"]["name"]) or {}
    for variable in container.get("env", []):
        value = variable.get("value")
        if value is None:
            match variable["valueFrom"]:
                case {"configMapKeyRef": {"name": name, "key": key}}:
                    value = manifests.one("ConfigMap", name)["data"][key]
                case {"secretKeyRef": {"name": name, "key": key}}:
                    content = secret(manifests, name)
                    value = "secret" if content is None else content[key]
                case {"fieldRef": _}:
                    value = "field"
        for name, known in found.items():
            value = value.replace(f"$({name})", known)
        found[variable["name"]] = value
    return found


def secret(manifests: Manifests, name: str) -> dict[str, str] | None:
    """The Secret's content; None if it is not among the manifests."""
    for doc in manifests.of("Secret"):
        if doc["metadata"]["name"] == name:
            return {key: base64.b64decode(value).decode() for key, value in doc["data"].items()}
    return None


@functools.cache
def _rendered(folder: Path) -> Manifests:
    done = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return Manifests(yaml.safe_load_all(done.stdout))


def render(overlay: str) -> Manifests:
    return _rendered(OVERLAYS[overlay]).copied()


def named_ports(pod: Doc) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for one in containers(pod) for port in one.get("ports", [])}


def probes(container: Doc) -> list[Doc]:
    return [container[kind] for kind in ("startupProbe", "readinessProbe", "livenessProbe") if kind in container]
