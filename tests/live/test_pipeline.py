"""What a person gets, through every real process: gateway, broker, worker, persister, archive."""

from __future__ import annotations

import asyncio
import itertools
import json

import httpx2
import msgspec
import pytest

from schemas import subjects
from schemas.fold import Fold
from schemas.transcript import Agent, Artifact, Message, ToolCall, Transcript
from services.broker.jetstream import connect
from tests.live.stack import Stack
from tests.live.viewer import Api, Viewer, eventually


async def answer_to(stack: Stack, api: Api, text: str, agent: str, conversation: str = "") -> Viewer:
    """Send a message and watch until its run is over."""
    conversation = conversation or await api.conversation()
    sent = await api.send(conversation, text, agent=agent)
    viewer = Viewer(conversation)
    await viewer.watch(stack.gateways[0].url, until=lambda viewer: viewer.over(sent["run"]))
    return viewer


async def archived(stack: Stack, viewer: Viewer) -> None:
    """Wait until the archive has every run that the viewer saw, as the log has it."""

    async def agrees() -> bool:
        verified = await asyncio.to_thread(stack.admin, "verify")
        return verified.returncode == 0 and viewer.conversation not in verified.stdout

    await eventually(agrees, "the archive equals the fold of the log")


def spans(items: list[Agent]) -> dict[str, tuple[int, int]]:
    return {item.ns: (item.started, item.ended) for item in items}


async def test_one_agent_answers_and_the_run_is_completed(stack, api):
    viewer = await answer_to(stack, api, "Why do rivers meander?", "assistant")
    messages = [item for item in viewer.transcript().items if isinstance(item, Message)]
    assert [(item.role, item.status) for item in messages][:1] == [("user", "done")]
    assert messages[-1].role == "assistant"
    assert messages[-1].content
    assert [run.status for run in viewer.transcript().runs] == ["completed"]


async def test_the_agents_of_the_workers_are_listed_by_every_gateway(stack):
    for gateway in stack.gateways:
        async with httpx2.AsyncClient(base_url=gateway.url) as client:

            async def listed(client=client):
                return (await client.get("/v1/agents")).json()["agents"]

            await eventually(listed, "the agents are listed")
            found = (await client.get("/v1/agents")).json()
        described = {agent["name"]: agent["description"] for agent in found["agents"]}
        assert {"assistant", "team", "research"} <= set(described)
        assert all(described.values())
        assert found["default"] == "assistant"


async def test_a_team_works_concurrently_in_nested_namespaces(stack, api):
    viewer = await answer_to(stack, api, "How fast does the river flow?", "team")
    agents = [item for item in viewer.transcript().items if isinstance(item, Agent)]
    when = spans(agents)
    (analysis,) = [ns for ns in when if ns.startswith("main/analysis:") and ns.count("/") == 1]
    (research,) = [ns for ns in when if ns.startswith("main/research:") and ns.count("/") == 1]
    assert when[analysis][0] < when[research][1]
    assert when[research][0] < when[analysis][1]
    assert any(ns.count("/") == 2 for ns in when), "one of them called a nested agent"
    assert {item.status for item in agents} == {"done"}


async def test_the_tools_of_a_team_show_their_progress(stack, api):
    viewer = await answer_to(stack, api, "How fast does the river flow?", "team")
    tools = [item for item in viewer.transcript().items if isinstance(item, ToolCall)]
    assert {item.status for item in tools} == {"done"}
    assert any(item.progress is not None and item.progress.percent > 0 for item in tools)


async def test_a_deleted_conversation_is_gone_everywhere_and_archive_and_log_still_agree(stack, api):
    viewer = await answer_to(stack, api, "How fast does the river flow?", "team")
    await archived(stack, viewer)
    url = f"{stack.gateways[1].url}/v1/conversations/{viewer.conversation}"
    async with httpx2.AsyncClient() as client:
        async with client.stream("GET", f"{url}/events?mode=tail") as watching:
            lines = watching.aiter_lines()
            while "caught_up" not in await anext(lines):
                pass
            deleted = await api.delete(f"/v1/conversations/{viewer.conversation}")
            rest = [line async for line in lines if line.startswith("data:")]
        gone = await client.get(url)

    assert deleted.status_code == 204
    assert json.loads(rest[-1][5:])["code"] == "conversation_deleted"
    assert (gone.status_code, gone.json()["code"]) == (410, "conversation_deleted")
    listed = (await api.get("/v1/conversations?limit=200")).json()["conversations"]
    assert viewer.conversation not in [one["id"] for one in listed]
    broker = await connect(stack.nats_url("admin"), "admin", replay_mirror=True)
    partition = subjects.partition_of("default", viewer.conversation, 2)
    lanes = subjects.conversation_events(partition, "default", viewer.conversation)

    async def emptied() -> bool:
        return len((await broker.read(partition, lanes, 0)).records) == 1

    await eventually(emptied, "the log has one last frame of it")
    await broker.close()
    verified = await asyncio.to_thread(stack.admin, "verify")
    assert verified.stdout.strip().endswith(" 0 differences"), verified.stdout


