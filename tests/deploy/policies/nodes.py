"""The nodes of a broker of ours: what their memory and their certificate must be like."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tests.deploy.manifests import Manifests, literal_environment, title
from tests.deploy.policies.registry import policy

LIMIT_PART = (0.75, 0.85)
"""Of a node's memory limit, from where on Go's garbage collector works harder: beyond is what is not on its heap."""


@policy
def a_broker_collects_garbage_before_it_is_killed(manifests: Manifests) -> Iterator[str]:
    for doc in manifests.of("StatefulSet"):
        container = doc["spec"]["template"]["spec"]["containers"][0]
        if container["name"] != "nats":
            continue
        limit = _mib(container["resources"]["limits"]["memory"])
        soft = _mib(literal_environment(manifests, container).get("GOMEMLIMIT", "0MiB").removesuffix("B"))
        if not LIMIT_PART[0] * limit <= soft <= LIMIT_PART[1] * limit:
            yield f"{title(doc)} would use {limit:g} MiB up to its limit before it collects: GOMEMLIMIT is {soft:g} MiB"
        if doc["spec"]["replicas"] > 1 and container["resources"]["requests"]["memory"] != f"{limit / 1024:g}Gi":
            yield f"{title(doc)} may be the first to go when its node runs out of memory"


def _mib(text: str) -> float:
    found = re.fullmatch(r"(\d+)(Mi|Gi)", text)
    assert found, text
    return int(found[1]) * {"Mi": 1, "Gi": 1024}[found[2]]


@policy
def the_brokers_certificate_has_the_names_by_which_they_are_called(manifests: Manifests) -> Iterator[str]:
    named = {
        name
        for doc in manifests.of("Certificate")
        if doc["spec"]["secretName"] == "anabranch-nats-tls"
        for name in doc["spec"]["dnsNames"]
    }
    for doc in manifests.of("StatefulSet"):
        routes = literal_environment(manifests, doc["spec"]["template"]["spec"]["containers"][0]).get("NATS_ROUTES")
        if routes is None:
            continue
        address = manifests.one("ConfigMap", "anabranch")["data"]["NATS_ADDRESS"]
        called = {_host(route) for route in json.loads(routes)}
        for host in sorted((called | {_host(address)}) - named):
            yield f"{title(doc)}: nobody can prove to be {host}"
        if called != {f"nats-{node}.{doc['spec']['serviceName']}" for node in range(doc["spec"]["replicas"])}:
            yield f"{title(doc)} has routes to {', '.join(sorted(called))}"


def _host(address: str) -> str:
    return address.rpartition("/")[2].partition(":")[0]
