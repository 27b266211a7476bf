"""Names that must be the same in two places: labels, ports, what is referred to."""

from __future__ import annotations

from collections.abc import Iterator

from tests.deploy.manifests import (
    Doc,
    Manifests,
    containers,
    literal_environment,
    matches,
    named_ports,
    probes,
    title,
)
from tests.deploy.policies.registry import policy
from tests.deploy.policies.settings import READ_BY


@policy
def selectors_select(manifests: Manifests) -> Iterator[str]:
    for doc in manifests.workloads:
        if not matches(doc["spec"]["selector"], doc["spec"]["template"]["metadata"]["labels"]):
            yield f"{title(doc)} does not select its own pods"
    for doc in manifests.of("PodDisruptionBudget"):
        if len(manifests.selected(doc["spec"]["selector"])) != 1:
            yield f"{title(doc)} does not select the pods of exactly one workload"
    for doc in manifests.of("Service"):
        if len(manifests.selected({"matchLabels": doc["spec"]["selector"]})) != 1:
            yield f"{title(doc)} does not select the pods of exactly one workload"
    for name, pod in manifests.pods:
        spread = pod["spec"].get("topologySpreadConstraints", [])
        apart = pod["spec"].get("affinity", {}).get("podAntiAffinity", {})
        terms = [*spread, *apart.get("requiredDuringSchedulingIgnoredDuringExecution", [])]
        if not all(matches(term["labelSelector"], pod["metadata"]["labels"]) for term in terms):
            yield f"{name} is spread by labels that it does not have"


@policy
def ports_fit(manifests: Manifests) -> Iterator[str]:
    for doc in manifests.of("Service"):
        for pod in manifests.selected({"matchLabels": doc["spec"]["selector"]}):
            for port in doc["spec"]["ports"]:
                if port["targetPort"] not in named_ports(pod):
                    yield f"{title(doc)}: there is no port {port['targetPort']}"
    for name, pod in manifests.pods:
        for container in containers(pod):
            for probe in probes(container):
                if "httpGet" in probe and probe["httpGet"]["port"] not in named_ports(pod):
                    yield f"{name} is probed at a port that it does not have"
    for name in READ_BY:
        pod = manifests.one("Deployment", name)["spec"]["template"]
        environment = literal_environment(manifests, pod["spec"]["containers"][0])
        own = environment["ANABRANCH_PORT" if name == "gateway" else "ANABRANCH_METRICS_PORT"]
        scraped = pod["metadata"]["annotations"]["prometheus.io/port"]
        if {str(port) for port in named_ports(pod).values()} != {own} or scraped != own:
            yield f"{name} listens on {own}, is scraped on {scraped} and says it has {named_ports(pod)}"


@policy
def what_is_referred_to_is_there_or_documented(manifests: Manifests) -> Iterator[str]:
    there = {(doc["kind"], doc["metadata"]["name"]) for doc in manifests}
    there |= {("Secret", doc["spec"]["secretName"]) for doc in manifests if doc["kind"] == "Certificate"}
    asked_for = set() if there & {("StatefulSet", "postgres")} else set(SECRETS_TO_MAKE)
    asked_for |= set() if there & {("StatefulSet", "nats")} else {"anabranch-nats-tls"}
    for name, pod in manifests.pods:
        for kind, wanted in references(pod):
            yours = (kind == "Secret" and wanted in asked_for) or (kind == "ConfigMap" and wanted in FILES_TO_MAKE)
            if (kind, wanted) not in there and not yours:
                yield f"{name} wants the {kind} {wanted}"
        if ("ServiceAccount", pod["spec"].get("serviceAccountName")) not in there:
            yield f"{name} has no ServiceAccount of its own"


SECRETS_TO_MAKE = {"anabranch-nats", "anabranch-database", "anabranch-model"}
"""In production: docs/operations.md says how."""

FILES_TO_MAKE = {"anabranch-jwks", "anabranch-database-ca"}
"""ConfigMaps: the public keys of who issues tokens, the authority of the database. As above."""


def references(pod: Doc) -> Iterator[tuple[str, str]]:
    for container in containers(pod):
        for source in container.get("envFrom", []):
            yield (
                ("ConfigMap", source["configMapRef"]["name"])
                if "configMapRef" in source
                else ("Secret", source["secretRef"]["name"])
            )
        for variable in container.get("env", []):
            match variable.get("valueFrom", {}):
                case {"configMapKeyRef": {"name": name}}:
                    yield "ConfigMap", name
                case {"secretKeyRef": {"name": name}}:
                    yield "Secret", name
    for volume in pod["spec"].get("volumes", []):
        for source in volume.get("projected", {}).get("sources", [volume]):
            match source:
                case {"configMap": {"name": name}}:
                    yield "ConfigMap", name
                case {"secret": {"name": name}} | {"secret": {"secretName": name}}:
                    yield "Secret", name
