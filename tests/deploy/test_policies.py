"""The overlays keep every policy; and every policy is seen to fail on a manifest that breaks it."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from services.gateway.app import assemble
from tests.deploy.manifests import OVERLAYS, Doc, Manifests, render
from tests.deploy.policies import POLICIES, Policy


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_the_manifests_keep(policy: Policy, overlay: str):
    assert list(policy(render(overlay))) == []


def spec(manifests: Manifests, name: str, kind: str = "Deployment") -> Doc:
    return manifests.one(kind, name)["spec"]


def pod(manifests: Manifests, name: str, kind: str = "Deployment") -> Doc:
    return spec(manifests, name, kind)["template"]["spec"]


def monitored(manifests: Manifests) -> Doc:
    return manifests.one("PodMonitor", "anabranch")["spec"]


def first(manifests: Manifests, name: str, kind: str = "Deployment") -> Doc:
    return pod(manifests, name, kind)["containers"][0]


def without(manifests: Manifests, kind: str, name: str) -> None:
    manifests.remove(manifests.one(kind, name))


def variable(manifests: Manifests, name: str, variable: str) -> Doc:
    return next(one for one in first(manifests, name)["env"] if one["name"] == variable)


BREAKS: dict[str, list[Callable[[Manifests], object]]] = {
    "selectors_select": [
        lambda m: spec(m, "worker")["selector"]["matchLabels"].update({"app.kubernetes.io/name": "wroker"}),
        lambda m: spec(m, "gateway", "PodDisruptionBudget")["selector"]["matchLabels"].clear(),
        lambda m: spec(m, "gateway", "Service")["selector"].update({"app.kubernetes.io/name": "web"}),
        lambda m: pod(m, "gateway")["topologySpreadConstraints"][0]["labelSelector"].update(
            matchLabels={"app": "gateway"}
        ),
    ],
    "ports_fit": [
        lambda m: spec(m, "gateway", "Service")["ports"][0].update(targetPort="web"),
        lambda m: first(m, "worker")["readinessProbe"]["httpGet"].update(port="http"),
        lambda m: variable(m, "gateway", "ANABRANCH_PORT").update(value="8080"),
        lambda m: m.one("ConfigMap", "anabranch")["data"].update(ANABRANCH_METRICS_PORT="9000"),
    ],
    "what_is_referred_to_is_there_or_documented": [
        lambda m: variable(m, "gateway", "ANABRANCH_DATABASE_URL")["valueFrom"]["secretKeyRef"].update(name="database"),
        lambda m: without(m, "ServiceAccount", "worker"),
        lambda m: first(m, "worker")["envFrom"].append({"configMapRef": {"name": "more"}}),
    ],
    "each_workload_has_what_it_needs": [
        lambda m: without(m, "PodDisruptionBudget", "persister"),
        lambda m: first(m, "gateway").pop("startupProbe"),
        lambda m: pod(m, "worker")["topologySpreadConstraints"].pop(),
        lambda m: spec(m, "gateway")["strategy"]["rollingUpdate"].update(maxUnavailable=1),
    ],
    "each_pod_is_restricted": [
        lambda m: m.one("Namespace", "anabranch")["metadata"]["labels"].pop("pod-security.kubernetes.io/enforce"),
        lambda m: pod(m, "worker").pop("automountServiceAccountToken"),
        lambda m: pod(m, "worker").update(serviceAccountName="gateway"),
        lambda m: pod(m, "gateway")["securityContext"].pop("runAsNonRoot"),
        lambda m: first(m, "nats", "StatefulSet")["securityContext"].pop("readOnlyRootFilesystem"),
        lambda m: first(m, "persister")["securityContext"].pop("capabilities"),
    ],
    "each_container_has_its_share": [
        lambda m: first(m, "gateway")["resources"]["limits"].pop("memory"),
        lambda m: first(m, "gateway")["resources"]["limits"].update(cpu="1"),
        lambda m: pod(m, "gateway")["initContainers"][0].pop("resources"),
    ],
    "images_are_pinned": [
        lambda m: first(m, "worker").update(image="anabranch/worker"),
        lambda m: first(m, "worker").update(image="registry:5000/anabranch/worker"),
        lambda m: first(m, "worker").update(image="anabranch/worker:latest"),
    ],
    "variables_are_settings_and_have_values_that_are_taken": [
        lambda m: m.one("ConfigMap", "anabranch")["data"].update(ANABRANCH_LOGLEVEL="INFO"),
        lambda m: m.one("ConfigMap", "anabranch")["data"].update(OTEL_TRACE_SAMPLER="always_on"),
        lambda m: m.one("ConfigMap", "anabranch")["data"].update(ANABRANCH_LOG_LEVEL="LOUD"),
        lambda m: variable(m, "worker", "ANABRANCH_SLOTS").update(name="ANABRANCH_SLOT"),
        lambda m: variable(m, "worker", "ANABRANCH_SLOTS").update(value="many"),
        lambda m: first(m, "persister")["env"].remove(variable(m, "persister", "ANABRANCH_DATABASE_URL")),
        lambda m: first(m, "worker")["env"].remove(variable(m, "worker", "NATS_PASSWORD")),
        lambda m: m.one("ConfigMap", "anabranch")["data"].update(ANABRANCH_HOST="127.0.0.1"),
    ],
    "the_gateway_asks_who_is_there": [
        lambda m: m.one("ConfigMap", "anabranch")["data"].pop("ANABRANCH_JWT_ISSUER"),
        lambda m: m.one("ConfigMap", "anabranch")["data"].update(ANABRANCH_ALLOW_INSECURE="1"),
        lambda m: m.one("ConfigMap", "anabranch")["data"].update(
            ANABRANCH_ALLOW_INSECURE="1", ANABRANCH_JWT_KEYS="", ANABRANCH_JWT_ISSUER="", ANABRANCH_JWT_AUDIENCE=""
        ),
        lambda m: first(m, "gateway").pop("volumeMounts"),
    ],
    "there_is_time_to_drain": [
        lambda m: variable(m, "gateway", "ANABRANCH_DRAIN_S").update(value="75"),
        lambda m: first(m, "gateway").pop("lifecycle"),
        lambda m: pod(m, "worker").update(terminationGracePeriodSeconds=120),
        lambda m: pod(m, "persister").update(terminationGracePeriodSeconds=30),
        lambda m: pod(m, "nats", "StatefulSet").update(terminationGracePeriodSeconds=30),
    ],
    "nothing_holds_up_a_node_drain": [
        lambda m: spec(m, "gateway", "PodDisruptionBudget").update(maxUnavailable=0),
        lambda m: spec(m, "worker", "PodDisruptionBudget").pop("unhealthyPodEvictionPolicy"),
        lambda m: pod(m, "gateway").update(volumes=[{"name": "tmp", "emptyDir": {}}]),
    ],
    "only_named_flows_are_open": [
        lambda m: without(m, "NetworkPolicy", "default-deny"),
        lambda m: without(m, "NetworkPolicy", "worker"),
        lambda m: spec(m, "nats", "NetworkPolicy")["ingress"][0]["from"][0]["podSelector"]["matchExpressions"][0][
            "values"
        ].remove("persister"),
        lambda m: spec(m, "worker", "NetworkPolicy")["egress"][0]["ports"][0].update(port=4223),
        lambda m: spec(m, "gateway", "NetworkPolicy")["ingress"][0].pop("from"),
        lambda m: spec(m, "persister", "NetworkPolicy")["egress"].pop(0),
    ],
    "a_broker_elsewhere_can_be_reached": [
        lambda m: m.one("ConfigMap", "anabranch")["data"].update(NATS_ADDRESS="nats.example:4222"),
    ],
    "a_broker_collects_garbage_before_it_is_killed": [
        lambda m: first(m, "nats", "StatefulSet")["env"].remove({"name": "GOMEMLIMIT", "value": "3276MiB"}),
        lambda m: first(m, "nats", "StatefulSet")["resources"]["limits"].update(memory="8Gi"),
        lambda m: first(m, "nats", "StatefulSet")["resources"]["requests"].update(memory="2Gi"),
    ],
    "the_brokers_certificate_has_the_names_by_which_they_are_called": [
        lambda m: spec(m, "nats", "Certificate")["dnsNames"].remove("nats-1.nats-nodes"),
        lambda m: spec(m, "nats", "StatefulSet").update(replicas=5),
        lambda m: m.one("ConfigMap", "anabranch")["data"].update(NATS_ADDRESS="broker:4222"),
    ],
    "what_needs_tables_waits_for_the_migration": [
        lambda m: next(m.of("Job"))["metadata"].update(name="anabranch"),
        lambda m: m.one("ConfigMap", "anabranch")["data"].pop("MIGRATED_BY"),
        lambda m: pod(m, "gateway").pop("initContainers"),
        lambda m: pod(m, "persister")["initContainers"][0].update(image="anabranch/admin:old"),
    ],
    "the_limits_of_the_streams_fit_the_volume": [
        lambda m: m.one("ConfigMap", "anabranch")["data"].update(ANABRANCH_EVENTS_BYTES=str(2**38)),
        lambda m: spec(m, "nats", "StatefulSet")["volumeClaimTemplates"][0]["spec"]["resources"]["requests"].update(
            storage="5Gi"
        ),
    ],
    "autoscalers_measure_what_there_is": [
        lambda m: spec(m, "gateway").update(replicas=3),
        lambda m: spec(m, "gateway", "HorizontalPodAutoscaler")["behavior"]["scaleDown"].update(
            stabilizationWindowSeconds=0
        ),
        lambda m: spec(m, "worker", "ScaledObject").pop("maxReplicaCount"),
        lambda m: spec(m, "worker", "ScaledObject")["triggers"][0]["metadata"].update(consumer="worker"),
        lambda m: spec(m, "worker", "ScaledObject")["triggers"][0]["metadata"].update(account="$G"),
        lambda m: spec(m, "worker", "ScaledObject")["triggers"][0]["metadata"].update(lagThreshold="32"),
        lambda m: spec(m, "persister", "ScaledObject")["triggers"][0]["metadata"].update(
            natsServerMonitoringEndpoint="nats.anabranch.svc:8222"
        ),
    ],
    "prometheus_finds_each_process": [
        lambda m: without(m, "PodMonitor", "anabranch"),
        lambda m: monitored(m)["podMetricsEndpoints"].pop(),
        lambda m: monitored(m)["selector"]["matchExpressions"][0]["values"].remove("monitor"),
        lambda m: monitored(m).pop("jobLabel"),
        lambda m: spec(m, "persister", "NetworkPolicy")["ingress"].pop(),
    ],
    "alerts_and_dashboards_are_those_that_are_tested": [
        lambda m: without(m, "PrometheusRule", "anabranch"),
        lambda m: spec(m, "anabranch", "PrometheusRule")["groups"][0]["rules"].pop(),
        lambda m: without(m, "ConfigMap", "dashboard-worker"),
        lambda m: m.one("ConfigMap", "dashboard-worker")["metadata"].pop("labels"),
    ],
    "each_nats_server_is_asked_how_it_is": [
        lambda m: m.one("ConfigMap", "anabranch")["data"].pop("ANABRANCH_NATS_MONITORS"),
        lambda m: spec(m, "nats", "StatefulSet").update(replicas=5),
        lambda m: without(m, "StatefulSet", "nats"),
    ],
    "traces_reach_their_collector": [
        lambda m: m.one("ConfigMap", "anabranch")["data"].update(
            ANABRANCH_OTLP_ENDPOINT="http://c.observability.svc:4318"
        ),
    ],
}


def test_every_policy_has_manifests_that_break_it():
    assert {policy.__name__ for policy in POLICIES} == set(BREAKS)


@pytest.mark.parametrize(
    ("policy", "number"),
    [(policy, number) for policy in POLICIES for number in range(len(BREAKS.get(policy.__name__, [])))],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_a_broken_manifest_is_noticed(policy: Policy, number: int):
    manifests = render("production")
    BREAKS[policy.__name__][number](manifests)
    assert list(policy(manifests)) != []


def test_the_gateway_has_the_metric_by_which_it_is_scaled():
    metrics = render("production").one("HorizontalPodAutoscaler", "gateway")["spec"]["metrics"]
    names = [metric["pods"]["metric"]["name"] for metric in metrics if metric["type"] == "Pods"]
    assert names
    assert all(f'"{name}"' in inspect.getsource(assemble) for name in names)
