import asyncio

import pytest

from services.gateway import poll

EVENTS = "/v1/conversations/c1/events"
JSON = {"Accept": "application/json"}


def ops(answer):
    return [message["op"] for message in answer["messages"]]


def types(answer):
    frames = [frame for message in answer["messages"] if message["op"] == "events" for frame in message["frames"]]
    return [event["type"] for frame in frames for event in frame["events"]]


async def test_a_first_poll_is_answered_at_once_with_what_there_is(client, post):
    posted = await post("hello", id="u1")

    answer = (await client.get(EVENTS, headers=JSON)).json()

    snapshot = next(message for message in answer["messages"] if message["op"] == "snapshot")
    assert [item["id"] for item in snapshot["transcript"]["items"]] == ["u1"]
    assert answer["caught_up"]
    assert answer["cursor"] == snapshot["cursor"] != posted["cursor"]


async def test_a_poll_with_a_cursor_waits_for_what_comes_after_it(client, post, worker):
    await post("hello")
    cursor = (await client.get(EVENTS, headers=JSON)).json()["cursor"]
    run = await worker.take()

    waiting = asyncio.ensure_future(client.get(EVENTS, params={"after": cursor, "mode": "replay", "wait": 10}))
    await run.start()
    answer = (await waiting).json()

    assert types(answer) == ["run.started"]
    assert answer["cursor"] != cursor


async def test_polls_that_began_with_a_tail_miss_nothing_between_them(client, post):
    await post("hello")
    first = (await client.get(EVENTS, params={"mode": "tail", "wait": 0})).json()
    await post("and this?")
    second = (await client.get(EVENTS, params={"mode": "tail", "wait": 0, "after": first["cursor"]})).json()

    assert (ops(first), types(second)) == (["subscribed", "caught_up"], ["user.message", "run.queued"])


async def test_polls_together_see_every_event_once(client, post, worker):
    cursor = (await post("hello"))["cursor"]
    run = await worker.take()
    seen = []
    playing = asyncio.ensure_future(run.play("a", "b", "c"))
    while "run.completed" not in seen:
        answer = (await client.get(EVENTS, params={"after": cursor, "mode": "replay", "wait": 5})).json()
        seen += types(answer)
        cursor = answer["cursor"]
    await playing

    assert seen.count("message.delta") <= 3
    assert [kind for kind in seen if kind != "message.delta"] == [
        "user.message",
        "run.queued",
        "run.started",
        "message.started",
        "message.ended",
        "run.completed",
    ]


async def test_a_poll_that_nothing_comes_to_ends_with_the_same_cursor(client, post):
    await post("hello")
    cursor = (await client.get(EVENTS, headers=JSON)).json()["cursor"]

    answer = (await client.get(EVENTS, params={"after": cursor, "wait": 0.01})).json()

    assert (answer["cursor"], answer["caught_up"], types(answer)) == (cursor, True, [])


async def test_a_long_replay_is_answered_in_parts(client, post, worker, monkeypatch):
    monkeypatch.setattr(poll, "BYTES_MAX", 1000)
    posted = await post("hello")
    await (await worker.take()).play(*("x" * 200 for _ in range(150)))
    seen, cursor, caught_up, polls = [], posted["cursor"], False, 0
    while not caught_up:
        answer = (await client.get(EVENTS, params={"after": cursor, "mode": "replay", "wait": 0})).json()
        seen += types(answer)
        cursor, caught_up, polls = answer["cursor"], answer["caught_up"], polls + 1

    assert polls > 1
    assert seen[-1] == "run.completed"


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream", "text/event-stream, application/json"])
async def test_without_a_wish_for_json_events_are_streamed(client, conversation, accept):
    async with client.stream("GET", EVENTS, headers={"Accept": accept}) as response:
        assert response.headers["content-type"] == "text/event-stream"
