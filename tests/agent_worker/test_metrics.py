"""What a worker counts of runs: outcomes, takeovers, models and tools."""

import pytest

from schemas import events as ev
from services.agent_worker.lane import Lane
from services.agent_worker.metrics import register_lanes
from services.agent_worker.models.scripted import Scripted
from services.agent_worker.tools.tool import tool
from services.metrics import Metrics
from tests.agent_worker.stage import Said, tokens


@tool
async def double(number: int) -> int:
    """Twice as much."""
    return 2 * number


async def test_a_run_is_counted_with_its_agent_its_model_and_its_tools(stage):
    @stage.agent
    async def speaker(run, task):
        await run.say(task)
        await run.tool(double, number=2)

    async with stage.worker(model=Scripted(tokens_per_s=0)) as worker:
        command = await stage.post("speaker")
        fold = await stage.ended(command.run)
        await stage.seal(command.run)

    counts, usage = worker.counts, fold.runs[command.run].usage[0]
    assert counts.ended.counts == {("speaker", "completed"): 1}
    assert counts.model_calls.counts == {(usage.model, "answered"): 1}
    assert counts.tokens.counts[usage.model, "output"] == usage.output > 0
    assert counts.tool_calls.counts == {("double", "done"): 1}
    timed = [counts.queued_s, counts.answered_s, counts.model_s, counts.model_first_s, counts.tool_s]
    assert [sum(one.counts) for one in timed] == [1, 1, 1, 1, 1]


async def test_a_failed_run_is_counted_by_its_code_and_an_agent_that_nobody_has_under_one_name(stage):
    async with stage.worker() as worker:
        command = await stage.post("made-up-by-a-client")
        await stage.ended(command.run)
        await stage.seal(command.run)

    assert worker.counts.ended.counts == {("unknown", "failed"): 1}
    assert worker.counts.failed.counts["unknown_agent",] == 1


async def test_a_run_that_another_worker_had_begun_is_a_takeover_and_no_wait_in_the_queue(stage):
    said = Said()

    @stage.agent
    async def waiter(run, task):
        if not said.reached.is_set():
            await said.here()
        await run.say(tokens("done"))

    async with stage.worker(drain_s=0.0) as first:
        command = await stage.post("waiter")
        await said.reached.wait()
    async with stage.worker() as second:
        await stage.ended(command.run)
        await stage.seal(command.run)

    assert (first.counts.takeovers, second.counts.takeovers) == (0, 1)
    assert (sum(first.counts.queued_s.counts), sum(second.counts.queued_s.counts)) == (1, 0)


@pytest.mark.parametrize(("full", "expected"), [(False, 0.0), (True, 1.0)])
def test_what_a_lane_holds_is_read_from_it(full, expected):
    metrics, lane = Metrics(), Lane("r1", 1)
    for number in range(2_000 if full else 3):
        lane.add(ev.RunStarted(agent="a", ns="main"), number)
    register_lanes(metrics, 8, lambda: [lane])
    value = metrics.registry.get_sample_value

    assert value("anabranch_lanes_open") == 1.0
    assert value("anabranch_lanes_full") == expected
    assert value("anabranch_lane_events_waiting") == (2_000 if full else 3)
