"""A deleted conversation stays deleted, whatever comes for it later."""

from __future__ import annotations

import asyncio
import random

import msgspec
import pytest

from schemas.errors import Deleted
from schemas.seal import ConversationDeletion
from services.archive.writer import open_writer
from tests.archive.logs import CONVERSATION, EPOCH, TENANT, seals_of
from tests.archive.rows import all_rows
from tests.archive.seals import record, small
from tests.schemas import logs

DELETION = ConversationDeletion(tenant=TENANT, conversation=CONVERSATION, partition=0, epoch=EPOCH, seq=90, deleted=7)


async def write(writer, *messages):
    assert list(await writer.write(messages)) == [None] * len(messages)


async def remains(database_url) -> dict[str, list[tuple]]:
    """What the tables have of anything, the conversation's own row and the eras aside."""
    rows = await all_rows(database_url)
    return {name: found for name, found in rows.items() if found and name not in {"conversations", "epochs"}}


async def assert_gone(reader, database_url):
    with pytest.raises(Deleted):
        await reader.conversation(TENANT, CONVERSATION)
    assert await reader.is_deleted(TENANT, CONVERSATION)
    assert (await reader.conversations(TENANT)).conversations == []
    assert (await reader.conversations(TENANT, query="hello")).conversations == []
    assert list(await reader.tenants()) == []
    assert await remains(database_url) == {}


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_of_a_deleted_conversation_is_left_but_that_it_was_there(database_url, reader, writer, seed):
    frames = logs.conversation(random.Random(seed), runs=3, size=6)
    seals = seals_of([msgspec.structs.replace(frame, seq=number * 3 + 1) for number, frame in enumerate(frames)])
    await write(writer, *seals, record("secret title", 80))
    await write(writer, DELETION)
    await assert_gone(reader, database_url)
    ((*row,),) = (await all_rows(database_url))["conversations"]
    assert "secret title" not in row
    assert await reader.run(TENANT, seals[0].run.id) is None


async def test_a_seal_or_a_record_that_comes_late_brings_nothing_back_and_is_no_error(database_url, reader, writer):
    await write(writer, small(), DELETION)
    await write(writer, small(), small("r2", seq=20, after="r1"), record("secret", 30, queued=True), DELETION)
    await write(writer, record("later", 95), small("r3", seq=1, epoch="e2"))
    await assert_gone(reader, database_url)


async def test_a_conversation_that_was_deleted_before_anything_of_it_was_archived_stays_deleted(
    database_url, reader, writer
):
    await write(writer, DELETION)
    await write(writer, small(), record("secret", 2))
    await assert_gone(reader, database_url)


async def test_other_conversations_and_tenants_stay_as_they_are(reader, writer):
    other = small("r1", tenant="other")
    await write(writer, small(), small("r9", conversation="c9"), other)
    await write(writer, DELETION)
    assert not await reader.is_deleted(TENANT, "c9")
    assert [one.id for one in (await reader.conversations(TENANT)).conversations] == ["c9"]
    assert (await reader.conversation("other", CONVERSATION)).transcript.items == other.items


async def test_a_persister_that_writes_a_seal_while_another_one_deletes_brings_nothing_back(
    database_url, reader, writer
):
    second = open_writer(database_url)
    try:
        for turn in range(20):
            seal = small(f"r{turn}", conversation=f"c{turn}")
            deletion = msgspec.structs.replace(DELETION, conversation=f"c{turn}")
            await asyncio.gather(write(writer, seal), write(second, deletion))
            assert await reader.is_deleted(TENANT, f"c{turn}")
    finally:
        await second.close()
    assert await remains(database_url) == {}
