"""How pods leave: with time to drain, and without holding up their node."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from services import runtime
from services.agent_worker import settings as worker
from services.gateway import settings as gateway
from services.runtime import read_settings
from tests.deploy.manifests import (
    Doc,
    Manifests,
    literal_environment,
    title,
)
from tests.deploy.policies.registry import policy

MARGIN_S = 10.0
"""What a pod has beyond its own time-outs before it is killed."""


@policy
def there_is_time_to_drain(manifests: Manifests) -> Iterator[str]:
    for doc in manifests.workloads:
        name, spec = doc["metadata"]["name"], doc["spec"]["template"]["spec"]
        container = spec["containers"][0]
        sleep = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if name == "gateway" and sleep < 5:
            yield "the gateway stops accepting before everybody knows that it does"
        if spec["terminationGracePeriodSeconds"] < sleep + drain_s(manifests, name, container) + MARGIN_S:
            yield f"{title(doc)} is killed before it has drained"


def drain_s(manifests: Manifests, name: str, container: Doc) -> float:
    match name:
        case "gateway" | "worker":
            kind = gateway.Settings if name == "gateway" else worker.Settings
            return float(read_settings(kind, literal_environment(manifests, container)).drain_s)
        case "persister":
            return float(inspect.signature(runtime.run_service).parameters["drain_s"].default)
        case "nats":
            told = manifests.one("ConfigMap", "nats")["data"]["jetstream.conf"]
            return float(sum(int(seconds) for seconds in re.findall(r'lame_duck_\w+: "(\d+)s"', told)))
        case _:
            return 15.0  # they end at once


@policy
def nothing_holds_up_a_node_drain(manifests: Manifests) -> Iterator[str]:
    for doc in manifests.of("PodDisruptionBudget"):
        if doc["spec"].get("maxUnavailable") != 1 or "minAvailable" in doc["spec"]:
            yield f"{title(doc)} can forbid every eviction"
        if doc["spec"].get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield f"{title(doc)} keeps a pod that does not work"
    for doc in manifests.of("Pod"):
        yield f"{title(doc)} has nobody who would make it again"
    for name, pod in manifests.pods:
        for volume in pod["spec"].get("volumes", []):
            if "emptyDir" in volume or "hostPath" in volume:
                yield f"{name}: {volume['name']} ends with its node, and a drain asks for permission"
