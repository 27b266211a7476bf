import asyncio
import json

import pytest
import websockets

from schemas import events as ev
from schemas import subjects
from schemas.errors import Unavailable
from services.archive.writer import open_writer
from services.broker.memory import MemoryBroker
from tests.archive.seals import record, small
from tests.gateway.http.sse import Stream
from tests.gateway.http.worker import eventually

URL = "/v1/conversations/c1"
DELETED = (410, "conversation_deleted")


def said(answer):
    return answer.status_code, answer.json()["code"]


async def ended(post, worker, text="hello"):
    """A run that is over."""
    await post(text)
    run = await worker.take()
    await run.play("Hi.")
    return run


async def remains(broker):
    """The types of the events that the log has of the conversation."""
    batch = await broker.read(0, subjects.conversation_events(0, "default", "c1"), 0)
    return [event["type"] for record in batch.records for event in json.loads(record.data)["events"]]


@pytest.mark.usefixtures("persister")
async def test_a_deleted_conversation_is_gone_for_every_gateway_and_from_every_place(
    start, post, worker, client, broker
):
    other = await start()
    run = await ended(post, worker)

    answer = await client.delete(URL)

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get("/v1/conversations")).json()["conversations"] == []
    for gateway in (client, other.client):
        assert said(await gateway.get(URL)) == DELETED
        assert said(await gateway.get(URL + "/events")) == DELETED
        assert said(await gateway.get(URL + "/export")) == DELETED
        assert said(await gateway.get(f"/v1/runs/c1.{run.command.run}")) == DELETED
        assert said(await gateway.post(URL + "/messages", json={"text": "again"})) == DELETED
        assert said(await gateway.patch(URL, json={"title": "again"})) == DELETED
    await eventually(lambda: _is(remains(broker), ["conversation.deleted"]))


async def _is(reading, wanted):
    return await reading == wanted


@pytest.mark.usefixtures("persister")
async def test_its_id_is_not_given_to_another_one_also_when_its_last_word_has_left_the_log(
    start, core, conversation, client
):
    await client.delete(URL)
    first = await client.post("/v1/conversations", json={"id": "c1"})
    core.forget_before(0, core.log(0).last + 1)
    later = await (await start()).client.post("/v1/conversations", json={"id": "c1"})

    assert said(first) == said(later) == DELETED


@pytest.mark.usefixtures("persister")
async def test_deleting_again_changes_nothing_and_what_never_was_cannot_be_deleted(client, conversation):
    answers = [await client.delete(URL) for _ in range(3)]
    unknown = await client.delete("/v1/conversations/nowhere")

    assert [answer.status_code for answer in answers] == [204] * 3
    assert said(unknown) == (404, "unknown_conversation")


@pytest.mark.usefixtures("persister")
async def test_a_conversation_with_an_active_run_is_deleted_once_that_is_cancelled(client, post, worker):
    posted = await post("hello")
    queued = await client.delete(URL)
    run = await worker.take()
    await run.start()
    running = await client.delete(URL)
    await client.post(f"/v1/runs/c1.{posted['run']}/cancel")
    await run.write(ev.RunCancelled())

    assert said(queued) == said(running) == (409, "conversation_busy")
    assert (await client.delete(URL)).status_code == 204


@pytest.mark.usefixtures("persister")
async def test_of_a_message_and_a_deletion_at_once_one_is_refused(start):
    first, second = await start(), await start()
    for number in range(10):
        url = f"/v1/conversations/d{number}"
        await first.client.post("/v1/conversations", json={"id": f"d{number}"})
        sent, deleted = await asyncio.gather(
            first.client.post(url + "/messages", json={"text": "hello"}), second.client.delete(url)
        )
        assert (sent.status_code, deleted.status_code) in {(202, 409), (410, 204)}


