"""Traces: the way of one message through every process, as a collector of OpenTelemetry gets it."""

from __future__ import annotations

import httpx2
import pytest

from tests.live.stack import running_stack
from tests.observing.collector import Collector

CONVERSATION = "traced"
WAY = {"accept", "queue wait", "run", "model call", "tool call", "seal", "commit"}


@pytest.fixture(scope="module")
def collector():
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
async def stack(collector, tmp_path_factory):
    async with running_stack(
        tmp_path_factory.mktemp("traced"),
        ANABRANCH_SCRIPTED_TOKENS_PER_S="200",
        ANABRANCH_SLOTS="1",
        ANABRANCH_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="100",
    ) as running:
        yield running


def traceparent(number: int) -> str:
    return f"00-{number:032x}-{number:016x}-01"


async def post(client: httpx2.AsyncClient, text: str, trace: str) -> str:
    """The run of a message whose client has a trace of its own."""
    path = f"/v1/conversations/{CONVERSATION}/messages"
    answer = await client.post(path, json={"text": text, "agent": "team"}, headers={"traceparent": trace})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run"])


async def test_a_trace_goes_from_the_post_to_the_archive_also_for_a_run_that_waited_behind_another(stack, collector):
    async with httpx2.AsyncClient(base_url=stack.gateways[0].url, timeout=30.0) as client:
        await client.post("/v1/conversations", json={"id": CONVERSATION})
        runs = [await post(client, f"Question {n}?", traceparent(n)) for n in (1, 2)]
    traces = [await collector.of_trace(f"{n:032x}", WAY) for n in (1, 2)]

    for number, (run, spans) in enumerate(zip(runs, traces, strict=True), start=1):
        one = {span.name: span for span in spans}
        assert {name: one[name].service for name in ("accept", "run", "commit")} == {
            "accept": "anabranch-gateway",
            "run": "anabranch-agent_worker",
            "commit": "anabranch-persister",
        }
        assert one["accept"].parent == f"{number:016x}"
        assert one["run"].parent == one["queue wait"].parent == one["accept"].id
        assert one["seal"].parent == one["run"].id and one["commit"].parent == one["seal"].id
        assert {span.parent for span in spans if span.name == "tool call"} <= {span.id for span in spans}
        assert one["run"].attributes == {
            "run": run, "conversation": CONVERSATION, "agent": "team", "attempt": 1,
        }  # fmt: skip
        assert not [span for span in spans if span.failed]
        steps = [one[name].begun for name in ("accept", "run", "seal", "commit")]
        assert steps == sorted(steps)
    first, second = ({span.name: span for span in spans} for spans in traces)
    assert second["queue wait"].ended >= first["run"].begun
    waited_s = (second["queue wait"].ended - second["queue wait"].begun) / 1e9
    assert waited_s >= (first["seal"].begun - second["accept"].ended) / 1e9 > 0
