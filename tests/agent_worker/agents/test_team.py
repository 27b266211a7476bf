import json
import re
from collections import Counter

import pytest

from schemas import events as ev
from schemas.transcript import Agent as AgentItem
from schemas.transcript import Artifact, Message, Plan, Source, Step, ToolCall
from services.agent_worker import agents
from services.agent_worker.agents import Agent
from services.agent_worker.agents.team import team
from services.agent_worker.discovery import discover
from services.agent_worker.models.scripted import Scripted
from tests.agent_worker.tape import plain, take_up

QUESTION = "Why do rivers split into several channels before they reach the sea?"
NAMESPACES = {"main", "main/analysis:1", "main/research:1", "main/research:1/reader:1", "main/visualisation:1"}
OPENS = {
    ev.MessageStarted: (ev.MessageEnded,),
    ev.ReasoningStarted: (ev.ReasoningEnded,),
    ev.ToolStarted: (ev.ToolResult, ev.ToolFailed),
    ev.StepStarted: (ev.StepFinished,),
    ev.ArtifactCreated: (ev.ArtifactFinal,),
}


def of_type(things, kind):
    return [thing for thing in things if isinstance(thing, kind)]


@pytest.fixture
async def played(stage):
    """A whole run of the team on the scripted model: the fold of its log, and its events."""
    stage.agents |= discover(agents, Agent)
    async with stage.worker(model=Scripted(2000)):
        command = await stage.post("team", QUESTION)
        fold = await stage.ended(command.run)
    assert fold.runs[command.run].status == "completed"
    events = [
        (event.ns or frame.ns, event)
        for frame in await stage.frames()
        if frame.in_lane == command.run
        for event in frame.events
    ]
    return list(fold.items(command.run)), events


async def test_every_agent_speaks_in_a_namespace_of_its_own(played):
    items, events = played
    assert {ns for ns, _ in events} == NAMESPACES
    assert {item.ns for item in of_type(items, AgentItem)} == NAMESPACES - {"main"}
    for ns in NAMESPACES:
        assert any(item.ns == ns and item.content for item in of_type(items, Message) if item.role == "assistant")


async def test_analysis_and_research_run_at_the_same_time(played):
    _, events = played
    places = [(ns, type(event)) for ns, event in events]
    started, finished = [
        {ns: places.index((ns, kind)) for ns in ("main/analysis:1", "main/research:1")}
        for kind in (ev.AgentStarted, ev.AgentFinished)
    ]
    assert max(started.values()) < min(finished.values())


async def test_everything_that_is_opened_is_closed_and_by_its_own_agent(played):
    items, events = played
    assert {item.status for item in items} == {"done"}
    for opening, closings in OPENS.items():
        opened = Counter((ns, event.id) for ns, event in events if isinstance(event, opening))
        closed = Counter((ns, event.id) for ns, event in events if isinstance(event, closings))
        assert opened == closed
    assert sum(isinstance(event, ev.AgentStarted) for _, event in events) == 4


async def test_the_supervisor_asks_analyst_and_researcher_by_tool_calls_which_are_what_started_them(played):
    items, _ = played
    asked = {call.id: call for call in of_type(items, ToolCall) if call.ns == "main"}
    assert {call.name: call.args for call in asked.values()} == {
        "ask_analysis": {"task": QUESTION},
        "ask_research": {"task": QUESTION},
    }
    causes = {item.ns: item.cause for item in of_type(items, AgentItem)}
    started = {ns: asked[cause.id].name for ns, cause in causes.items() if cause.kind == "tool"}
    assert started == {"main/analysis:1": "ask_analysis", "main/research:1": "ask_research"}
    assert {call.name: call.result for call in asked.values()} == {
        f"ask_{item.name}": item.result for item in of_type(items, AgentItem) if item.ns in started
    }


async def test_every_agent_uses_tools_and_their_progress_is_visible(played):
    items, events = played
    assert {call.ns for call in of_type(items, ToolCall)} == NAMESPACES
    progress = [event.percent for ns, event in events if isinstance(event, ev.ToolProgress) and ns == "main/analysis:1"]
    assert len(progress) > 5
    assert progress[-1] == 100


async def test_three_artifacts_grow_and_become_final_when_the_report_is_written(played):
    items, events = played
    table, chart, report = of_type(items, Artifact)
    assert [artifact.kind for artifact in (table, chart, report)] == ["table", "chart", "report"]
    for artifact in (table, chart, report):
        assert [version.status for version in artifact.versions] == ["final"]
    order = [(type(event), event.id) for _, event in events if hasattr(event, "id")]
    for artifact in (table, chart):
        grown = order.index((ev.ArtifactDelta, artifact.id))
        assert order.index((ev.ArtifactCreated, artifact.id)) < grown < order.index((ev.ArtifactDelta, report.id))
        assert order.index((ev.ArtifactFinal, artifact.id)) > order.index((ev.ArtifactFinal, report.id))
    assert order.count((ev.ArtifactDelta, report.id)) > 1
    rows = [line.split(",") for line in table.versions[0].content.splitlines()[1:]]
    drawn = json.loads(chart.versions[0].content)["data"]["values"]
    assert [(label, float(value)) for label, value in rows] == [(row["label"], row["value"]) for row in drawn]
    assert report.versions[0].content.startswith(f"# {QUESTION}\n\n")
    assert len(report.versions[0].content) > 300


async def test_the_artifacts_belong_to_the_message_that_announces_them(played):
    items, _ = played
    (announcement,) = [item for item in of_type(items, Message) if item.ns == "main/visualisation:1"]
    assert len(announcement.artifacts) == 3


async def test_the_plan_is_done_at_the_end_and_the_sources_are_named(played):
    items, _ = played
    (plan,) = of_type(items, Plan)
    assert {item.status for item in plan.items} == {"done"}
    assert of_type(items, Source)[0].title == "Deltas"
    assert len(of_type(items, Step)) == 4


async def test_a_team_taken_over_at_any_event_ends_as_if_nothing_had_happened():
    run, whole = take_up(model=Scripted(0))
    await team(run, QUESTION)
    expected = plain(whole.fold())
    for cut, frame in enumerate(whole.frames):
        if cut % 10 and isinstance(frame.events[0], (*ev.TEXT_DELTAS, ev.ToolProgress)):
            continue  # one of many that look alike
        run, tape = take_up(whole.frames[:cut], attempt=2, model=Scripted(0))
        await team(run, QUESTION)
        assert plain(tape.fold()) == expected, f"cut at {cut}"


async def test_a_model_that_fails_in_one_agent_fails_the_run_and_closes_the_others(stage):
    stage.agents |= discover(agents, Agent)
    async with stage.worker(model=Scripted(0)):
        command = await stage.post("team", "Why? rehearse:fail")
        fold = await stage.ended(command.run)
    state = fold.runs[command.run]
    assert (state.status, state.error.code) == ("failed", "model_upstream_failed")
    assert not [item for item in fold.items(command.run) if item.status == "open"]


def test_agents_and_their_descriptions_are_found():
    found = discover(agents, Agent)
    assert {"assistant", "team", "analysis", "research", "reader", "visualisation"} <= found.keys()
    assert all(re.match(r"[A-Z].+\.$", agent.description) for agent in found.values())
