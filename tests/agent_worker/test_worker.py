"""The worker on the memory broker: what a command becomes in the log, in the seal queue and in the command queue."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame, encode_frame
from schemas.commands import CancelRun, InputAppended
from schemas.seal import check_seal, counts_of, digest_of
from schemas.transcript import Agent, Interrupt, Message
from services.agent_worker import lane
from services.agent_worker.attempt import Attempt, Limits
from services.agent_worker.models.port import (
    Disconnected,
    Finished,
    RateLimited,
    TextDelta,
    UpstreamFailed,
    UpstreamTimeout,
)
from services.agent_worker.publisher import Publisher
from services.agent_worker.settings import Settings as WorkerSettings
from services.agent_worker.tools import tool
from services.agent_worker.turn import Retry
from services.broker.memory import MemoryBroker
from services.broker.memory_core import MemoryCore
from tests.agent_worker.stage import QUICK, TENANT, Said, Stage, tokens


def of_type(events, kind):
    return [event for event in events if isinstance(event, kind)]


async def commands_left(stage: Stage) -> int:
    return len(stage.broker.core.commands.jobs)


async def assert_sealed_as_logged(stage: Stage, run: str):
    """The seal says exactly what the fold of the log says."""
    seal = await stage.seal(run)
    check_seal(seal)
    fold = await stage.fold()
    items = [item for item in fold.snapshot().items if item.run == run]
    state = next(state for state in fold.snapshot().runs if state.id == run)
    assert seal.digest == digest_of(state, items)
    assert seal.counts == counts_of(state, items)
    return seal


async def test_a_run_is_claimed_streamed_completed_sealed_and_acknowledged(stage):
    @stage.agent
    async def greeter(run, task):
        await run.say(tokens(f"Hello {task}"))

    async with stage.worker():
        command = await stage.post("greeter", "you")
        fold = await stage.ended(command.run)
        seal = await assert_sealed_as_logged(stage, command.run)
        await stage.until(lambda _: not stage.broker.core.commands.jobs)
    message = [item for item in fold.items(command.run) if isinstance(item, Message)][1]
    assert (message.content, message.status, message.ns) == ("Hello you", "done", "main")
    state = fold.runs[command.run]
    assert (state.status, state.attempt, state.counts.messages) == ("completed", 1, 1)
    assert seal.cursor == state.end_seq
    assert seal.input_last == 3
    assert seal.created > 0
    assert seal.title == "you"


async def test_an_agent_that_publishes_and_never_waits_is_stopped_before_it_fills_the_memory(stage):
    told = 0

    @stage.agent
    async def hasty(run, task):
        nonlocal told
        while True:
            run.set_state({"told": told, "story": "x" * 40_000})
            told += 1

    async with stage.worker():
        command = await stage.post("hasty")
        fold = await stage.ended(command.run)
    error = fold.runs[command.run].error
    assert (error.code, error.retryable) == ("too_much_unpublished", True)
    assert told < 60


async def test_agents_run_at_the_same_time_in_namespaces_of_their_own(stage):
    meeting = asyncio.Barrier(2)

    @stage.agent
    async def team(run, task):
        async def work(name):
            async with run.agent(name, description=f"does {name}") as sub:
                await meeting.wait()
                await sub.say(tokens(f"{name} speaks"))
                async with sub.agent("writer") as nested:
                    await nested.say(tokens("nested"))
                sub.result = "done"

        async with asyncio.TaskGroup() as group:
            group.create_task(work("analysis"))
            group.create_task(work("research"))
        async with run.agent("analysis"):
            pass

    async with stage.worker():
        command = await stage.post("team")
        fold = await stage.ended(command.run)
        await assert_sealed_as_logged(stage, command.run)
    agents = {item.ns: item for item in fold.items(command.run) if isinstance(item, Agent)}
    assert set(agents) == {
        "main/analysis:1",
        "main/analysis:1/writer:1",
        "main/analysis:2",
        "main/research:1",
        "main/research:1/writer:1",
    }
    assert agents["main/analysis:1"].result == "done"
    assert agents["main/research:1/writer:1"].parent == "main/research:1"
    assert all(agent.status == "done" for agent in agents.values())


async def test_a_cancel_by_control_message_ends_the_run_and_closes_what_is_open(stage):
    said = Said()

    @stage.agent
    async def endless(run, task):
        async def words():
            yield "so far"
            await said.here()

        async with run.agent("inner") as sub:
            await sub.say(words())

    async with stage.worker():
        command = await stage.post("endless")
        await said.reached.wait()
        async with asyncio.timeout(1.0):
            assert await stage.broker.control(command.run, CancelRun(reason="enough"))
            fold = await stage.ended(command.run)
        await assert_sealed_as_logged(stage, command.run)
    assert fold.runs[command.run].status == "cancelled"
    assert fold.item("m2-1").status == "interrupted"
    events = await stage.events(command.run)
    assert [type(event).__name__ for event in events[-3:]] == ["MessageEnded", "AgentFailed", "RunCancelled"]


async def test_a_cancel_that_only_the_in_lane_knows_of_is_found_at_the_next_heartbeat(stage):
    said = Said()

    @stage.agent
    async def endless(run, task):
        await said.here()

    async with stage.worker():
        command = await stage.post("endless")
        await said.reached.wait()
        await stage.input(command.run, ev.RunCancelling(superseded_by="r-next"))
        fold = await stage.ended(command.run, within_s=3.0)
        await assert_sealed_as_logged(stage, command.run)
    assert (fold.runs[command.run].status, fold.runs[command.run].by) == ("superseded", "r-next")


async def test_a_run_cancelled_before_its_claim_never_runs_its_agent(stage):
    ran = []

    @stage.agent
    async def eager(run, task):
        ran.append(task)

    command = await stage.post("eager")
    await stage.input(command.run, ev.RunCancelling())
    async with stage.worker():
        fold = await stage.ended(command.run)
    assert fold.runs[command.run].status == "cancelled"
    assert not ran


async def test_an_agent_that_does_not_unwind_is_ended_over_its_head(stage):
    said = Said()
    unwound = asyncio.Event()

    @stage.agent
    async def stubborn(run, task):
        async with run.agent("inner"):
            try:
                await said.here()
            except asyncio.CancelledError:
                await unwound.wait()
                await run.say(tokens("too late"))

    async with stage.worker():
        command = await stage.post("stubborn")
        await said.reached.wait()
        async with asyncio.timeout(2.0):
            await stage.broker.control(command.run, CancelRun())
            fold = await stage.ended(command.run)
        unwound.set()
    assert fold.runs[command.run].status == "cancelled"
    assert fold.item(f"{command.run}/main/inner:1").status == "failed"
    assert isinstance((await stage.events(command.run))[-1], ev.RunCancelled)


async def test_a_queued_message_is_started_by_the_worker_that_ends_the_run_before_it(stage):
    said = Said()

    @stage.agent
    async def first(run, task):
        await run.say(tokens("one"))
        await said.here()

    @stage.agent
    async def second(run, task):
        await run.say(tokens(" | ".join(f"{turn.role}: {turn.text}" for turn in run.history)))

    async with stage.worker():
        one = await stage.post("first", "first question")
        await said.reached.wait()
        two = await stage.post("second", "second question")
        assert await commands_left(stage) == 1
        said.go_on.set()
        fold = await stage.ended(two.run)
        seal = await assert_sealed_as_logged(stage, one.run)
        following = await assert_sealed_as_logged(stage, two.run)
    assert fold.item("m4-1").content == "user: first question | assistant: one"
    assert seal.cursor == two.seq - 1
    assert following.cursor == fold.runs[two.run].end_seq
    assert (seal.input_last, following.input_last) == (3, 5)
    assert following.run.after == one.run


async def test_a_successor_that_was_taken_back_is_sealed_and_the_one_after_it_starts_and_does_not_hear_of_it(stage):
    said = Said()
    heard = []

    @stage.agent
    async def first(run, task):
        await said.here()

    @stage.agent
    async def third(run, task):
        heard.extend(turn.text for turn in run.history)

    async with stage.worker():
        one = await stage.post("first", "first question")
        await said.reached.wait()
        two = await stage.post("first", "taken back")
        three = await stage.post("third")
        gone = ev.Frame(run=two.run, n=1, ts=1, events=[ev.RunCancelled()])
        await stage.broker.append(
            subjects.event(0, TENANT, "c1", two.run), encode_frame(gone), msg_id="gone", expected_last=0
        )
        said.go_on.set()
        fold = await stage.ended(three.run)
        await assert_sealed_as_logged(stage, one.run)
        await assert_sealed_as_logged(stage, two.run)
        await assert_sealed_as_logged(stage, three.run)
    assert [run.status for run in fold.runs.values()] == ["completed", "cancelled", "completed"]
    assert heard == ["first question"]


async def test_an_answer_that_comes_by_control_message_lets_the_agent_go_on(stage):
    @stage.agent
    async def asker(run, task):
        answer = await run.ask("choice", "Tea or coffee?", options=["tea", "coffee"])
        await run.say(tokens(f"{answer.decision} {answer.value}"))

    async with stage.worker(limits=Limits(ack_wait_s=60)):
        command = await stage.post("asker")
        fold = await stage.until(lambda fold: command.run in fold.runs and fold.runs[command.run].status == "waiting")
        asked = next(item for item in fold.items(command.run) if isinstance(item, Interrupt))
        answer = ev.InterruptResolved(id=asked.id, decision="answered", value="tea")
        await stage.input(command.run, answer)
        await stage.broker.control(command.run, InputAppended())
        fold = await stage.ended(command.run)
        await assert_sealed_as_logged(stage, command.run)
    assert fold.item("m2-1").content == "answered tea"
    assert fold.item(asked.id).value == "tea"


async def test_an_interrupt_that_nobody_answers_expires(stage):
    @stage.agent
    async def asker(run, task):
        answer = await run.ask("input", "Your name?", timeout_s=0.05)
        await run.say(tokens(answer.decision))

    async with stage.worker():
        command = await stage.post("asker")
        fold = await stage.ended(command.run)
        await assert_sealed_as_logged(stage, command.run)
    assert fold.item("m2-1").content == "expired"


async def test_an_answer_that_was_stored_before_the_expiry_counts_even_if_it_was_not_heard(stage):
    @stage.agent
    async def asker(run, task):
        answer = await run.ask("input", "Your name?", timeout_s=0.3)
        await run.say(tokens(f"{answer.decision} {answer.value}"))

    async with stage.worker(limits=Limits(ack_wait_s=60)):
        command = await stage.post("asker")
        await stage.until(lambda fold: command.run in fold.runs and fold.runs[command.run].status == "waiting")
        await stage.input(command.run, ev.InterruptResolved(id="i2-1", decision="answered", value="Ada"))
        fold = await stage.ended(command.run)
        await assert_sealed_as_logged(stage, command.run)
    assert fold.item("m2-1").content == "answered Ada"


async def test_an_agents_exception_fails_the_run_and_its_text_stays_in_the_log_of_the_worker(stage):
    @stage.agent
    async def broken(run, task):
        async with run.agent("inner"):
            raise ValueError("the password is hunter2")

    async with stage.worker():
        command = await stage.post("broken")
        fold = await stage.ended(command.run)
        await assert_sealed_as_logged(stage, command.run)
    error = fold.runs[command.run].error
    assert error.code == "agent_error"
    assert "ValueError" in error.message
    assert all("hunter2" not in str(event) for event in await stage.events(command.run))
    assert fold.item(f"{command.run}/main/inner:1").error.code == "agent_error"


async def test_the_first_error_of_concurrent_agents_is_the_runs(stage):
    @stage.agent
    async def team(run, task):
        async def fails():
            async with run.agent("a"):
                raise KeyError("x")

        async def waits():
            async with run.agent("b") as sub:
                await sub.ask("input", "?")

        async with asyncio.TaskGroup() as group:
            group.create_task(waits())
            group.create_task(fails())

    async with stage.worker():
        command = await stage.post("team")
        fold = await stage.ended(command.run)
        await assert_sealed_as_logged(stage, command.run)
    assert "KeyError" in fold.runs[command.run].error.message
    assert fold.item(f"{command.run}/main/b:1").error.code == "cancelled"


async def test_an_unknown_agent_fails_the_run_and_names_those_there_are(stage):
    @stage.agent
    async def greeter(run, task):
        pass

    async with stage.worker():
        command = await stage.post("nobody")
        fold = await stage.ended(command.run)
        await stage.until(lambda _: not stage.broker.core.commands.jobs)
    assert fold.runs[command.run].error.code == "unknown_agent"
    assert "greeter" in fold.runs[command.run].error.message


async def test_a_run_over_its_deadline_fails(stage):
    @stage.agent
    async def slow(run, task):
        await asyncio.Event().wait()

    async with stage.worker(limits=Limits(ack_wait_s=5, deadline_s=0.1)):
        command = await stage.post("slow")
        fold = await stage.ended(command.run)
    assert fold.runs[command.run].error.code == "deadline_exceeded"
    assert fold.runs[command.run].error.retryable


async def test_what_is_no_command_becomes_a_dead_letter(stage):
    stage.broker.core.commands.put(subjects.command("a", TENANT, "c1"), b"{nonsense")
    async with stage.worker():
        await stage.until(lambda _: stage.broker.core.dead and not stage.broker.core.commands.jobs)
    ((_, letter),) = await stage.broker.dead_letters()
    assert (letter.kind, letter.code, letter.data) == ("command", "invalid_command", b"{nonsense")


@pytest.mark.parametrize("subject", ["ab.cmd.x", "ab.cmd.a.b.not$an$id"])
async def test_a_message_on_a_subject_of_no_command_is_put_aside_and_harms_no_run(stage, subject):
    @stage.agent
    async def greeter(run, task):
        await run.say(tokens("hello"))

    stage.broker.core.commands.put(subject, b"{}")
    async with stage.worker():
        command = await stage.post("greeter")
        assert (await stage.ended(command.run)).runs[command.run].status == "completed"
        await stage.until(lambda _: stage.broker.core.dead and not stage.broker.core.commands.jobs)
    ((_, letter),) = await stage.broker.dead_letters()
    assert (letter.subject, letter.tenant) == (subject, "-")


async def test_a_run_whose_log_is_not_whole_any_more_ends_as_failed_and_the_next_one_starts(stage):
    @stage.agent
    async def slow(run, task):
        await run.say(tokens("a b c"))
        await asyncio.Event().wait()

    @stage.agent
    async def greeter(run, task):
        await run.say(tokens("hello"))

    async with stage.worker(drain_s=0.0):
        lost = await stage.post("slow")
        await stage.until(lambda fold: any(item.id == "m2-1" and item.status == "done" for item in fold.items()))
    waiting = await stage.post("greeter")
    lane = subjects.event(0, TENANT, "c1", lost.run)
    stage.broker.core.forget_before(0, (await stage.broker.last_message(0, lane)).seq)
    async with stage.worker():
        await stage.seal(waiting.run)
    frames = [
        decode_frame(record.data, record.seq)
        for record in (await stage.broker.read(0, subjects.conversation_events(0, TENANT, "c1"), 0)).records
    ]
    end = [frame for frame in frames if frame.in_lane == lost.run][-1]
    assert (end.events[-1].code, end.events[-1].retryable, end.attempt) == ("worker_lost", True, 2)
    ((_, letter),) = await stage.broker.dead_letters()
    assert (letter.run, letter.code) == (lost.run, "log_inconsistent")


async def test_a_result_for_the_object_store_waits_for_a_broker_that_is_away(stage):
    own = MemoryBroker(stage.broker.core)

    @tool
    async def flood() -> str:
        """Much."""
        own.interrupt()
        asyncio.get_running_loop().call_later(0.3, own.restore)
        return "x" * 100_000

    @stage.agent
    async def agent(run, task):
        await run.tool(flood)

    async with stage.worker(broker=own):
        command = await stage.post("agent")
        fold = await stage.ended(command.run)
    assert (fold.runs[command.run].status, fold.runs[command.run].attempt) == ("completed", 1)


@pytest.mark.parametrize("does", ["tools", "steps", "agents"])
async def test_an_agent_that_says_nothing_is_held_back_too_while_the_broker_is_away(stage, monkeypatch, does):
    monkeypatch.setattr(lane, "BUFFER_EVENTS_MAX", 20)
    own = MemoryBroker(stage.broker.core)
    waiting = []

    @tool
    async def nothing() -> None:
        """Nothing."""

    @stage.agent
    async def busy(run, task):
        own.interrupt()
        asyncio.get_running_loop().call_later(0.3, own.restore)
        for _ in range(50):
            match does:
                case "tools":
                    await run.tool(nothing)
                case "steps":
                    async with run.step("one"):
                        pass
                case "agents":
                    async with run.agent("one"):
                        pass
            waiting.append(run._turn.sink.lane.added - run._turn.sink.lane.stored_count)
            await asyncio.sleep(0)

    async with stage.worker(broker=own):
        command = await stage.post("busy")
        assert (await stage.ended(command.run)).runs[command.run].status == "completed"
    assert max(waiting) <= 2 * 20 + 3, "what is in flight, what waits, and one more of each"


async def test_a_redelivered_command_whose_run_is_over_is_only_sealed_and_acknowledged(stage):
    ran = []

    @stage.agent
    async def greeter(run, task):
        ran.append(task)
        await run.say(tokens("hello"))

    async with stage.worker():
        command = await stage.post("greeter")
        await stage.ended(command.run)
        first = await stage.seal(command.run)
        before = len(await stage.frames())
        stage.broker.core.commands.put(subjects.command("greeter", TENANT, "c1"), msgspec.json.encode(command))
        stage.broker.core.seal_ids = type(stage.broker.core.seal_ids)(0.0)
        again = await stage.seal(command.run)
        await stage.until(lambda _: not stage.broker.core.commands.jobs)
    assert again == first
    assert len(await stage.frames()) == before
    assert ran == ["go"]


async def test_a_lost_worker_is_replaced_and_what_it_had_finished_is_not_done_again(stage):
    said = Said()
    asked = []

    @stage.agent
    async def careful(run, task):
        async def words(name):
            asked.append(name)
            yield f"text {name}"
            if name == "b" and asked.count("b") == 1:
                await said.here()

        await run.say(words("a"))
        await run.say(words("b"))

    lost = MemoryBroker(stage.broker.core)
    async with stage.worker(broker=lost, drain_s=0.0):
        command = await stage.post("careful")
        await said.reached.wait()
        await stage.until(lambda fold: fold.item("m2-2") is not None and fold.item("m2-2").content)
        lost.interrupt()
        async with stage.worker():
            fold = await stage.ended(command.run, within_s=8.0)
            seal = await assert_sealed_as_logged(stage, command.run)
    assert asked == ["a", "b", "b"]
    assert [item.content for item in fold.items(command.run)] == ["go", "text a", "text b"]
    assert fold.runs[command.run].status == "completed"
    assert fold.runs[command.run].attempt == seal.run.attempt > 1
    assert [type(event).__name__ for event in await stage.events(command.run)].count("RunRetrying") == 1


async def test_a_question_that_is_asked_again_after_a_takeover_closes_the_one_before(stage):
    @stage.agent
    async def asker(run, task):
        async with run.agent("clerk") as clerk:
            answer = await clerk.ask("input", "Your name?")
        await run.say(tokens(f"{answer.decision} {answer.value}"))

    lost = MemoryBroker(stage.broker.core)
    async with stage.worker(broker=lost, drain_s=0.0):
        command = await stage.post("asker")
        await stage.until(lambda fold: fold.item("i2-1") is not None)
        lost.interrupt()
        async with stage.worker():
            await stage.until(lambda fold: fold.item("i2-2") is not None)
            await stage.input(command.run, ev.InterruptResolved(id="i2-2", decision="answered", value="Ada"))
            await stage.broker.control(command.run, InputAppended())
            fold = await stage.ended(command.run)
            await assert_sealed_as_logged(stage, command.run)
    resolved = of_type(await stage.events(command.run), ev.InterruptResolved)
    assert [(event.id, event.decision, event.by) for event in resolved] == [("i2-1", "expired", "worker_lost")]
    assert [item.id for item in fold.items(command.run) if isinstance(item, Interrupt)] == ["i2-2"]
    assert fold.item("m2-1").content == "answered Ada"


async def test_a_question_that_was_answered_while_no_worker_had_the_run_is_not_closed_nor_asked_again(stage):
    @stage.agent
    async def asker(run, task):
        answer = await run.ask("input", "Your name?")
        await run.say(tokens(f"{answer.decision} {answer.value}"))

    lost = MemoryBroker(stage.broker.core)
    async with stage.worker(broker=lost, drain_s=0.0):
        command = await stage.post("asker")
        await stage.until(lambda fold: fold.item("i2-1") is not None)
        lost.interrupt()
        await stage.input(command.run, ev.InterruptResolved(id="i2-1", decision="answered", value="Ada"))
        async with stage.worker():
            fold = await stage.ended(command.run)
            await assert_sealed_as_logged(stage, command.run)
    assert of_type(await stage.events(command.run), ev.InterruptResolved) == []
    assert [item.value for item in fold.items(command.run) if isinstance(item, Interrupt)] == ["Ada"]


async def test_an_answer_that_comes_just_before_the_claim_of_the_next_attempt_is_kept(stage):
    @stage.agent
    async def asker(run, task):
        await run.ask("input", "Your name?")

    lost = MemoryBroker(stage.broker.core)
    async with stage.worker(broker=lost, drain_s=0.0):
        command = await stage.post("asker")
        await stage.until(lambda fold: fold.item("i2-1") is not None)
        lost.interrupt()
        async with Publisher(stage.broker) as publisher:
            attempt = Attempt(stage.broker, publisher, command, worker="w2")
            assert await attempt.begin(2)
            await stage.input(command.run, ev.InterruptResolved(id="i2-1", decision="answered", value="Ada"))
            await attempt.claim()
            assert (await attempt.run.ask("input", "Your name?")).value == "Ada"


async def begun_and_lost(stage, command, *, times):
    """Attempts that begin and end with their worker."""
    async with Publisher(stage.broker) as publisher:
        for _ in range(times):
            delivery = await stage.broker.fetch_command(1.0)
            attempt = Attempt(stage.broker, publisher, command, worker="w0")
            assert await attempt.begin(delivery.attempt)
            await attempt.claim()
            await delivery.nak()


async def test_attempts_that_are_used_up_end_the_run(stage):
    @stage.agent
    async def greeter(run, task):
        pass

    command = await stage.post("greeter")
    await begun_and_lost(stage, command, times=QUICK.attempts_max)
    async with stage.worker():
        fold = await stage.ended(command.run)
        await assert_sealed_as_logged(stage, command.run)
        await stage.until(lambda _: not stage.broker.core.commands.jobs)
    assert fold.runs[command.run].error.code == "worker_lost"


@pytest.mark.parametrize(("deliveries", "status"), [(QUICK.attempts_max, "completed"), (30, "failed")])
async def test_a_delivery_that_came_to_nothing_is_no_attempt_unless_that_has_no_end(stage, deliveries, status):
    @stage.agent
    async def greeter(run, task):
        pass

    command = await stage.post("greeter")
    for _ in range(deliveries):
        await (await stage.broker.fetch_command(1.0)).nak()
    async with stage.worker():
        fold = await stage.ended(command.run)
    assert fold.runs[command.run].status == status


async def test_a_second_copy_of_a_command_does_not_take_over_a_run_that_goes_on(stage):
    said = Said()

    @stage.agent
    async def patient(run, task):
        await said.here()

    async with stage.worker(), stage.worker(broker=MemoryBroker(stage.broker.core)):
        command = await stage.post("patient")
        await said.reached.wait()
        queue = stage.broker.core.commands
        copy = queue.put(subjects.command(command.agent, TENANT, "c1"), msgspec.json.encode(command))
        await stage.until(lambda _: queue.jobs[copy].attempt >= 3)
        said.go_on.set()
        fold = await stage.ended(command.run)
        await stage.until(lambda _: not queue.jobs)
    assert (fold.runs[command.run].status, fold.runs[command.run].attempt) == ("completed", 1)


async def test_workers_that_drain_hand_a_run_over_and_use_up_none_of_its_attempts(stage):
    said = Said()

    @stage.agent
    async def patient(run, task):
        await said.here()

    command = await stage.post("patient")
    for _ in range(QUICK.attempts_max + 1):
        said.reached.clear()
        async with stage.worker(drain_s=0.0):
            await said.reached.wait()
        assert (await stage.fold()).runs[command.run].retrying == "worker_drained"
    said.go_on.set()
    async with stage.worker():
        fold = await stage.ended(command.run)
        await assert_sealed_as_logged(stage, command.run)
    assert fold.runs[command.run].status == "completed"
    retries = of_type(await stage.events(command.run), ev.RunRetrying)
    assert [event.cause for event in retries] == ["worker_drained"] * (QUICK.attempts_max + 1)


async def test_a_worker_that_drains_finishes_what_it_can_and_leaves_the_rest_to_another(stage):
    quick, slow = Said(), Said()
    quick.go_on.set()

    @stage.agent
    async def finishes(run, task):
        await quick.here()
        await asyncio.sleep(0)

    @stage.agent
    async def goes_on(run, task):
        await run.say(tokens("kept"))
        await slow.here()
        await run.say(tokens("more"))

    async with stage.worker(drain_s=0.2):
        one = await stage.post("finishes")
        await stage.ended(one.run)
        two = await stage.post("goes_on")
        await slow.reached.wait()
    assert len(stage.broker.core.commands.jobs) == 1
    slow.go_on.set()
    async with stage.worker():
        fold = await stage.ended(two.run)
        await assert_sealed_as_logged(stage, two.run)
    assert [item.content for item in fold.items(two.run)] == ["go", "kept", "more"]
    assert fold.runs[two.run].attempt == 2


async def test_a_worker_takes_no_more_runs_than_it_has_slots(stage):
    said = Said()
    active = set()
    most = 0

    @stage.agent
    async def counted(run, task):
        nonlocal most
        active.add(run.id)
        most = max(most, len(active))
        if len(active) == 2:
            said.reached.set()
        await said.go_on.wait()
        active.discard(run.id)

    others = [Stage(stage.broker, f"c{number}") for number in range(4)]
    async with stage.worker(slots=2):
        commands = [await other.post("counted") for other in others]
        await said.reached.wait()
        said.go_on.set()
        for other, command in zip(others, commands, strict=True):
            await other.ended(command.run)
    assert most == 2


async def test_a_zombie_is_fenced_by_the_attempt_that_follows_and_its_late_words_are_lost(stage):
    said = Said()

    @stage.agent
    async def speaker(run, task):
        async def words():
            yield "begun"
            if not said.reached.is_set():
                await said.here()
                yield " by a zombie"
            else:
                yield " and ended"

        await run.say(words())

    class Frozen(MemoryBroker):
        """What a worker that does not run hears: nothing."""

        async def on_control(self, run, callback):
            return await super().on_control(f"not-{run}", callback)

    frozen = Frozen(stage.broker.core)
    async with stage.worker(broker=frozen, limits=Limits(ack_wait_s=60), drain_s=0.0):
        command = await stage.post("speaker")
        await said.reached.wait()
        async with stage.worker():
            fold = await stage.ended(command.run, within_s=5.0)
            said.go_on.set()
            await assert_sealed_as_logged(stage, command.run)
    assert fold.item("m2-2").content == "begun and ended"
    assert (await stage.fold()).snapshot() == fold.snapshot()


async def test_a_run_that_a_gateway_ends_while_a_worker_claims_it_is_sealed_without_another_delivery():
    stage = Stage(MemoryBroker(MemoryCore(ack_wait_s=600)))
    command = None

    class Raced(MemoryBroker):
        """Ends the run between the worker's look at its lane and the worker's claim."""

        async def last_message(self, partition, subject):
            found = await super().last_message(partition, subject)
            if found is None and command is not None and subject.endswith(command.run):
                end = ev.Frame(run=command.run, n=1, ts=1, events=[ev.RunCancelled()])
                await self.append(subject, encode_frame(end), msg_id=f"{command.run}:end", expected_last=0)
            return found

    @stage.agent
    async def speaker(run, task):
        raise AssertionError("it must not run")

    command = await stage.post("speaker")
    async with stage.worker(broker=Raced(stage.broker.core)):
        fold = await stage.ended(command.run)
        await assert_sealed_as_logged(stage, command.run)
    assert fold.runs[command.run].status == "cancelled"
    assert await commands_left(stage) == 0


async def test_a_run_whose_heartbeat_fails_is_given_up_and_taken_over(stage):
    said = Said()

    class Broken(MemoryBroker):
        broken = False

        async def next_message(self, partition, subject, after):
            if self.broken:
                self.broken = False
                raise KeyError("a bug")
            return await super().next_message(partition, subject, after)

    @stage.agent
    async def waiter(run, task):
        if not said.reached.is_set():
            await said.here()
        await run.say(tokens("done"))

    broker = Broken(stage.broker.core)
    async with stage.worker(broker=broker):
        command = await stage.post("waiter")
        await said.reached.wait()
        broker.broken = True
        fold = await stage.ended(command.run)
    assert (fold.runs[command.run].status, fold.runs[command.run].attempt) == ("completed", 2)


@pytest.mark.parametrize("error", [Disconnected, UpstreamFailed, UpstreamTimeout, RateLimited])
async def test_a_model_that_stays_away_fails_the_run_as_one_to_be_sent_again_with_a_hint(stage, error):
    class Away:
        name = "away"
        chooses_tools = False
        context_tokens = 1000

        async def stream(self, request):
            raise error("not there")
            yield

        async def close(self):
            pass

    @stage.agent
    async def asker(run, task):
        await run.say("hello")

    async with stage.worker(model=Away()):
        command = await stage.post("asker")
        fold = await stage.ended(command.run)
    failed = fold.runs[command.run].error
    assert (failed.code, failed.retryable) == (error.code, True)
    assert "send the message again" in failed.hint


def test_a_model_call_is_tried_again_until_a_model_server_that_died_can_be_back():
    retry = Retry(tries=WorkerSettings().model_tries)
    assert sum(retry.pause_s * 2**tried for tried in range(retry.tries - 1)) > 7


async def test_model_retries_are_in_the_log_and_bounded(stage):
    class Flaky:
        name = "flaky"
        chooses_tools = False
        context_tokens = 1000

        def __init__(self, failures):
            self.failures = failures

        async def stream(self, request):
            if self.failures:
                self.failures -= 1
                raise UpstreamFailed("try again")
            yield TextDelta("at last")
            yield Finished("stop", ev.Usage(model="flaky", input=3, output=2))

        async def close(self):
            pass

    @stage.agent
    async def asker(run, task):
        await run.say("hello")

    limits = Limits(ack_wait_s=5, retry=Retry(tries=3, pause_s=0.001))
    async with stage.worker(model=Flaky(2), limits=limits):
        command = await stage.post("asker")
        fold = await stage.ended(command.run)
        await assert_sealed_as_logged(stage, command.run)
    retrying = of_type(await stage.events(command.run), ev.RunRetrying)
    assert [event.cause for event in retrying] == ["model_upstream_failed"] * 2
    assert fold.runs[command.run].usage == [ev.Usage(model="flaky", input=3, output=2)]
    async with stage.worker(model=Flaky(3), limits=limits):
        command = await stage.post("asker")
        fold = await stage.ended(command.run)
    assert fold.runs[command.run].error.code == "model_upstream_failed"
