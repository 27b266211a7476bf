"""The archive's contract, on SQLite and on PostgreSQL."""

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import events as ev
from schemas.cursor import Cursor
from schemas.errors import Conflict, Invalid
from schemas.fold import Fold
from schemas.transcript import Message, RunState, ToolCall, Transcript
from services.archive.port import Archived
from services.archive.writer import open_writer
from tests.archive.logs import CONVERSATION, EPOCH, TENANT, archived_part, seals_of
from tests.archive.rows import all_rows
from tests.archive.seals import record, sealed, small
from tests.schemas import logs


def conversation(seed: int = 1, runs: int = 3, size: int = 4) -> list[ev.Frame]:
    return logs.conversation(random.Random(seed), runs=runs, size=size)


async def write(writer, *messages) -> None:
    assert await writer.write(messages) == [None] * len(messages)


async def contents(reader) -> list[str]:
    archived = await reader.conversation(TENANT, CONVERSATION)
    return [item.content for item in archived.transcript.items if item.role == "user"]


# --- what is read is what was folded


@given(seed=st.integers(0, 2**32), runs=st.integers(1, 4))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_what_is_read_equals_the_fold_of_the_log(reader, writer, seed, runs):
    name = f"c-{seed}-{runs}"
    log = conversation(seed, runs)
    await write(writer, *seals_of(log, conversation=name, tenant=name))
    archived = await reader.conversation(name, name)
    assert archived.transcript == archived_part(log, {f"run{index + 1}" for index in range(runs)}, name)
    assert archived.cursor == Cursor(EPOCH, log[-1].seq)


async def test_a_run_of_a_thousand_items_is_read_as_it_was_written(reader, writer):
    items = [
        ToolCall(id=f"t2-{index}", run="r1", seq=index, name="search", args={"q": index}, result=[index], status="done")
        for index in range(1_000)
    ]
    run = RunState(id="r1", agent="a", status="completed", attempt=1, last=3_000, seq=1, end_seq=1_000)
    await write(writer, sealed(run, items))
    archived = await reader.conversation(TENANT, CONVERSATION)
    assert archived.transcript.items == items


@pytest.mark.parametrize("text", ["\0", "a\0\0b", "\x1a", "\x1a0", "\x1a\0\x1a", "🌊\u2028é", "%_\\'\"", ""])
async def test_any_character_survives_in_every_place(reader, writer, text):
    items = [
        Message(id="m", run="r1", role="assistant", content=text, model=text, status="done"),
        ToolCall(id="t", run="r1", name=text, args={text: [text]}, result=text, status="done"),
    ]
    run = RunState(id="r1", agent=text, status="completed", attempt=1, last=1, seq=1, end_seq=2)
    await write(writer, sealed(run, items, title=text))
    archived = await reader.conversation(TENANT, CONVERSATION)
    assert archived.transcript.items == items
    assert archived.transcript.runs == [run]
    assert archived.transcript.title == text


async def test_a_tenant_sees_nothing_of_another_under_the_same_ids(reader, writer):
    await write(writer, small(text="mine"), small(text="theirs", tenant="t2"))
    assert await contents(reader) == ["mine"]
    assert await reader.conversation("t3", CONVERSATION) is None
    assert await reader.run("t3", "r1") is None
    assert await reader.tenants() == [TENANT, "t2"]


# --- repeats, order and attempts


async def test_writing_everything_again_changes_no_row(database_url, writer):
    messages = [record("title", 1), *seals_of(conversation()), record("other", 2)]
    await write(writer, *messages)
    before = await all_rows(database_url)
    await write(writer, *messages)
    await write(writer, *reversed(messages))
    assert await all_rows(database_url) == before
    assert len(before["runs"]) == 3


async def test_a_seal_counts_once_every_run_before_it_is_archived(reader, writer):
    log = conversation()
    first, second, third = seals_of(log)
    await write(writer, third)
    assert (await reader.conversation(TENANT, CONVERSATION)).cursor is None
    await write(writer, first)
    archived = await reader.conversation(TENANT, CONVERSATION)
    assert archived.cursor.seq == first.cursor
    assert archived.transcript.input_last == first.input_last
    assert archived.transcript.items == archived_part(log, {"run1"}).items
    await write(writer, second)
    archived = await reader.conversation(TENANT, CONVERSATION)
    assert archived.transcript == archived_part(log, {"run1", "run2", "run3"})
    assert archived.cursor.seq == third.cursor


