"""Commands whose conversation was deleted: what they would write, nobody would remove again."""

from __future__ import annotations

import hashlib

import pytest

from schemas import events as ev
from schemas.errors import NotFound
from services.agent_worker.worker import Worker
from services.broker.memory import MemoryBroker
from tests.agent_worker.stage import Stage
from tests.broker.waiting import eventually


@pytest.fixture
def stage() -> Stage:
    return Stage(MemoryBroker())


async def test_a_command_of_a_deleted_conversation_is_dropped_and_writes_nothing(stage):
    @stage.agent
    async def writes(run, task):
        await run.agent("never")

    command = await stage.post("writes")
    await stage.input("", ev.ConversationDeleted())
    async with stage.worker():
        await eventually(lambda: not stage.broker.core.commands.jobs)
    assert await stage.events(command.run) == []
    assert list(await stage.broker.fetch_seals(1, 0.01)) == []
    assert list(await stage.broker.dead_letters()) == []


async def test_a_run_that_is_deleted_while_it_is_read_is_dropped_and_not_ended_as_unreadable(stage, monkeypatch):
    command = await stage.post("writes")

    async def perform(worker, command, delivery, tasks):
        await stage.input("", ev.ConversationDeleted())
        raise NotFound("a part of the log is gone")

    monkeypatch.setattr(Worker, "_perform", perform)
    async with stage.worker():
        await eventually(lambda: not stage.broker.core.commands.jobs)
    assert await stage.events(command.run) == []
    assert list(await stage.broker.dead_letters()) == []


async def test_content_is_stored_under_the_name_of_its_conversation(stage):
    @stage.agent
    async def draws(run, task):
        async with run.artifact("file", "a.bin", "application/x") as artifact:
            await artifact.write(b"\xff")

    command = await stage.post("draws")
    async with stage.worker():
        await stage.ended(command.run)
    digest = hashlib.sha256(b"\xff").hexdigest()
    assert list(stage.broker.core.objects) == [f"default/c1/{digest}"]