@pytest.mark.usefixtures("persister")
async def test_viewers_of_every_kind_on_another_gateway_are_told_and_their_subscription_ends(
    start, client, conversation, hubs
):
    other = await start()
    await other.client.get("/readyz")
    socket = websockets.connect(f"ws{other.url[4:]}/v1/ws")
    streaming = other.client.stream("GET", URL + "/events")
    async with socket as connection, streaming as response, asyncio.TaskGroup() as tasks:
        stream = Stream(response)
        await stream.until("caught_up")
        await connection.send(json.dumps({"op": "subscribe", "conversation": "c1", "sub": "s1"}))
        while json.loads(await connection.recv())["op"] != "caught_up":
            pass
        cursor = (await other.client.get(URL)).json()["cursor"]
        polling = tasks.create_task(other.client.get(URL + "/events", params={"wait": 20, "after": cursor}))
        await eventually(lambda: _watched_by(hubs[-1], 3))

        await client.delete(URL)

        events = await stream.rest()
        error = await _until_error(connection)
        await connection.send(json.dumps({"op": "unsubscribe", "sub": "s1"}))
        after = json.loads(await connection.recv())

    assert (events[-1].message["op"], events[-1].message["code"]) == ("error", "conversation_deleted")
    assert (error["code"], error["ref"]) == ("conversation_deleted", "s1")
    assert after["code"] == "unknown_subscription"
    poll = polling.result()
    assert "conversation.deleted" in poll.text or said(poll) == DELETED


async def _watched_by(hub, users):
    async with hub.channel("default", "c1") as channel:
        return channel.users == users + 1


async def _until_error(connection):
    async with asyncio.timeout(5):
        while (message := json.loads(await connection.recv()))["op"] != "error":
            pass
    return message


@pytest.mark.usefixtures("persister")
async def test_a_gateway_that_missed_the_last_word_finds_it_in_the_emptied_log(start, client, post, worker, broker):
    await ended(post, worker)
    deaf = await start()
    async with deaf.client.stream("GET", URL + "/events") as response:
        stream = Stream(response)
        await stream.until("caught_up")
        deaf.broker.interrupt()
        await client.delete(URL)
        await eventually(lambda: _is(remains(broker), ["conversation.deleted"]))
        deaf.broker.restore()
        events = await stream.rest()

    assert events[-1].message["code"] == "conversation_deleted"


class _Dying(MemoryBroker):
    """Stores the last word and fails before it tells the persisters."""

    async def publish_seal(self, message, msg_id, *, trace=""):
        raise Unavailable("killed")


@pytest.mark.usefixtures("persister")
async def test_a_deletion_repeated_after_the_gateway_died_does_what_it_had_not(start, client, post, worker, broker):
    await ended(post, worker)
    dying = await start(_Dying(broker.core))
    lost = await dying.client.delete(URL)
    shown = await client.get(URL)
    repeated = await client.delete(URL)

    assert (lost.status_code, said(shown), repeated.status_code) == (503, DELETED, 204)
    await eventually(lambda: _is(remains(broker), ["conversation.deleted"]))


async def test_without_a_persister_it_is_gone_at_once_all_the_same(client, conversation):
    assert (await client.delete(URL)).status_code == 204
    assert said(await client.get(URL)) == DELETED


@pytest.mark.usefixtures("persister")
async def test_artifacts_and_large_results_are_removed_and_what_is_another_conversations_is_not(
    client, post, worker, broker
):
    await post("draw")
    run = await worker.take()
    await run.start()
    mine, result, others = (subjects.object_name("default", name, "d") for name in ("c1", "c1", "c2"))
    result += "2"
    for name in (mine, result, others):
        await broker.put_object(name, b"x")
    for number, ref in enumerate((mine, others), start=1):
        artifact = run.id("a", number)
        await run.write(ev.ArtifactCreated(id=artifact, kind="k", name="n", media_type="text/plain"))
        await run.write(ev.ArtifactFinal(id=artifact, version=1, digest="d", size=1, ref=ref))
    await run.write(ev.ToolStarted(id=run.id("t"), name="look"))
    await run.write(ev.ToolResult(id=run.id("t"), result={"ref": result, "bytes": 1, "preview": "x"}))
    await run.complete()

    await client.delete(URL)

    await eventually(lambda: broker.core.objects.keys() == {others})


@pytest.mark.usefixtures("persister")
async def test_a_seal_that_comes_after_the_deletion_brings_nothing_back(client, post, worker, database_url):
    run = await ended(post, worker)
    await client.delete(URL)
    writer = open_writer(database_url)
    late = small(run.command.run, tenant="default", conversation="c1"), record("late", 99, tenant="default")
    assert list(await writer.write(late)) == [None, None]
    await writer.close()

    assert (await client.get("/v1/conversations")).json()["conversations"] == []
    assert said(await client.get(URL)) == DELETED
