"""What must hold of any of our manifests. Each policy takes them and says, one line each, where it does not hold."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator

from msgspec.structs import fields

from schemas.errors import Invalid
from services import health, runtime
from services.agent_worker import settings as worker
from services.agent_worker.models import choose
from services.broker import stream_file, streams
from services.broker.credentials import Credentials
from services.broker.stream_file import read_layout
from services.gateway import settings as gateway
from services.persister import settings as persister
from services.runtime import Logging, _variable, read_settings
from tests.deploy.manifests import NAME, Doc, Manifests, containers, literal_environment, matches, title

MARGIN_S = 10.0
"""What a pod has beyond its own time-outs before it is killed."""

READ_BY = {
    "gateway": [gateway.Settings, Credentials, Logging],
    "worker": [worker.Settings, choose.Settings, health.Settings, Credentials, Logging],
    "persister": [persister.Settings, health.Settings, Credentials, Logging],
}
"""The settings of each service; `admin` reads deploy/streams.yaml's besides."""

OF_THE_URL = {"NATS_PASSWORD", "NATS_SCHEME", "NATS_ADDRESS", "MIGRATED_BY"}
"""Not settings: parts of ANABRANCH_NATS_URL, and what makes a new version a new Job."""

Policy = Callable[[Manifests], Iterator[str]]
POLICIES: list[Policy] = []


def policy(check: Policy) -> Policy:
    POLICIES.append(check)
    return check


# --- names that must fit


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


def named_ports(pod: Doc) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for one in containers(pod) for port in one.get("ports", [])}


def probes(container: Doc) -> list[Doc]:
    return [container[kind] for kind in ("startupProbe", "readinessProbe", "livenessProbe") if kind in container]


@policy
def what_is_referred_to_is_there_or_documented(manifests: Manifests) -> Iterator[str]:
    there = {(doc["kind"], doc["metadata"]["name"]) for doc in manifests}
    there |= {("Secret", doc["spec"]["secretName"]) for doc in manifests if doc["kind"] == "Certificate"}
    asked_for = set() if there & {("StatefulSet", "postgres")} else SECRETS_TO_MAKE
    for name, pod in manifests.pods:
        for kind, wanted in references(pod):
            if (kind, wanted) not in there and not (kind == "Secret" and wanted in asked_for):
                yield f"{name} wants the {kind} {wanted}"
        if ("ServiceAccount", pod["spec"].get("serviceAccountName")) not in there:
            yield f"{name} has no ServiceAccount of its own"


SECRETS_TO_MAKE = {"anabranch-nats", "anabranch-database", "anabranch-model"}
"""In production: docs/operations.md says how."""


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


# --- what each has


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


# --- settings


@policy
def variables_are_settings_and_have_values_that_are_taken(manifests: Manifests) -> Iterator[str]:
    known = known_variables()
    shared = set(manifests.one("ConfigMap", "anabranch")["data"])
    if strange := shared - set().union(*known.values()) - OF_THE_URL:
        yield f"ConfigMap anabranch: nobody reads {', '.join(sorted(strange))}"
    for name, kinds in READ_BY.items():
        container = manifests.one("Deployment", name)["spec"]["template"]["spec"]["containers"][0]
        if strange := {one["name"] for one in container["env"]} - known[name] - OF_THE_URL:
            yield f"{name} does not read {', '.join(sorted(strange))}"
        environment = literal_environment(manifests, container)
        for kind in kinds:
            try:
                read_settings(kind, environment)
            except Invalid as error:
                yield f"{name}: {error}"
        if left := needed_of(name) - set(environment):
            yield f"{name} would use a default made for one machine: {', '.join(sorted(left))}"
        if environment.get("ANABRANCH_NATS_URL", "").count("$"):
            yield f"{name}: something in its ANABRANCH_NATS_URL is not filled in"
        host = environment.get("ANABRANCH_HOST" if name == "gateway" else "ANABRANCH_METRICS_HOST")
        if host != "0.0.0.0":
            yield f"{name} listens on {host}, where no probe reaches it"


def known_variables() -> dict[str, set[str]]:
    found = {name: {_variable(field) for kind in kinds for field in fields(kind)} for name, kinds in READ_BY.items()}
    found["admin"] = {_variable(field) for kind in (stream_file.Settings, streams.Deployment) for field in fields(kind)}
    return found


