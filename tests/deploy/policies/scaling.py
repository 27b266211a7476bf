"""The migration before the services, room for the streams, and how many there are of each service."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.errors import Invalid
from services.agent_worker import settings as worker
from services.broker.stream_file import read_layout
from services.runtime import read_settings
from tests.deploy.manifests import (
    Doc,
    Manifests,
    literal_environment,
    title,
)
from tests.deploy.policies.registry import policy


@policy
def what_needs_tables_waits_for_the_migration(manifests: Manifests) -> Iterator[str]:
    config = manifests.one("ConfigMap", "anabranch")
    jobs = list(manifests.of("Job"))
    if [job["metadata"]["name"] for job in jobs] != [config["metadata"]["name"]]:
        yield "the migration is not named like the settings that it applies: a changed one could not be applied"
        return
    image = jobs[0]["spec"]["template"]["spec"]["containers"][0]["image"]
    if config["data"].get("MIGRATED_BY") != image:
        yield "a new version is not a new migration"
    for name in ("gateway", "persister", "monitor"):
        first = manifests.one("Deployment", name)["spec"]["template"]["spec"].get("initContainers", [{}])[0]
        if (first.get("image"), first.get("args")) != (image, ["wait"]):
            yield f"{name} does not wait for the migration of its own version"


@policy
def the_limits_of_the_streams_fit_the_volume(manifests: Manifests) -> Iterator[str]:
    job = next(manifests.of("Job"))
    environment = literal_environment(manifests, job["spec"]["template"]["spec"]["containers"][0])
    try:
        limits = read_layout(environment).bytes_max
    except Invalid as error:
        yield str(error)
        return
    if not brokers(manifests):
        return
    told = manifests.one("ConfigMap", "nats")["data"]["jetstream.conf"]
    store = int(re.findall(r"max_file_store: (\d+)GiB", told)[0])
    claim = manifests.one("StatefulSet", "nats")["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]
    volume = int(claim["storage"].removesuffix("Gi"))
    if not limits <= store * 2**30 < volume * 2**30:
        yield f"streams of {limits / 2**30:.1f} GiB, a store of {store} GiB and a volume of {volume} GiB do not fit"


@policy
def autoscalers_measure_what_there_is(manifests: Manifests) -> Iterator[str]:
    for doc in manifests.of("HorizontalPodAutoscaler", "ScaledObject"):
        spec = doc["spec"]
        target = manifests.one("Deployment", spec["scaleTargetRef"]["name"])
        if "replicas" in target["spec"]:
            yield f"{title(target)} would be set back by every apply"
        behaviour = spec.get("behavior") or spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        if behaviour["scaleDown"]["stabilizationWindowSeconds"] < 300 or not behaviour["scaleDown"]["policies"]:
            yield f"{title(doc)} shrinks at once"
        least, most = (
            ("minReplicas", "maxReplicas") if doc["kind"].startswith("H") else ("minReplicaCount", "maxReplicaCount")
        )
        if not 2 <= spec.get(least, 0) < spec.get(most, 0):
            yield f"{title(doc)} has no bounds"
        for trigger in spec.get("triggers", []):
            yield from _lag(manifests, title(doc), trigger["metadata"])


def _lag(manifests: Manifests, name: str, asked: Doc) -> Iterator[str]:
    job = next(manifests.of("Job"))["spec"]["template"]["spec"]["containers"][0]
    consumers = {(one.stream, one.durable_name) for one in read_layout(literal_environment(manifests, job)).consumers}
    if (asked["stream"], asked["consumer"]) not in consumers:
        yield f"{name}: without this consumer it scales to the maximum"
    if asked["consumer"] == "workers":
        container = manifests.one("Deployment", "worker")["spec"]["template"]["spec"]["containers"][0]
        slots = read_settings(worker.Settings, literal_environment(manifests, container)).slots
        if not 0 < int(asked["lagThreshold"]) < slots:
            yield f"{name}: {slots} slots of a worker are full before another one comes"
    if not brokers(manifests):
        if "nats-nodes" in asked["natsServerMonitoringEndpoint"]:
            yield f"{name} asks a broker that is not here"
        return
    if asked["account"] + " {" not in manifests.one("ConfigMap", "nats")["data"]["accounts.conf"]:
        yield f"{name}: there is no account {asked['account']}"
    service, _, port = asked["natsServerMonitoringEndpoint"].partition(".anabranch.svc:")
    if manifests.one("Service", service)["spec"].get("clusterIP") != "None" or int(port) != 8222:
        yield f"{name} does not ask each node: only a consumer's leader knows its lag"


def brokers(manifests: Manifests) -> bool:
    """Whether the broker is one of ours."""
    return any(doc["metadata"]["name"] == "nats" for doc in manifests.of("StatefulSet"))
