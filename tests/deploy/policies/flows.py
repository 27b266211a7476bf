"""Who may talk to whom."""

from __future__ import annotations

from collections.abc import Iterator

from tests.deploy.manifests import (
    NAME,
    Doc,
    Manifests,
    literal_environment,
    matches,
    named_ports,
    title,
)
from tests.deploy.policies.registry import policy


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


@policy
def a_broker_elsewhere_can_be_reached(manifests: Manifests) -> Iterator[str]:
    for name, pod in manifests.pods:
        address = literal_environment(manifests, pod["spec"]["containers"][0]).get("NATS_ADDRESS", "")
        host, _, port = address.partition(":")
        if not address or any(doc["metadata"]["name"] == host for doc in manifests.of("Service")):
            continue
        ports = {
            one["port"]
            for rule in manifests.of("NetworkPolicy")
            if matches(rule["spec"]["podSelector"], pod["metadata"]["labels"])
            for flow in rule["spec"].get("egress", [])
            if any("ipBlock" in peer for peer in flow["to"])
            for one in flow["ports"]
        }
        if int(port) not in ports:
            yield f"{name} is not let out to {address}"
