"""A deletion on the seal stream empties archive and broker, however often it has to begin anew."""

from __future__ import annotations

import random

import pytest

from schemas.errors import Conflict, NotFound, Unavailable
from schemas.seal import ConversationDeletion
from services.broker.memory import MemoryBroker
from tests.archive.logs import CONVERSATION, TENANT
from tests.archive.seals import record, small
from tests.broker.waiting import eventually
from tests.persister.conftest import persisting
from tests.schemas.logs import WORDS


async def deleted(broker) -> ConversationDeletion:
    """A conversation with a log, an object and a seal that waits; and its deletion, behind the seal."""
    subject = f"ab.evt.0.{TENANT}.{CONVERSATION}.in"
    await broker.append(subject, random.choice(WORDS).encode(), msg_id="1")
    seq = (await broker.append(subject, b"deleted", msg_id="2")).seq
    await broker.put_object("o", b"content")
    await broker.publish_seal(small(), "s1")
    deletion = ConversationDeletion(
        tenant=TENANT, conversation=CONVERSATION, partition=0, epoch=broker.core.epoch, seq=seq, deleted=5, refs=["o"]
    )
    await broker.publish_seal(deletion, "d1")
    return deletion


async def assert_gone(broker, reader):
    assert await reader.is_deleted(TENANT, CONVERSATION)
    assert [record.data for record in broker.core.log(0).after(f"ab.evt.0.{TENANT}.{CONVERSATION}.*", 0)] == [
        b"deleted"
    ]
    with pytest.raises(NotFound):
        await broker.get_object("o")


async def test_a_deletion_empties_archive_log_and_objects_and_a_late_seal_is_dropped(broker, archive, reader):
    await deleted(broker)
    async with persisting(broker, archive):
        await eventually(lambda: not broker.core.seals.jobs)
        await broker.publish_seal(small("r2", seq=30, after="r1"), "late")
        await broker.publish_seal(record("late", 40), "later")
        await eventually(lambda: not broker.core.seals.jobs)
    await assert_gone(broker, reader)
    assert await reader.run(TENANT, "r2") is None
    assert list(await broker.dead_letters()) == []


class Forgetful(MemoryBroker):
    """One that cannot forget at first."""

    errors: tuple[Exception, ...] = ()

    async def forget(self, deletion):
        if self.errors:
            error, *self.errors = self.errors
            raise error
        await super().forget(deletion)


async def test_what_the_broker_could_not_remove_is_tried_again_until_it_is_gone(broker, archive, reader):
    forgetful = Forgetful(broker.core)
    forgetful.errors = (Unavailable("no answer"), Unavailable("no answer"))
    await deleted(broker)
    async with persisting(forgetful, archive):
        await eventually(lambda: not broker.core.seals.jobs)
    assert not forgetful.errors
    await assert_gone(broker, reader)


async def test_a_deletion_that_the_broker_refuses_is_a_dead_letter_and_holds_up_nothing(broker, archive, reader):
    forgetful = Forgetful(broker.core)
    forgetful.errors = (Conflict("may not purge", code="broker_refused"),)
    await deleted(broker)
    async with persisting(forgetful, archive):
        await eventually(lambda: not broker.core.seals.jobs)
    ((_, letter),) = await broker.dead_letters()
    assert (letter.code, letter.conversation) == ("broker_refused", CONVERSATION)
    assert await reader.is_deleted(TENANT, CONVERSATION)
