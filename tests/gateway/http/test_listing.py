import pytest

from schemas import events as ev
from schemas.fold import Fold
from schemas.transcript import RunState, Transcript
from services.agent_worker.open_run import open_run
from services.archive.port import ConversationSummary
from services.archive.writer import open_writer
from services.gateway import listing
from tests.archive.seals import small
from tests.gateway.http.worker import eventually

KNOWN = ConversationSummary("c1", "archived", 1, 2, runs=1, last_status="completed", settled=False)


@pytest.fixture
def row(start, persister):
    """Reads the first row of the list from a gateway of its own, once it is there."""

    async def row():
        if row.gateway is None:
            row.gateway = await start()
        rows = (await row.gateway.client.get("/v1/conversations")).json()["conversations"]
        return rows[0] if rows else None

    row.gateway = None
    return row


async def shown(row, **wanted):
    """The row, once it has these values."""

    async def has():
        found = await row()
        return found if found and wanted.items() <= found.items() else None

    return await eventually(has)


async def test_every_gateway_lists_what_goes_on_in_a_first_run_from_its_message_to_its_end(post, worker, row):
    await post("Where do rivers fork?")
    await shown(row, status="queued", last_status="", title="Where do rivers fork?")
    run = await worker.take()
    await run.start()
    await shown(row, status="running")
    await run.write(ev.InterruptRequested(id=run.id("i"), kind="approval", prompt="May I?"))
    await run.write(ev.RunWaiting(interrupts=[run.id("i")]))
    await shown(row, status="waiting")
    await run.write(ev.RunFailed(code="agent_error", message="It broke."))
    await shown(row, status="idle", last_status="failed", runs=1)


async def test_a_run_that_code_publishes_by_itself_is_listed_while_it_goes_on(broker, row):
    async with open_run(broker, agent="script", message="Count the rivers.", conversation="c1"):
        await shown(row, status="running", title="Count the rivers.", last_status="")
    await shown(row, status="idle", last_status="completed")


async def test_a_second_message_behind_an_active_run_leaves_it_the_status(post, worker, row):
    await post("one")
    await post("two")
    run = await worker.take()
    await run.start()
    await shown(row, status="running", runs=2)
    await run.complete()
    await shown(row, status="queued", last_status="completed")


async def test_a_row_whose_log_does_not_answer_is_unknown_and_the_others_are_there(start, post, row, client):
    await post("hello")
    await shown(row, status="queued")
    cut = await start()
    cut.broker.interrupt()

    answer = await cut.client.get("/v1/conversations")

    cut.broker.restore()
    assert [(one["id"], one["status"]) for one in answer.json()["conversations"]] == [("c1", "unknown")]


async def test_of_a_page_so_many_conversations_are_looked_into_and_no_more(monkeypatch, client, worker, row):
    monkeypatch.setattr(listing, "JOINED_MAX", 2)
    for number in range(4):
        await client.post("/v1/conversations", json={"id": f"d{number}"})
        await client.post(f"/v1/conversations/d{number}/messages", json={"text": "hello"})

    async def statuses():
        rows = (await client.get("/v1/conversations")).json()["conversations"]
        return [one["status"] for one in rows] == ["queued", "queued", "unknown", "unknown"]

    await eventually(statuses)


async def test_a_conversation_whose_runs_are_archived_is_listed_without_the_broker(start, database_url):
    writer = open_writer(database_url)
    assert not any(await writer.write([small(tenant="default", conversation="c1")]))
    await writer.close()
    cut = await start()
    cut.broker.interrupt()

    [found] = (await cut.client.get("/v1/conversations")).json()["conversations"]

    cut.broker.restore()
    assert (found["status"], found["last_status"], found["runs"]) == ("idle", "completed", 1)


async def test_what_was_said_is_found(client, post, persister, database_url):
    writer = open_writer(database_url)
    assert not any(await writer.write([small(text="Tributaries join.", tenant="default", conversation="c2")]))
    await writer.close()

    found = (await client.get("/v1/conversations", params={"q": "tributaries"})).json()["conversations"]

    assert [one["id"] for one in found] == ["c2"]


# --- the rule alone


def fold(*runs, title=""):
    states = [RunState(id=f"r{number}", agent="a", **run) for number, run in enumerate(runs)]
    return Fold(Transcript(conversation="c1", title=title, runs=states))


@pytest.mark.parametrize(
    ("runs", "status", "last"),
    [
        ([], "idle", "completed"),
        ([{"status": "superseded"}], "idle", "superseded"),
        ([{"status": "failed"}, {"status": "queued"}], "queued", "failed"),
        ([{"status": "running"}, {"status": "queued"}], "running", "completed"),
        ([{"status": "cancelling"}], "running", "completed"),
        ([{"status": "waiting"}, {"status": "queued"}], "waiting", "completed"),
    ],
)
def test_the_first_run_that_is_not_over_gives_the_status_and_the_last_that_is_the_last(runs, status, last):
    found = listing.row_of(fold(*runs), KNOWN)

    assert (found.status, found.summary.last_status) == (status, last)


def test_the_archive_gives_what_has_left_the_log():
    found = listing.row_of(fold(), KNOWN).summary

    assert (found.title, found.runs) == ("archived", 1)
    assert listing.row_of(fold(title="newer"), KNOWN).summary.title == "newer"
