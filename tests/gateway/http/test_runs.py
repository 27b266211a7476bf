import pytest

from schemas import events as ev
from schemas import subjects
from schemas.codec import encode_frame
from schemas.commands import CancelRun
from services.broker.input_lane import append_input
from tests.gateway.http.worker import eventually

RUNNING = {"status": "running", "over": False, "attempt": 1, "retrying": ""}
QUEUED = {"status": "queued", "over": False, "attempt": 0, "retrying": ""}


@pytest.fixture
async def running_run(client, post, worker):
    """A run that a worker has started, as the gateway knows."""
    await post("hello")
    run = await worker.take()
    await run.start()
    await eventually(lambda: _is(client, run.command.run, "running"))
    return run


async def _is(client, run, wanted):
    return (await client.get(f"/v1/runs/c1.{run}/status")).json()["status"] == wanted


async def test_any_gateway_knows_a_run_by_its_conversation(client, start, post):
    run = (await post("hello"))["run"]
    other = (await start()).client

    for reference in (f"c1.{run}", run):
        assert (await client.get(f"/v1/runs/{reference}/status")).json() == {"conversation": "c1", "run": run} | QUEUED
    assert (await other.get(f"/v1/runs/c1.{run}")).json()["run"]["id"] == run


async def test_a_gateway_that_did_not_take_a_run_says_how_to_ask_for_it(start, post):
    run = (await post("hello"))["run"]
    other = (await start()).client

    answer = await other.get(f"/v1/runs/{run}")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_run")
    assert "<conversation>.<run>" in answer.json()["message"]


async def test_a_run_in_a_conversation_that_does_not_have_it_is_unknown(client, conversation):
    answer = await client.get(f"/v1/runs/{conversation}.r1")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_run")


async def test_cancelling_a_running_run_tells_its_worker(client, running_run, broker):
    heard = []
    run = running_run.command.run
    await broker.on_control(run, heard.append)

    answer = await client.post(f"/v1/runs/c1.{run}/cancel")
    again = await client.post(f"/v1/runs/c1.{run}/cancel")

    assert (answer.status_code, again.status_code) == (202, 202)
    assert answer.json()["status"] == "cancelling"
    assert heard == [CancelRun(), CancelRun()]


async def test_cancelling_a_run_from_outside_whose_process_has_died_ends_it(client, broker, worker, post, conversation):
    async def decide(_):
        asked = ev.UserMessage(id="u1", text="from a script", agent="script")
        return [asked, ev.RunQueued(agent="script", message="u1", external=True)]

    stored = await append_input(broker, 0, "default", "c1", "rdead", decide)
    frame = ev.Frame(run="rdead", n=1, ts=1, events=[ev.RunStarted(agent="script")])
    lane = subjects.event(0, "default", "c1", "rdead")
    await broker.append(lane, encode_frame(frame), msg_id="rdead:1:1", expected_last=0)
    waiting = (await post("next"))["run"]
    assert await worker.idle()

    answer = await client.post("/v1/runs/c1.rdead/cancel")

    assert answer.status_code == 202
    await eventually(lambda: _is(client, "rdead", "cancelled"))
    command = (await worker.take()).command  # for a worker to seal it and to start the next one
    assert (command.run, command.seq) == ("rdead", stored.seq)
    assert await _is(client, waiting, "queued")


async def test_cancelling_a_queued_run_ends_it_without_a_worker(client, running_run, post, worker):
    waiting = (await post("next"))["run"]

    answer = await client.post(f"/v1/runs/{waiting}/cancel")

    await eventually(lambda: _is(client, waiting, "cancelled"))
    assert answer.status_code == 202
    assert await worker.idle()  # the worker of the run before it will find it, seal it and go on


async def test_cancelling_the_run_at_the_head_of_the_queue_leaves_its_command_to_be_sealed(client, post, worker):
    run = (await post("hello"))["run"]

    await client.post(f"/v1/runs/{run}/cancel")

    await eventually(lambda: _is(client, run, "cancelled"))
    assert (await worker.take()).command.run == run


async def test_cancelling_a_run_that_is_over_changes_nothing(client, running_run, broker):
    run = running_run.command.run
    await running_run.complete()
    await eventually(lambda: _is(client, run, "completed"))
    log = await broker.bounds(0)

    answer = await client.post(f"/v1/runs/{run}/cancel")

    assert (answer.status_code, answer.json()["status"]) == (202, "completed")
    assert await broker.bounds(0) == log


async def test_a_run_that_a_worker_claims_at_the_last_moment_is_cancelled_by_its_worker(core, start, worker, broker):
    """The gateway has not heard of the claim; the fence has."""
    gateway = await start()
    await gateway.client.post("/v1/conversations", json={"id": "c1"})
    run = (await gateway.client.post("/v1/conversations/c1/messages", json={"text": "hello"})).json()["run"]
    heard = []
    await broker.on_control(run, heard.append)
    core.drop_live(1)
    await (await worker.take()).start()

    answer = await gateway.client.post(f"/v1/runs/{run}/cancel")

    assert answer.status_code == 202
    assert heard == [CancelRun()]
