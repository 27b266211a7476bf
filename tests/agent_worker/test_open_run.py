"""The framework bridge and the library mode: runs that no worker performs, in the log and sealed like any other."""

from __future__ import annotations

import asyncio

import pytest

from schemas import events as ev
from schemas.commands import CancelRun
from schemas.errors import Conflict
from schemas.seal import check_seal, digest_of
from services.agent_worker.library import run_once
from services.agent_worker.models.scripted import Scripted
from services.agent_worker.open_run import open_run
from services.agent_worker.posting import new_post, post_message
from tests.agent_worker.stage import QUICK, Said, tokens
from tests.broker.behind import Behind


async def test_a_block_that_ends_completes_its_run_which_is_sealed(stage):
    async with open_run(stage.broker, agent="script", message="hi", conversation="c1") as run:
        await run.say(tokens("hello there"))
    fold = await stage.fold()
    (state,) = fold.runs.values()
    assert (state.status, state.agent) == ("completed", "script")
    seal = await stage.seal(state.id)
    check_seal(seal)
    assert seal.digest == digest_of(fold.snapshot().runs[0], fold.snapshot().items)
    assert [item.content for item in seal.items] == ["hi", "hello there"]


async def test_a_second_message_is_posted_at_once_also_where_the_mirrors_have_nothing(stage):
    behind = Behind(stage.broker.core)
    async with asyncio.timeout(5):
        await post_message(behind, new_post("script", "hi", tenant="default", conversation="c1"))
        with pytest.raises(Conflict, match="a run is active"):
            await post_message(behind, new_post("script", "hi again", tenant="default", conversation="c1"))


async def test_an_exception_fails_the_run_and_goes_on(stage):
    with pytest.raises(ZeroDivisionError):
        async with open_run(stage.broker, agent="script", message="hi", conversation="c1"):
            _ = 1 // 0
    (state,) = (await stage.fold()).runs.values()
    assert (state.status, state.error.code) == ("failed", "agent_error")


async def test_a_cancel_ends_the_block_and_the_run(stage):
    said = Said()
    with pytest.raises(Conflict) as refused:
        async with open_run(stage.broker, agent="script", message="hi", conversation="c1", limits=QUICK) as run:
            await stage.broker.control(run.id, CancelRun())
            await said.here()
    assert refused.value.code == "run_cancelled"
    (state,) = (await stage.fold()).runs.values()
    assert state.status == "cancelled"
    assert asyncio.current_task().cancelling() == 0


async def test_a_cancelled_task_leaves_a_cancelled_run(stage):
    said = Said()

    async def script() -> None:
        async with open_run(stage.broker, agent="script", message="hi", conversation="c1") as run:
            await run.say(tokens("begun"))
            await said.here()

    task = asyncio.ensure_future(script())
    await said.reached.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    (state,) = (await stage.fold()).runs.values()
    assert (state.status, state.by) == ("cancelled", "system")


async def test_a_busy_conversation_refuses_a_second_run(stage):
    async with open_run(stage.broker, agent="script", message="hi", conversation="c1"):
        with pytest.raises(Conflict):
            async with open_run(stage.broker, agent="script", message="ho", conversation="c1"):
                pass


async def test_a_worker_leaves_an_external_run_alone_and_performs_what_waits_behind_it(stage):
    @stage.agent
    async def script(run, task):
        await run.say(tokens("by a worker"))

    async with stage.worker():
        async with open_run(stage.broker, agent="script", message="hi", conversation="c1") as run:
            behind = await stage.post("script", "behind")
            await run.say(tokens("by hand"))
        fold = await stage.ended(behind.run)
    assert [item.content for item in fold.items()] == ["hi", "behind", "by hand", "by a worker"]
    assert fold.runs[behind.run].after == run.id


async def test_an_agent_runs_as_a_library_and_a_second_message_knows_the_first(stage):
    async def parrot(run, task):
        before = [turn.text for turn in run.history]
        await run.say(tokens(f"{before} {task}"))

    await run_once(stage.broker, parrot, "one", conversation="c1")
    transcript = await run_once(stage.broker, parrot, "two", conversation="c1")
    assert [item.content for item in transcript.items] == ["one", "[] one", "two", "['one', '[] one'] two"]
    assert [run.status for run in transcript.runs] == ["completed", "completed"]
    assert transcript.runs[1].after == transcript.runs[0].id


async def test_a_library_run_can_ask_a_model(stage):
    async def asker(run, task):
        said = await run.say(system="Be brief.")
        assert said.finish == "stop"

    transcript = await run_once(stage.broker, asker, "Hello", model=Scripted(0))
    assert transcript.items[-1].content
    assert transcript.runs[0].usage[0].model == "scripted"
    assert isinstance(transcript.runs[0].counts, ev.Counts)