async def test_a_run_that_is_left_out_can_still_be_looked_up(reader, writer):
    _, second, _ = seals_of(conversation())
    await write(writer, second)
    assert await reader.run(TENANT, "run2") == (CONVERSATION, second.run)


async def test_a_higher_attempt_replaces_a_lower_one_and_never_the_other_way(reader, writer):
    await write(writer, small(text="second", attempt=2), small("r2", "next", seq=20, after="r1"))
    await write(writer, small(text="first", attempt=1))
    assert await contents(reader) == ["second", "next"]
    await write(writer, small(text="third", attempt=3))
    assert await contents(reader) == ["third", "next"]


async def test_the_same_attempt_with_another_content_is_a_conflict(reader, writer):
    await write(writer, small(text="one"))
    [error] = await writer.write([small(text="two")])
    assert isinstance(error, Conflict)
    [error] = await writer.write([small(text="one", conversation="c2")])
    assert isinstance(error, Conflict)
    assert await contents(reader) == ["one"]


async def test_a_seal_that_cannot_be_written_does_not_hold_up_the_others(reader, writer):
    broken = small("r2", seq=20, after="r1", digest="0" * 64)
    too_big = small("r3", seq=2**70, after="r1")
    outcomes = await writer.write([small(), broken, too_big, small("r4", "last", seq=30, after="r1")])
    assert [type(outcome) for outcome in outcomes] == [type(None), Invalid, Invalid, type(None)]
    assert outcomes[1].code == "seal_digest"
    assert await contents(reader) == ["hello", "last"]


async def test_two_writers_at_once_write_each_seal_once_and_lose_none(database_url, reader, writer):
    log = conversation(runs=4)
    seals = seals_of(log)
    another = open_writer(database_url)
    try:
        outcomes = await asyncio.gather(
            *(one.write([seal]) for seal in seals for one in (writer, another)),
            writer.write(seals),
            another.write(seals[::-1]),
        )
    finally:
        await another.close()
    assert all(outcome is None for batch in outcomes for outcome in batch)
    archived = await reader.conversation(TENANT, CONVERSATION)
    assert archived.transcript == archived_part(log, {seal.run.id for seal in seals})


# --- the cursor


async def test_a_queued_message_is_after_the_cursor_until_its_own_run_is_archived(reader, writer):
    log = queued_while_running()
    first, second = seals_of(log)
    await write(writer, first)
    archived = await reader.conversation(TENANT, CONVERSATION)
    queued_at = next(frame.seq for frame in log if frame.run == "run2")
    assert archived.cursor == Cursor(EPOCH, queued_at - 1)
    assert archived.transcript.input_last == first.input_last == 3
    await write(writer, second)
    archived = await reader.conversation(TENANT, CONVERSATION)
    assert archived.transcript == archived_part(log, {"run1", "run2"})


async def test_a_fold_goes_on_from_the_archive_without_a_gap(reader, writer):
    log = queued_while_running()
    await write(writer, seals_of(log)[0])
    archived = await reader.conversation(TENANT, CONVERSATION)
    fold = Fold(archived.transcript, beyond=archived.beyond)
    for frame in log:
        if frame.seq > archived.cursor.seq:
            fold.apply(frame)
    whole = archived_part(log, {"run1", "run2"})
    resumed = fold.snapshot()
    assert resumed.items == whole.items
    assert (resumed.runs, resumed.input_last) == (whole.runs, whole.input_last)


def queued_while_running() -> list[ev.Frame]:
    for seed in range(1_000):
        log = conversation(seed, runs=2)
        queued_at = next(frame.seq for frame in log if frame.run == "run2")
        if queued_at < max(frame.seq for frame in log if frame.run == "run1"):
            return log
    raise AssertionError("no log with a queued message")


async def test_a_stream_made_anew_continues_the_conversation_behind_what_was_there(reader, writer):
    old = conversation(1, runs=2)
    await write(writer, *seals_of(old))
    before = (await reader.conversation(TENANT, CONVERSATION)).transcript
    new = small("r9", "afresh", seq=1, after="run2", epoch="e2", input_last=7)
    await write(writer, new)
    archived = await reader.conversation(TENANT, CONVERSATION)
    assert archived.cursor == Cursor("e2", new.cursor)
    assert archived.transcript.input_last == 7
    assert archived.transcript.items == [*before.items, *new.items]
    assert [run.id for run in archived.transcript.runs] == ["run1", "run2", "r9"]


# --- conversations


