import asyncio

import pytest

from schemas import subjects
from schemas.errors import Unavailable
from services.broker.memory import MemoryBroker
from tests.gateway.http.sse import Stream, text, types
from tests.gateway.http.worker import eventually

MESSAGES = "/v1/conversations/c1/messages"


async def statuses(client):
    transcript = (await client.get("/v1/conversations/c1")).json()["transcript"]
    return {run["id"]: run.get("status", "queued") for run in transcript.get("runs", [])}


async def test_a_message_is_accepted_with_its_run_and_the_cursor_before_it(client, post, worker):
    posted = await post("hello", id="u1", agent="team")
    command = (await worker.take()).command

    assert (command.run, command.agent, command.message, command.text) == (posted["run"], "team", "u1", "hello")
    assert (command.conversation, command.tenant, command.after) == ("c1", "default", "")
    assert posted == {
        "conversation": "c1",
        "message": "u1",
        "run": command.run,
        "cursor": f"{command.epoch}-{command.seq - 1}",
        "attached": False,
    }


async def test_the_same_message_again_attaches_to_its_run_and_starts_no_other(client, post, worker):
    first = await post("hello", id="u1")
    again = await post("hello", id="u1")
    by_header = await client.post(MESSAGES, json={"text": "hello"}, headers={"Idempotency-Key": "u1"})

    assert again == by_header.json() == first | {"attached": True}
    assert by_header.headers["location"] == f"/v1/runs/c1.{first['run']}"
    await worker.take()
    assert await worker.idle()


async def test_a_message_that_was_answered_attaches_to_the_run_that_is_over(client, post, worker):
    first = await post("hello", id="u1")
    await (await worker.take()).play("Hi")
    await eventually(lambda: _has(client, first["run"], "completed"))

    again = await post("hello", id="u1")

    assert (again["run"], again["attached"]) == (first["run"], True)
    assert await worker.idle()


@pytest.mark.parametrize("other", [{"text": "bye"}, {"text": "hello", "agent": "team"}])
async def test_an_id_is_not_for_two_messages(client, post, other):
    await post("hello", id="u1")

    refused = await client.post(MESSAGES, json={"id": "u1"} | other)

    assert (refused.status_code, refused.json()["code"]) == (409, "id_reused")


async def test_a_client_cannot_take_an_id_that_a_run_will_give(client, conversation):
    refused = await client.post(MESSAGES, json={"id": "m2-1", "text": "hello"})

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_id")


async def test_header_and_body_must_agree_on_the_id(client, conversation):
    refused = await client.post(MESSAGES, json={"id": "u1", "text": "hello"}, headers={"Idempotency-Key": "u2"})

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


class _Dying(MemoryBroker):
    """Stores what is appended and fails before it publishes the command, as a gateway that is killed in between."""

    dead = True

    async def publish_command(self, command, *, trace=""):
        if self.dead:
            raise Unavailable("killed")
        await super().publish_command(command, trace=trace)


async def test_a_post_repeated_after_the_gateway_died_publishes_the_command_it_had_not(core, start, worker):
    dying = await start(_Dying(core))
    other = await start()
    await other.client.post("/v1/conversations", json={"id": "c1"})

    lost = await dying.client.post(MESSAGES, json={"id": "u1", "text": "hello"})
    repeated = await other.client.post(MESSAGES, json={"id": "u1", "text": "hello"})

    assert (lost.status_code, lost.json()["retryable"]) == (503, True)
    assert repeated.json()["attached"]
    assert (await worker.take()).command.run == repeated.json()["run"]


async def test_a_run_whose_gateway_died_before_its_command_is_started_by_the_gateway_of_whoever_looks(
    core, start, worker
):
    dying = await start(_Dying(core))
    other = await start()
    await other.client.post("/v1/conversations", json={"id": "c1"})
    await dying.client.post(MESSAGES, json={"id": "u1", "text": "hello"})

    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(other.client.get("/v1/conversations/c1/events", params={"wait": 9, "mode": "tail"}))
        command = (await worker.take(within_s=9.0)).command
        looking.cancel()

    assert command.message == "u1"


async def test_a_command_has_the_history_in_the_order_of_the_runs(client, post, worker):
    await post("one", id="u1")
    first = await worker.take()
    await post("two", id="u2")
    await first.play("One.")
    await eventually(lambda: _has(client, first.command.run, "completed"))
    await post("three", id="u3")
    second = await worker.take()

    assert [(turn.role, turn.text) for turn in second.command.history] == [("user", "one"), ("assistant", "One.")]
    assert second.command.text == "two"


async def test_a_message_that_was_taken_back_before_its_turn_is_no_part_of_the_history(client, post, worker):
    await post("one", id="u1")
    first = await worker.take()
    await first.start()
    taken_back = await post("two", id="u2")
    assert (await client.post(f"/v1/runs/c1.{taken_back['run']}/cancel")).is_success
    await first.say("One.")
    await first.complete()
    await eventually(lambda: _has(client, first.command.run, "completed"))

    await post("three", id="u3")

    assert [turn.text for turn in (await worker.take()).command.history] == ["one", "One."]


async def test_a_message_finds_its_place_when_the_in_lane_has_left_the_log(core, client, post, worker, start):
    await post("one", id="u1")
    last = await (await worker.take()).play("One.")
    core.forget_before(0, last)

    await post("two", id="u2")

    assert (await worker.take()).command.ordinal == 4


