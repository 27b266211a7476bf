"""Policies over deploy/compose.yaml: each takes the file's content and says, one line each, where it does not hold. They read the
file as it is written; that it runs, `make test-containers` shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from schemas.errors import Invalid
from services.broker import streams
from services.broker.stream_file import read_layout
from services.runtime import read_settings
from tests.deploy.policies.settings import READ_BY, known_variables

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"

Doc = dict[str, Any]
Policy = Callable[[Doc], Iterator[str]]

SETTINGS_OF = {
    "gateway": "gateway",
    "worker": "worker",
    "persister": "persister",
    "streams": "monitor",
    "migrate": "monitor",
}
"""Of our services, whose settings each has."""

ONCE = {"prepare", "migrate"}
"""They end; everything else stays, and can be asked whether it is well."""

ROOT = {"prepare": ["CHOWN"]}
"""Who is root, and with which capabilities: it gives volumes to their owners, and no network reaches it."""

OUTSIDE = {"balancer", "worker", "grafana", "traces"}
"""Who reaches the Internet, or is reached from this machine."""

SECRETS = {
    "postgres-secret": {"postgres"},
    "archive-secret": {"gateway", "persister", "migrate"},
    "broker-secret": {"nats", "nats-2", "nats-3"},
    "gateway-login": {"gateway"},
    "worker-login": {"worker"},
    "persister-login": {"persister"},
    "admin-login": {"migrate"},
    "monitor-login": {"streams"},
}
"""Volumes with a password, and who mounts them beside `prepare`."""


def load() -> Doc:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def defaults(environment: Doc) -> dict[str, str]:
    """The values where nobody sets a variable."""
    return {name: re.sub(r"\$\{\w+(?::-([^}]*))?\}", r"\1", str(value)) for name, value in environment.items()}


def seconds(text: str) -> float:
    assert text.endswith("s")
    return float(text[:-1])


def every_container_is_hardened(doc: Doc) -> Iterator[str]:
    for name, service in doc["services"].items():
        if service.get("read_only") is not True or service.get("cap_drop") != ["ALL"]:
            yield f"{name} can write its root file system, or has capabilities"
        if service.get("security_opt") != ["no-new-privileges:true"] or service.get("privileged"):
            yield f"{name} can gain privileges"
        if service.get("cap_add", []) != ROOT.get(name, []):
            yield f"{name} gets capabilities: {service['cap_add']}"
        ours = service["image"].startswith("anabranch/") and "user" not in service
        if not ours and str(service.get("user", "0")).startswith("0") != (name in ROOT):
            yield f"{name} runs as {service.get('user', 'whoever its image says')}"
        if name in ROOT and service.get("network_mode") != "none":
            yield f"{name} is root and on a network"


def every_container_has_limits(doc: Doc) -> Iterator[str]:
    for name, service in doc["services"].items():
        if set(service.get("deploy", {}).get("resources", {}).get("limits", {})) != {"cpus", "memory"}:
            yield f"{name} may take all memory or processors"
        if "max-size" not in service.get("logging", {}).get("options", {}):
            yield f"{name} may fill the disk with what it logs"


def what_stays_has_a_health_check(doc: Doc) -> Iterator[str]:
    targets = re.split(r"^FROM .* AS ", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    checked = {target.split()[0] for target in targets if "\nHEALTHCHECK --" in target}
    for name, service in doc["services"].items():
        image = re.match(r"anabranch/(\w+)", service["image"])
        if name not in ONCE and "healthcheck" not in service and (image is None or image[1] not in checked):
            yield f"nobody can ask {name} whether it is well"
        if (service["restart"] == "unless-stopped") == (name in ONCE):
            yield f"{name}: restart: {service['restart']}"


def images_are_versions(doc: Doc) -> Iterator[str]:
    for name, service in doc["services"].items():
        image = defaults({"image": service["image"]})["image"]
        if ":" not in image or image.endswith(":latest"):
            yield f"{name}: {image} is not one version"


def networks_are_apart(doc: Doc) -> Iterator[str]:
    opened = {name for name, network in doc["networks"].items() if not (network or {}).get("internal")}
    if opened != {"outside"}:
        yield f"networks that reach the outside: {', '.join(sorted(opened))}"
    for name, service in doc["services"].items():
        if opened & set(service.get("networks", [])) and name not in OUTSIDE:
            yield f"{name} reaches the outside"
        for port in service.get("ports", []):
            if not defaults({"port": port})["port"].startswith("127.0.0.1:"):
                yield f"{name}: {port} is for every machine"


def each_mounts_its_own_secrets(doc: Doc) -> Iterator[str]:
    for name, service in doc["services"].items():
        for volume in service.get("volumes", []):
            source, _, target = volume.partition(":")
            if name == "prepare" or source not in SECRETS:
                continue
            if name not in SECRETS[source] or not target.endswith(":ro"):
                yield f"{name} mounts {volume}"
        for variable in service.get("environment", {}):
            if re.search(r"PASSWORD$|SECRET$|TOKEN$", variable):
                yield f"{name} has {variable} in its environment"
    if missing := set(SECRETS) - set(doc["volumes"]):
        yield f"there is no volume {', '.join(sorted(missing))}"


def settings_are_known_and_taken(doc: Doc) -> Iterator[str]:
    known = known_variables()
    for name, kind in SETTINGS_OF.items():
        environment = defaults(doc["services"][name]["environment"])
        if strange := {one for one in environment if one.startswith("ANABRANCH_")} - known[kind]:
            yield f"{name} does not read {', '.join(sorted(strange))}"
        for settings in READ_BY[kind]:
            try:
                _ = read_layout(environment) if settings is streams.Deployment else read_settings(settings, environment)
            except Invalid as error:
                yield f"{name}: {error}"


def there_is_time_to_drain(doc: Doc) -> Iterator[str]:
    for name in ("gateway", "worker", "persister"):
        service = doc["services"][name]
        drain = float(service["environment"].get("ANABRANCH_DRAIN_S", 25))
        if seconds(service["stop_grace_period"]) < drain + 10:
            yield f"{name} is killed before it has drained"


POLICIES: list[Policy] = [
    every_container_is_hardened,
    every_container_has_limits,
    what_stays_has_a_health_check,
    images_are_versions,
    networks_are_apart,
    each_mounts_its_own_secrets,
    settings_are_known_and_taken,
    there_is_time_to_drain,
]