async def test_a_conversation_is_listed_before_its_first_run_ends(reader, writer):
    await write(writer, record("a question", 1, partition=3))
    archived = await reader.conversation(TENANT, CONVERSATION)
    assert archived == Archived(3, None, Transcript(conversation=CONVERSATION, title="a question", created=1))
    [listed] = (await reader.conversations(TENANT)).conversations
    assert listed == (CONVERSATION, "a question", 1, 5, 0, "", True)


async def test_the_newest_title_wins_in_whatever_order_they_come(reader, writer):
    await write(writer, record("third", 30), record("second", 20), small(seq=10, title="first"), record("zero", 1))
    assert (await reader.conversation(TENANT, CONVERSATION)).transcript.title == "third"
    await write(writer, record("afresh", 1, epoch="e2"), record("fourth", 40))
    assert (await reader.conversation(TENANT, CONVERSATION)).transcript.title == "afresh"


async def test_the_list_shows_runs_and_the_status_of_the_newest(reader, writer):
    await write(writer, small(), small("r2", seq=20, after="r1"))
    [listed] = (await reader.conversations(TENANT)).conversations
    assert (listed.runs, listed.last_status, listed.updated) == (2, "completed", 20)


async def test_pages_show_every_conversation_once_newest_first(reader, writer):
    await write(writer, *(record("t", 1, conversation=f"c{index}", updated=index // 3) for index in range(25)))
    seen, page = [], ""
    while True:
        found = await reader.conversations(TENANT, limit=10, page=page)
        seen += found.conversations
        if not (page := found.next):
            break
    assert len({one.id for one in seen}) == len(seen) == 25
    assert [one.updated for one in seen] == sorted((one.updated for one in seen), reverse=True)


async def test_a_title_is_searched_for_as_it_stands_whatever_the_case(reader, writer):
    titles = ["100% sure", "100 sure", "snake_case", "snakeXcase", "back\\slash"]
    await write(writer, *(record(title, 1, conversation=f"c{index}") for index, title in enumerate(titles)))

    async def found(query: str) -> list[str]:
        return [one.title for one in (await reader.conversations(TENANT, query=query)).conversations]

    assert await found("100%") == ["100% sure"]
    assert await found("SNAKE_") == ["snake_case"]
    assert await found("\\") == ["back\\slash"]
    assert await found("nothing") == []


async def test_a_conversation_is_settled_once_every_run_that_was_asked_for_is_archived(reader, writer):
    async def settled() -> bool:
        [listed] = (await reader.conversations(TENANT)).conversations
        return listed.settled

    await write(writer, record("t", 1))
    assert await settled()
    await write(writer, record("t", 2, queued=True))
    assert not await settled()
    await write(writer, small())
    assert await settled()
    await write(writer, record("t", 20, queued=True), record("renamed", 25, renamed=True))
    assert not await settled()
    await write(writer, small("r2", seq=20, after="r1"))
    assert await settled()
    await write(writer, record("t", 1, epoch="e2", queued=True))
    assert not await settled()


async def test_a_search_reads_what_was_said_at_the_root_and_no_more(reader, writer):
    await write(
        writer,
        small("r1", "Tributaries of 100% pure", conversation="c1"),
        sealed(
            RunState(id="r2", agent="a", status="completed", last=1, seq=1, end_seq=5),
            [Message(id="m", run="r2", ns="main/reader:1", role="assistant", content="tributaries", status="done")],
            conversation="c2",
        ),
        record("About tributaries", 1, conversation="c3"),
        small("r4", "tributaries", tenant="other"),
    )

    async def found(query: str) -> set[str]:
        return {one.id for one in (await reader.conversations(TENANT, query=query)).conversations}

    assert await found("TRIBUTARIES") == {"c1", "c3"}
    assert await found("100%") == {"c1"}
    assert await found("1_0") == set()


async def test_a_search_reads_the_messages_of_the_newest_conversations_and_every_title(monkeypatch, reader, writer):
    monkeypatch.setattr("services.archive.reader.SEARCHED_CONVERSATIONS", 2)
    for number in (1, 2, 3):
        await write(writer, small(f"r{number}", "delta", seq=number, conversation=f"c{number}", title=f"t{number}"))

    assert [one.id for one in (await reader.conversations(TENANT, query="delta")).conversations] == ["c3", "c2"]
    assert [one.id for one in (await reader.conversations(TENANT, query="T1")).conversations] == ["c1"]


@pytest.mark.parametrize("page", ["%%%", "e30", "WzFd", "Ww", "é", "x" * 5000])
async def test_a_page_token_that_is_not_ours_is_refused(reader, page):
    with pytest.raises(Invalid, match="page token"):
        await reader.conversations(TENANT, page=page)
