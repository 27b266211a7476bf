"""What a real Prometheus makes of our processes, alerts and dashboards."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from services.standalone.stack import free_port
from tests.deploy.prometheus import ALERTS, CONFIG, SLOW, Prometheus, program, running_prometheus
from tests.live.stack import Process, running_stack
from tests.live.viewer import Api, Viewer, eventually
from tests.observing.test_deploy import ALERTS as RULES
from tests.observing.test_deploy import QUERIES, asked

ONLY_AFTER_TROUBLE = {
    "anabranch_attempts_lost_total",
    "anabranch_model_errors_total",
    "anabranch_websockets_closed_total",
}
"""Counted by a label that nobody knows before it happens; a run that goes well has none of them."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def promtool(*words: object) -> None:
    done = subprocess.run(
        [program("promtool"), *map(str, words)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_when_it_should_and_not_before():
    promtool("test", "rules", ALERTS.with_name("alerts_test.yaml"))


def test_the_alerts_and_what_compose_tells_prometheus_are_valid():
    promtool("check", "rules", "--lint-fatal", ALERTS)
    promtool("check", "config", "--syntax-only", CONFIG)


@pytest.fixture(scope="module")
async def watched(tmp_path_factory):
    """A stack in which a `team` answered and was archived, seen by WebSocket and by SSE, and the Prometheus that looked on."""
    folder = tmp_path_factory.mktemp("watched")
    worker, persister, streams = (str(free_port()) for _ in range(3))
    mirrors = {"ANABRANCH_REPLAY_MIRROR": "1", "ANABRANCH_SCRIPTED_TOKENS_PER_S": "200"}
    async with running_stack(folder, workers=0, persisters=0, **mirrors) as stack:
        stack.add_worker(ANABRANCH_METRICS_PORT=worker)
        stack.add_persister(ANABRANCH_METRICS_PORT=persister)
        asking = {"ANABRANCH_METRICS_PORT": streams, "ANABRANCH_NATS_MONITORS": stack.nats.monitor_url}
        monitor = Process("admin", "monitor", stack.environment("admin") | asking, folder, ["metrics"])
        stack.others.append(monitor)
        monitor.start()
        gateway = stack.gateways[0]
        ports = {"gateway": [gateway.port], "worker": [int(worker)], "persister": [int(persister)]}
        with running_prometheus(folder, {**ports, "streams": [int(streams)]}) as prometheus:
            await until(prometheus, lambda: len(prometheus.query("up == 1")) == 4, "everything is asked")
            await answered(gateway.url)
            for seen in ('anabranch_seals_total{outcome="written"}', "anabranch_runs_total"):
                twice = f"count_over_time({seen}[5m]) > 1 and {seen} > 0"  # of one value there is no rate
                await until(prometheus, lambda twice=twice: prometheus.query(twice), f"{seen} was seen")
            yield prometheus, stack


async def answered(url: str) -> None:
    async with Api(url) as api, httpx2.AsyncClient(base_url=url, timeout=60.0) as client:
        conversation = await api.conversation()
        async with client.stream("GET", f"/v1/conversations/{conversation}/events") as stream:
            run = (await api.send(conversation, "Hello.", agent="team"))["run"]
            viewer = Viewer(conversation)
            await viewer.watch(url, until=lambda viewer: viewer.over(run))
            await anext(stream.aiter_bytes())


async def until(prometheus: Prometheus, met: Callable[[], Any], what: str) -> None:
    async def holds() -> bool:
        return bool(await asyncio.to_thread(met))

    await eventually(holds, what)


async def test_every_process_is_asked_and_answers(watched):
    prometheus, _ = watched
    targets = prometheus.ask("targets")["activeTargets"]

    assert {(one["labels"]["job"], one["health"]) for one in targets} == {
        ("gateway", "up"),
        ("worker", "up"),
        ("persister", "up"),
        ("streams", "up"),
    }


async def test_every_alert_is_evaluated_and_none_is_raised_while_all_is_well(watched):
    prometheus, _ = watched

    def evaluated() -> dict[str, str]:
        rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        found = {rule["name"]: rule["health"] for rule in rules}
        return {} if "unknown" in found.values() else found

    await until(prometheus, evaluated, "every rule was evaluated once")

    assert evaluated() == {rule["alert"]: "ok" for rule in RULES}
    assert raised(prometheus) == set()


def raised(prometheus: Prometheus) -> set[str]:
    """Alerts that are pending or firing."""
    return {alert["labels"]["alertname"] for alert in prometheus.ask("alerts")["alerts"]} - SLOW


@pytest.mark.parametrize("where", QUERIES)
async def test_a_panel_shows_something_after_a_run(watched, where):
    prometheus, _ = watched
    expression = QUERIES[where].replace("$__rate_interval", "5m").replace("$__range", "1h")

    if asked(expression) <= ONLY_AFTER_TROUBLE:
        assert prometheus.query(expression) == []
    else:
        assert prometheus.query(expression) != []


async def test_gateways_workers_and_persisters_that_are_gone_are_missed(watched):
    prometheus, stack = watched
    for process in (*stack.gateways, *stack.workers, *stack.persisters):
        process.kill()
    missed = {"AnabranchNoGateways", "AnabranchNoWorkers", "AnabranchNoPersisters"}

    await until(prometheus, lambda: missed <= raised(prometheus), "all three are missed")
    assert raised(prometheus) == missed
