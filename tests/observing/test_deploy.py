"""Dashboards and alerts speak of metrics that the code exports, and of all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from deploy.grafana import generate
from deploy.prometheus import generate as rules
from services.admin.exporter import Streams
from services.admin.nodes import Nodes
from services.admin.nodes import Settings as NodesSettings
from services.agent_worker.metrics import PublishCounts, RunCounts, register_lanes
from services.broker.memory import MemoryBroker, MemoryCore
from services.gateway.app import assemble
from services.gateway.identity import Development
from services.gateway.settings import Settings
from services.health import LoopLag, count_broker
from services.metrics import Metrics
from services.persister.metrics import Counts
from tests.gateway.stream.kit import Archive, hub_on

ROOT = Path(__file__).resolve().parents[2]
ALERTS = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
QUERIES = {
    f"{made['title']}, {panel['title']}, {target['refId']}": target["expr"]
    for text in generate.files().values()
    for made in [json.loads(text)]
    for panel in made["panels"]
    for target in panel["targets"]
}

SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}


def names(metrics: Metrics) -> set[str]:
    """What can be asked of them."""
    return {family.name + suffix for family in metrics.registry.collect() for suffix in SUFFIXES.get(family.type, [])}


@pytest.fixture
async def exported() -> set[str]:
    """The names of all that any process exports."""
    one = Metrics()
    for counts in (PublishCounts(), RunCounts(), Streams(), Nodes(NodesSettings())):
        counts.register(one)
    Counts().register(one, lambda: False)
    register_lanes(one, 8, list)
    count_broker(one, MemoryBroker())
    LoopLag(one)
    async with hub_on(MemoryCore()) as hub:
        gateway = assemble(Settings(), MemoryBroker(), Archive(), hub, Development())
        return names(one) | names(gateway._metrics)


def asked(query: str) -> set[str]:
    """The metrics in a query."""
    return set(re.findall(r"\b(?:anabranch|process)_[a-z0-9_]+", query))


@pytest.mark.parametrize("where", QUERIES)
async def test_each_panel_asks_for_metrics_that_exist(where, exported):
    assert asked(QUERIES[where]) and asked(QUERIES[where]) <= exported


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
async def test_each_alert_asks_for_metrics_that_exist_and_says_what_is_wrong_and_how_bad(rule, exported):
    assert asked(rule["expr"]) and asked(rule["expr"]) <= exported
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]


async def test_each_metric_is_on_a_dashboard(exported):
    shown = {name for query in QUERIES.values() for name in asked(query)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported if name.startswith("anabranch_")}

    assert families - {re.sub(r"_bucket$", "", name) for name in shown} == set()


def test_the_dashboards_are_what_their_source_says():
    assert {path: path.read_text() for path in generate.FOLDER.glob("*.json")} == generate.files()


def test_the_operators_alerts_are_those_of_prometheus():
    assert rules.RULE.read_text() == rules.text()


def test_each_alert_has_a_line_in_the_runbook_and_no_other_has():
    listed = re.findall(r"^\| `(Anabranch\w+)` \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)

    assert listed == sorted(listed, key=[rule["alert"] for rule in ALERTS].index)
    assert set(listed) == {rule["alert"] for rule in ALERTS}


def test_each_alert_is_tested_to_fire():
    tests = yaml.safe_load((ROOT / "deploy/prometheus/alerts_test.yaml").read_text())["tests"]
    fired = {check["alertname"] for test in tests for check in test["alert_rule_test"] if check.get("exp_alerts")}

    assert fired == {rule["alert"] for rule in ALERTS}