# --- multitask


async def test_a_queued_message_waits_for_the_run_before_it(client, post, worker):
    first = await post("one")
    run = await worker.take()
    await run.start()
    second = await post("two")

    assert await worker.idle()
    assert await statuses(client) == {first["run"]: "running", second["run"]: "queued"}


async def test_a_message_sent_when_the_run_has_just_ended_is_started_by_the_gateway(core, start, worker):
    """The gateway has not heard of the end, the log has it: the command is published after the lane was read."""
    gateway = await start()
    await gateway.client.post("/v1/conversations", json={"id": "c1"})
    await gateway.client.post(MESSAGES, json={"text": "one"})
    run = await worker.take()
    await run.start()
    core.drop_live(1)
    await run.complete()

    second = await gateway.client.post(MESSAGES, json={"text": "two"})

    assert second.status_code == 202
    command = (await worker.take()).command
    assert (command.run, command.after) == (second.json()["run"], run.command.run)


async def test_reject_is_refused_while_a_run_is_active_and_accepted_after(client, post, worker):
    await post("one")
    run = await worker.take()
    await run.start()

    refused = await client.post(MESSAGES, json={"text": "two", "multitask": "reject"})
    await run.complete()
    accepted = await client.post(MESSAGES, json={"text": "two", "multitask": "reject"})

    assert (refused.status_code, refused.json()["code"]) == (409, "conversation_busy")
    assert accepted.status_code == 202


async def test_interrupt_tells_the_active_run_and_ends_those_that_wait(client, post, worker, broker):
    heard = []
    first = await post("one")
    run = await worker.take()
    await run.start()
    await broker.on_control(run.command.run, heard.append)
    second = await post("two")

    third = await post("three", multitask="interrupt")

    assert [message.superseded_by for message in heard] == [third["run"]]
    assert await statuses(client) == {
        first["run"]: "cancelling",
        second["run"]: "superseded",
        third["run"]: "queued",
    }
    assert await worker.idle()  # the worker of the first run goes on from there


async def test_an_interrupt_repeated_interrupts_nothing_more(client, post, worker, broker):
    first = await post("one")
    await (await worker.take()).start()
    second = await post("two", id="u2", multitask="interrupt")
    log = await broker.bounds(0)

    again = await post("two", id="u2", multitask="interrupt")

    assert again == second | {"attached": True}
    assert await broker.bounds(0) == log
    assert (await statuses(client))[first["run"]] == "cancelling"


async def test_an_interrupt_of_a_run_that_nobody_has_started_starts_the_new_one(client, post, worker):
    first = await post("one")
    second = await post("two", multitask="interrupt")

    assert (await statuses(client))[first["run"]] == "superseded"
    commands = [(await worker.take()).command.run, (await worker.take()).command.run]
    assert commands == [first["run"], second["run"]]  # the first is only sealed
    assert await worker.idle()


async def test_a_conversation_lets_only_so_many_messages_wait(start, worker):
    client = (await start(queued_max=2)).client
    await client.post("/v1/conversations", json={"id": "c1"})
    accepted = [await client.post(MESSAGES, json={"text": "again"}) for _ in range(3)]

    refused = await client.post(MESSAGES, json={"text": "again"})

    assert [response.status_code for response in accepted] == [202] * 3
    assert (refused.status_code, refused.json()["code"], refused.json()["retryable"]) == (429, "queue_full", True)
    assert refused.headers["retry-after"]


# --- the answer on the same request


async def test_a_post_that_accepts_events_streams_its_run_to_the_end(client, conversation, worker):
    headers = {"Accept": "text/event-stream"}
    async with client.stream("POST", MESSAGES, json={"text": "hello", "id": "u1"}, headers=headers) as response:
        stream = Stream(response)
        await stream.until("caught_up")
        await (await worker.take()).play("Hi ", "there")
        events = await stream.rest()

    assert response.headers["content-type"] == "text/event-stream"
    assert text(events) == "Hi there"
    assert types(events)[-1] == "run.completed"


async def test_such_a_post_repeated_when_the_run_is_over_gets_its_snapshot_and_ends(client, post, worker):
    posted = await post("hello", id="u1")
    await (await worker.take()).play("Hi ", "there")
    await eventually(lambda: _has(client, posted["run"], "completed"))

    headers = {"Accept": "text/event-stream"}
    async with client.stream("POST", MESSAGES, json={"text": "hello", "id": "u1"}, headers=headers) as response:
        events = await Stream(response).rest()

    items = events[-1].message["transcript"]["items"]
    assert [item["content"] for item in items] == ["hello", "Hi there"]


async def test_a_run_goes_on_when_its_viewer_leaves(client, conversation, worker):
    headers = {"Accept": "text/event-stream"}
    async with client.stream("POST", MESSAGES, json={"text": "hello"}, headers=headers) as response:
        await Stream(response).next()
    run = await worker.take()
    await run.play("Hi")

    assert await eventually(lambda: _has(client, run.command.run, "completed"))


async def test_the_in_lane_holds_one_frame_a_message(post, broker):
    await post("one")
    await post("two")

    batch = await broker.read(0, subjects.event(0, "default", "c1", "in"), 0)

    assert len(batch.records) == 3  # the conversation's beginning, and two messages


async def _has(client, run, status):
    return (await statuses(client)).get(run) == status
