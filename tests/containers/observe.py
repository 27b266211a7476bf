"""Prometheus in its container, as the profile `observe` starts it, and traces that reach a collector where the profile `traces`
would start one. Grafana and Jaeger are not started.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from tests.containers.crowd import Crowd, until
from tests.containers.stack import HARDENED, ROOT, running_stack
from tests.deploy.prometheus import SLOW
from tests.observing.test_deploy import ALERTS

OBSERVED = ("streams", "prometheus")
COLLECTOR = (ROOT / "tests" / "containers" / "collect.py").read_text()


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def stack():
    settings = {
        "ANABRANCH_SCRIPTED_TOKENS_PER_S": "100",
        "ANABRANCH_OTLP_ENDPOINT": "http://traces:4318",
        "TRACES_IMAGE": f"anabranch/admin:{os.environ.get('TAG', 'local')}",  # it has Python and OpenTelemetry's messages
    }
    with running_stack(**settings) as running:
        try:
            running.run("--profile", "observe", "up", "--detach", "--no-deps", "--wait", *OBSERVED)
            yield running
        finally:
            running.run("--profile", "observe", "rm", "--force", "--stop", *OBSERVED)
    running.run("--profile", "*", "down", "--volumes")  # the networks that only these are on


def ask(stack, path: str) -> Any:
    """What Prometheus says, asked where it is: its port is not published."""
    fetch = ("wget", "--quiet", "--output-document=-", f"http://127.0.0.1:9090/api/v1/{path}")
    return msgspec.json.decode(stack.run("exec", "-T", "prometheus", *fetch).stdout)["data"]


def query(stack, expression: str) -> list[Any]:
    return ask(stack, f"query?query={quote(expression)}")["result"]


@pytest.mark.timeout(600)  # the first test waits for the whole stack
@pytest.mark.parametrize("service", OBSERVED)
def test_what_observes_runs_hardened_and_as_nobody(stack, service):
    (container,) = stack.containers(service)
    found = stack.inspect(container)

    assert {name: found["HostConfig"][name] for name in HARDENED} == HARDENED
    assert found["Config"]["User"].partition(":")[0] not in ("", "0", "root")
    assert found["State"]["Health"]["Status"] == "healthy"


@pytest.mark.timeout(300)
async def test_every_replica_is_asked_and_every_alert_is_evaluated_and_quiet(stack):
    replicas = {("gateway", "up"): 2, ("worker", "up"): 2, ("persister", "up"): 2, ("streams", "up"): 1}

    async def targets() -> Counter[tuple[str, str]]:
        found = await asyncio.to_thread(ask, stack, "targets")
        return Counter((one["labels"]["job"], one["health"]) for one in found["activeTargets"])

    async def all_answer() -> bool:
        return await targets() == replicas

    async def all_evaluated() -> bool:
        found = await asyncio.to_thread(ask, stack, "rules")
        health = {rule["name"]: rule["health"] for group in found["groups"] for rule in group["rules"]}
        return health == {rule["alert"]: "ok" for rule in ALERTS}

    async def quiet() -> bool:  # some were pending before the first answers came
        found = await asyncio.to_thread(ask, stack, "alerts")
        return {alert["labels"]["alertname"] for alert in found["alerts"]} <= SLOW

    await until(all_answer, 60, f"every replica is asked once, not {await targets()}")
    await until(all_evaluated, 60, "every alert is evaluated")
    await until(quiet, 60, "no alert is raised")
    (nats,) = query(stack, "anabranch_nats_healthy")
    assert (nats["metric"]["server"], nats["value"][1]) == ("nats:8222", "1")


@pytest.fixture
async def collector(stack):
    """The name of its container, once it takes spans: those that nobody takes are not sent again."""
    alias = ("--no-deps", "--use-aliases", "--entrypoint", "python", "traces", "-c", COLLECTOR)
    started = stack.run("--profile", "traces", "run", "--detach", "--rm", *alias)
    name = started.stdout.decode().split()[-1]
    try:
        await until(lambda: "ready" in stack.logs(name), 60, "the collector takes spans")
        yield name
    finally:
        stack.kill(name)


@pytest.mark.timeout(300)
async def test_a_run_is_counted_and_every_service_on_its_way_sends_its_spans(stack, collector):
    crowd = Crowd(stack.url)
    conversation = await crowd.conversation()
    crowd.watched(conversation)
    async with crowd.watching():
        await crowd.say(conversation, "How fast does the river flow?", "team")
        await until(crowd.all_ended, 120, "the run has ended")

    async def sent() -> bool:
        services = {"anabranch-gateway", "anabranch-agent_worker", "anabranch-persister"}
        return services <= set((await asyncio.to_thread(stack.logs, collector)).split())

    async def counted() -> bool:
        ended = 'sum(anabranch_runs_total{agent="team", outcome="completed"}) == 1'
        return bool(await asyncio.to_thread(query, stack, ended))

    await until(sent, 60, "every service has sent its spans")
    await until(counted, 60, "the run is counted")
