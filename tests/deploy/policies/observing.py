"""What Prometheus and Grafana find: every process, the rules that were tested, every dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import yaml

from tests.deploy.manifests import (
    NAME,
    ROOT,
    Doc,
    Manifests,
    literal_environment,
    matches,
    named_ports,
    title,
)
from tests.deploy.policies.registry import policy
from tests.deploy.policies.settings import READ_BY

PROMETHEUS = {"kubernetes.io/metadata.name": "monitoring"}
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"


@policy
def prometheus_finds_each_process(manifests: Manifests) -> Iterator[str]:
    monitors = list(manifests.of("PodMonitor"))
    if not monitors and not list(manifests.of("PrometheusRule")):
        return  # no Prometheus Operator, as on a cluster for development
    for name in READ_BY:
        pod = manifests.one("Deployment", name)["spec"]["template"]
        ports = named_ports(pod)
        if not all(_lets_in(manifests, pod, port) for port in ports.values()):
            yield f"{name} does not let Prometheus in"
        asked = [
            endpoint["port"]
            for monitor in monitors
            if matches(monitor["spec"]["selector"], pod["metadata"]["labels"])
            for endpoint in monitor["spec"]["podMetricsEndpoints"]
        ]
        if sum(port in ports for port in asked) != 1:
            yield f"{name} is not asked exactly once: {asked} of {list(ports)}"
    for monitor in monitors:
        if monitor["spec"].get("jobLabel") != NAME:
            yield f"{title(monitor)}: the dashboards call a job by the name of its service"


def _lets_in(manifests: Manifests, pod: Doc, port: int) -> bool:
    return any(
        peer.get("namespaceSelector", {}).get("matchLabels") == PROMETHEUS
        for rule in manifests.of("NetworkPolicy")
        if matches(rule["spec"]["podSelector"], pod["metadata"]["labels"])
        for flow in rule["spec"].get("ingress", [])
        if port in [one["port"] for one in flow["ports"]]
        for peer in flow["from"]
    )


@policy
def alerts_and_dashboards_are_those_that_are_tested(manifests: Manifests) -> Iterator[str]:
    rules = list(manifests.of("PrometheusRule"))
    if not rules and not list(manifests.of("PodMonitor")):
        return
    if [rule["spec"] for rule in rules] != [yaml.safe_load(ALERTS.read_text())]:
        yield "PrometheusRule: `python -m deploy.prometheus.generate` writes it anew"
    shown: dict[str, str] = {}
    for doc in manifests.of("ConfigMap"):
        if doc["metadata"].get("labels", {}).get("grafana_dashboard") == "1":
            shown |= doc["data"]
    if shown != {file.name: file.read_text() for file in DASHBOARDS.glob("*.json")}:
        yield "Grafana does not find the dashboards of deploy/grafana"


@policy
def each_nats_server_is_asked_how_it_is(manifests: Manifests) -> Iterator[str]:
    environment = literal_environment(
        manifests, manifests.one("Deployment", "monitor")["spec"]["template"]["spec"]["containers"][0]
    )
    asked = {url for url in environment.get("ANABRANCH_NATS_MONITORS", "").split(",") if url}
    for doc in manifests.of("StatefulSet"):
        if doc["metadata"]["name"] == "nats":
            port = named_ports(doc["spec"]["template"])["monitor"]
            nodes = range(doc["spec"]["replicas"])
            if asked != {f"http://nats-{node}.{doc['spec']['serviceName']}:{port}" for node in nodes}:
                yield f"{title(doc)} of {len(nodes)}: asked are {', '.join(sorted(asked))}"
            return
    if any((urlsplit(url).hostname or "").endswith(".nats-nodes") for url in asked):
        yield "the nodes of a broker that is not here are asked how they are"


@policy
def traces_reach_their_collector(manifests: Manifests) -> Iterator[str]:
    """A collector is in another namespace, which the address names: `collector.NAMESPACE.svc`."""
    for name in ("gateway", "worker", "persister"):
        pod = manifests.one("Deployment", name)["spec"]["template"]
        endpoint = literal_environment(manifests, pod["spec"]["containers"][0]).get("ANABRANCH_OTLP_ENDPOINT", "")
        if not endpoint:
            continue
        address = urlsplit(endpoint)
        if not _lets_out(manifests, pod, (address.hostname or "").split(".")[1:2], address.port):
            yield f"{name} cannot reach {endpoint}"


def _lets_out(manifests: Manifests, pod: Doc, namespace: list[str], port: int | None) -> bool:
    return any(
        [peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")] == namespace
        for rule in manifests.of("NetworkPolicy")
        if matches(rule["spec"]["podSelector"], pod["metadata"]["labels"])
        for flow in rule["spec"].get("egress", [])
        if port in [one["port"] for one in flow["ports"]]
        for peer in flow["to"]
    )