def needed_of(service: str) -> set[str]:
    """Settings whose default is another process on the same machine."""
    archive = {"ANABRANCH_DATABASE_URL"} if service != "worker" else set()
    return {"ANABRANCH_NATS_URL"} | archive


# --- leaving


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
            return 30.0


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


# --- who talks to whom


@policy
def only_named_flows_are_open(manifests: Manifests) -> Iterator[str]:
    rules = list(manifests.of("NetworkPolicy"))
    closed = [one for one in rules if one["spec"]["podSelector"] == {} and not {"ingress", "egress"} & set(one["spec"])]
    if not closed or set(closed[0]["spec"]["policyTypes"]) != {"Ingress", "Egress"}:
        yield "nothing is denied by default"
    for name, pod in manifests.pods:
        own = [
            one
            for one in rules
            if one["spec"]["podSelector"] and matches(one["spec"]["podSelector"], pod["metadata"]["labels"])
        ]
        if not own:
            yield f"{name} has no NetworkPolicy"
        yield from _one_sided(manifests, name, pod, own)
    for rule in rules:
        for side in ("ingress", "egress"):
            if any(
                not flow or not flow.get("from" if side == "ingress" else "to") for flow in rule["spec"].get(side, [])
            ):
                yield f"{title(rule)} lets everybody through"


def _one_sided(manifests: Manifests, name: str, pod: Doc, own: list[Doc]) -> Iterator[str]:
    """Traffic inside the namespace that one end may send and the other must not take, or that goes to no port."""
    for rule in own:
        for flow in rule["spec"].get("egress", []):
            for peer in (one["podSelector"] for one in flow["to"] if "podSelector" in one):
                for port in (one["port"] for one in flow["ports"]):
                    for other in manifests.selected(peer):
                        if port not in named_ports(other).values():
                            yield f"{name} may talk to port {port} of {other['metadata']['labels'][NAME]}, which it has not"
                        elif not takes(manifests, other, port, pod["metadata"]["labels"]):
                            yield f"{other['metadata']['labels'][NAME]} does not take what {name} may send"
    for used in ("nats", "postgres") if name in ("Deployment gateway", "Deployment persister") else ("nats",):
        target = [one for _, one in manifests.pods if one["metadata"]["labels"][NAME] == used]
        if target and not name.startswith("StatefulSet") and not any(_sends(rule, target[0]) for rule in own):
            yield f"{name} cannot reach {used}"


def _sends(rule: Doc, target: Doc) -> bool:
    peers = [peer for flow in rule["spec"].get("egress", []) for peer in flow["to"] if "podSelector" in peer]
    return any(matches(peer["podSelector"], target["metadata"]["labels"]) for peer in peers)


def takes(manifests: Manifests, pod: Doc, port: int, sender: dict[str, str]) -> bool:
    return any(
        matches(peer["podSelector"], sender)
        for rule in manifests.of("NetworkPolicy")
        if matches(rule["spec"]["podSelector"], pod["metadata"]["labels"])
        for flow in rule["spec"].get("ingress", [])
        if port in [one["port"] for one in flow["ports"]]
        for peer in flow["from"]
        if "podSelector" in peer
    )


# --- before the services, and how many of them


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
    for name in ("gateway", "persister"):
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
    if asked["account"] + " {" not in manifests.one("ConfigMap", "nats")["data"]["accounts.conf"]:
        yield f"{name}: there is no account {asked['account']}"
    service, _, port = asked["natsServerMonitoringEndpoint"].partition(".anabranch.svc:")
    if manifests.one("Service", service)["spec"].get("clusterIP") != "None" or int(port) != 8222:
        yield f"{name} does not ask each node: only a consumer's leader knows its lag"
    if asked["consumer"] == "workers":
        container = manifests.one("Deployment", "worker")["spec"]["template"]["spec"]["containers"][0]
        slots = read_settings(worker.Settings, literal_environment(manifests, container)).slots
        if not 0 < int(asked["lagThreshold"]) < slots:
            yield f"{name}: {slots} slots of a worker are full before another one comes"
