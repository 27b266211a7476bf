"""What every pod has, and what none may."""

from __future__ import annotations

from collections.abc import Iterator

from tests.deploy.manifests import (
    Manifests,
    containers,
    matches,
    probes,
    title,
)
from tests.deploy.policies.registry import policy


@policy
def each_workload_has_what_it_needs(manifests: Manifests) -> Iterator[str]:
    for doc in manifests.workloads:
        name, pod = title(doc), doc["spec"]["template"]
        labels = pod["metadata"]["labels"]
        if sum(matches(one["spec"]["selector"], labels) for one in manifests.of("PodDisruptionBudget")) != 1:
            yield f"{name} has not exactly one PodDisruptionBudget"
        for container in pod["spec"]["containers"]:
            if len(probes(container)) != 3:
                yield f"{name} is not probed at start, for readiness and for life"
        if doc["kind"] == "Deployment":
            spread = {term["topologyKey"] for term in pod["spec"].get("topologySpreadConstraints", [])}
            if spread != {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}:
                yield f"{name} is not spread over zones and nodes"
            rolling = doc["spec"]["strategy"]["rollingUpdate"]
            if rolling["maxUnavailable"] != 0 or not rolling["maxSurge"]:
                yield f"{name} has fewer pods during an update"


@policy
def each_pod_is_restricted(manifests: Manifests) -> Iterator[str]:
    for level in ("enforce", "audit", "warn"):
        if (
            manifests.one("Namespace", "anabranch")["metadata"]["labels"].get(f"pod-security.kubernetes.io/{level}")
            != "restricted"
        ):
            yield f"the namespace does not {level} `restricted`"
    accounts = {doc["metadata"]["name"]: doc for doc in manifests.of("ServiceAccount")}
    names = [pod["spec"].get("serviceAccountName") for _, pod in manifests.pods]
    if len(set(names)) != len(names):
        yield "two kinds of pods share a ServiceAccount"
    for name, pod in manifests.pods:
        spec = pod["spec"]
        account = accounts.get(spec.get("serviceAccountName"), {})
        if (
            spec.get("automountServiceAccountToken") is not False
            or account.get("automountServiceAccountToken") is not False
        ):
            yield f"{name} gets a token for the API server"
        if spec.get("enableServiceLinks") is not False:
            yield f"{name} gets variables of every Service"
        if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{name} shares something of its node"
        whole = spec.get("securityContext", {})
        if (
            not whole.get("runAsNonRoot")
            or not whole.get("runAsUser")
            or whole.get("seccompProfile") != {"type": "RuntimeDefault"}
        ):
            yield f"{name} may run as root, or without seccomp"
        for container in containers(pod):
            own = container.get("securityContext", {})
            if own.get("allowPrivilegeEscalation") is not False or own.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{name}: {container['name']} can gain privileges"
            if own.get("readOnlyRootFilesystem") is not True:
                yield f"{name}: {container['name']} can write its root file system"


@policy
def each_container_has_its_share(manifests: Manifests) -> Iterator[str]:
    for name, pod in manifests.pods:
        for container in containers(pod):
            resources = container.get("resources", {})
            if set(resources.get("requests", {})) != {"cpu", "memory"} or "memory" not in resources.get("limits", {}):
                yield f"{name}: {container['name']} does not say what it needs, or has no memory limit"
            if "cpu" in resources.get("limits", {}):
                yield f"{name}: {container['name']} has a CPU limit: it would stand still for part of each 100 ms"


@policy
def images_are_pinned(manifests: Manifests) -> Iterator[str]:
    for name, pod in manifests.pods:
        for container in containers(pod):
            place, _, tag = container["image"].partition("@")[0].rpartition(":")
            if not place or "/" in tag or tag == "latest":
                yield f"{name}: {container['image']} is not one version"