async def test_a_team_leaves_a_table_a_chart_and_a_report_that_were_intermediate_first(stack, api):
    conversation = await api.conversation()
    sent = await api.send(conversation, "Show me the flow.", agent="team")
    seen: dict[str, list[str]] = {}
    viewer = Viewer(conversation)

    def over(viewer: Viewer) -> bool:
        for item in viewer.fold.items():
            if isinstance(item, Artifact):
                statuses = seen.setdefault(item.kind, [])
                if not statuses or statuses[-1] != item.versions[-1].status:
                    statuses.append(item.versions[-1].status)
        return viewer.over(sent["run"])

    await viewer.watch(stack.gateways[0].url, until=over)
    assert {kind: statuses[-1] for kind, statuses in seen.items()} == {
        "table": "final",
        "chart": "final",
        "report": "final",
    }
    assert "intermediate" in {statuses[0] for statuses in seen.values()}
    chart = next(item for item in viewer.fold.items() if isinstance(item, Artifact) and item.kind == "chart")
    assert "vega-lite" in json.loads(chart.versions[-1].content or "")["$schema"]


async def test_the_archive_has_what_the_viewer_saw(stack, api):
    viewer = await answer_to(stack, api, "Keep this.", "team")
    await archived(stack, viewer)
    assert await api.transcript(viewer.conversation) == viewer.transcript()


async def test_a_long_conversation_with_queued_messages_is_answered_in_order(stack, api):
    conversation = await api.conversation()
    runs = [(await api.send(conversation, f"Question {index}"))["run"] for index in range(5)]
    viewer = Viewer(conversation)
    await viewer.watch(stack.gateways[1].url, until=lambda viewer: all(viewer.over(run) for run in runs))
    states = [viewer.run(run) for run in runs]
    assert [state.status for state in states] == ["completed"] * 5
    assert all(before.end_seq < after.end_seq for before, after in itertools.pairwise(states))
    assert all(before.ended <= after.started for before, after in itertools.pairwise(states))


async def test_several_conversations_stream_at_the_same_time(stack, api):
    viewers = await asyncio.gather(*(answer_to(stack, api, f"Stream {index}", "team") for index in range(4)))
    runs = [next(iter(viewer.fold.runs.values())) for viewer in viewers]
    assert max(run.started for run in runs) < min(run.ended for run in runs)


async def test_a_viewer_cut_after_every_message_of_a_live_run_sees_each_event_once_and_in_order(stack, api):
    conversation = await api.conversation()
    sent = await api.send(conversation, "Cut me everywhere.", agent="team")
    uncut, cut = Viewer(conversation), Viewer(conversation)
    over = lambda viewer: viewer.over(sent["run"])  # noqa: E731
    watching = asyncio.create_task(uncut.watch(stack.gateways[0].url, until=over))
    connections = 0
    while not over(cut):
        before = cut.cursor
        url = stack.gateways[connections % 2].url
        await cut.watch(url, until=lambda viewer, before=before: viewer.cursor not in ("", before))  # type: ignore[misc]
        connections += 1
    await watching
    assert connections > 10
    assert cut.transcript() == uncut.transcript()


async def test_from_every_cursor_of_a_finished_run_either_gateway_replays_exactly_the_rest(stack, api):
    whole = await answer_to(stack, api, "Replay me from anywhere.", "team")
    log = Viewer(whole.conversation, mode="replay")
    await log.watch(stack.gateways[0].url, until=lambda viewer: viewer.cursor == whole.cursor)
    frames = [frame for message in log.messages if hasattr(message, "frames") for frame in message.frames]
    epoch = whole.cursor.partition("-")[0]
    assert log.transcript() == whole.transcript()
    for index in range(len(frames)):
        rest = Viewer(whole.conversation, mode="replay")
        rest.cursor = f"{epoch}-{frames[index].seq}"
        rest.fold = Fold(Transcript(conversation=whole.conversation))
        for frame in frames[: index + 1]:
            rest.fold.apply(frame)
        await rest.watch(stack.gateways[index % 2].url, until=lambda viewer: viewer.cursor == whole.cursor)
        assert rest.transcript() == whole.transcript()


async def test_curl_sees_the_tokens_of_its_own_post(stack, api):
    conversation = await api.conversation()
    url = f"{stack.gateways[0].url}/v1/conversations/{conversation}/messages"
    events = []
    async with (
        httpx2.AsyncClient(timeout=60) as client,
        client.stream("POST", url, json={"text": "Stream."}, headers={"Accept": "text/event-stream"}) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                events.append(msgspec.json.decode(line[5:]))  # noqa: PERF401 -- a comprehension would hide the stream
    types = [event["type"] for message in events for frame in message.get("frames", []) for event in frame["events"]]
    assert "message.delta" in types
    assert types[-1] == "run.completed", "the answer ends when the run does"


async def test_a_running_agent_is_cancelled_within_a_second(stack, api):
    conversation = await api.conversation()
    sent = await api.send(conversation, "Talk for long.", agent="team")
    viewer = Viewer(conversation)
    await viewer.watch(stack.gateways[0].url, until=lambda viewer: len(list(viewer.fold.items())) > 3)
    answer = await api.post(f"/v1/runs/{conversation}.{sent['run']}/cancel")
    assert answer.status_code == 202
    await viewer.watch(stack.gateways[1].url, until=lambda viewer: viewer.over(sent["run"]))
    run = viewer.run(sent["run"])
    assert run is not None
    assert run.status == "cancelled"
    assert [item.id for item in viewer.fold.items() if item.status == "open"] == []


@pytest.mark.parametrize("first", ["assistant", "team"])
async def test_a_second_message_can_interrupt_the_first(stack, api, first):
    conversation = await api.conversation()
    old = await api.send(conversation, "Go on and on.", agent=first)
    new = await api.send(conversation, "No, this instead.", multitask="interrupt")
    viewer = Viewer(conversation)
    await viewer.watch(stack.gateways[0].url, until=lambda viewer: viewer.over(new["run"]))
    assert [viewer.run(sent["run"]).status for sent in (old, new)] == ["superseded", "completed"]
