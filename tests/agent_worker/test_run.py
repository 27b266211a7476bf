"""The run context: what agents do becomes events. (Takeovers: test_kept.py; a whole run: test_worker.py.)"""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from schemas import events as ev
from schemas.errors import Invalid, TooLarge
from schemas.transcript import Artifact, Message, ToolCall
from services.agent_worker.agents import Agent, agent
from services.agent_worker.models.port import (
    AssistantMessage,
    Finished,
    ReasoningDelta,
    SystemMessage,
    TextDelta,
    ToolArgsDelta,
    ToolCallDone,
    ToolCallStarted,
    UpstreamFailed,
    UserMessage,
)
from services.agent_worker.tools import Progress, ToolError, tool
from services.agent_worker.turn import NOTE_CHARS_MAX
from services.broker.memory import MemoryBroker
from tests.agent_worker.stage import tokens
from tests.agent_worker.tape import take_up


class Says:
    """A model that says what it was given, an error at the end if there is one."""

    name = "m"
    chooses_tools = True
    context_tokens = 1000

    def __init__(self, *events) -> None:
        self.events = events
        self.requests = []

    async def stream(self, request):
        self.requests.append(request)
        for event in self.events:
            if isinstance(event, Exception):
                raise event
            yield event
            await asyncio.sleep(0)

    async def close(self) -> None:
        pass


DONE = Finished("stop", ev.Usage(model="m", output=1))


def items(tape, kind):
    return [item for item in tape.fold().items("r1") if isinstance(item, kind)]


async def test_a_prompt_of_nothing_is_the_conversation_and_a_prompt_of_text_is_that_alone():
    model = Says(TextDelta("x"), DONE)
    run, _ = take_up(model=model)
    await run.say(system="S")
    await run.say("P")
    assert model.requests[0].messages == (SystemMessage("S"), UserMessage("go"))
    assert model.requests[1].messages == (UserMessage("P"),)


async def test_characters_that_foreign_code_cut_in_two_are_joined_and_a_lone_half_is_replaced():
    async def texts():
        for text in ("a ", "\ud83d", "\ude00", " b \udc00"):
            yield text

    run, _ = take_up()
    assert (await run.say(texts())).text == "a \U0001f600 b \ufffd"


async def test_reasoning_and_text_are_items_of_their_own_in_the_order_they_came():
    run, tape = take_up(
        model=Says(
            ReasoningDelta("a"), ReasoningDelta("b", True), TextDelta("1"), ReasoningDelta("c"), TextDelta("2"), DONE
        )
    )
    said = await run.say("?")
    assert said.text == "12"
    kinds = [(type(item).__name__, item.content, item.status) for item in tape.fold().items("r1")][1:]
    assert kinds == [
        ("Reasoning", "a", "done"),
        ("Reasoning", "b", "done"),
        ("Message", "12", "done"),
        ("Reasoning", "c", "done"),
    ]


async def test_a_tool_that_the_model_asks_for_is_streamed_called_and_answered():
    @tool
    async def add(a: int, b: int, progress: Progress) -> int:
        """Add."""
        await progress("adding", 50)
        return a + b

    call = [ToolCallStarted("c", "add"), ToolArgsDelta("c", '{"a":1,'), ToolArgsDelta("c", '"b":2}')]
    run, tape = take_up(
        model=Says(*call, ToolCallDone("c", "add", {"a": 1, "b": 2}), Finished("tool_calls", ev.Usage(model="m")))
    )
    said = await run.say("?", tools=[add])
    assert await run.call(said.calls[0], [add]) == 3
    (item,) = items(tape, ToolCall)
    assert (item.args, item.result, item.status, item.message) == ({"a": 1, "b": 2}, 3, "done", said.id)
    assert item.progress.percent == 50
    assert said.message == AssistantMessage("", said.message.calls)
    assert said.message.calls[0].call == "c"


async def test_a_call_of_an_unknown_tool_fails_visibly():
    run, tape = take_up(
        model=Says(ToolCallStarted("c", "x"), ToolCallDone("c", "x", {}), Finished("tool_calls", ev.Usage(model="m")))
    )
    said = await run.say("?")
    with pytest.raises(ToolError):
        await run.call(said.calls[0], [])
    assert items(tape, ToolCall)[0].error.code == "unknown_tool"


async def test_a_model_that_fails_in_mid_message_leaves_it_interrupted_and_is_not_asked_again():
    model = Says(TextDelta("half"), UpstreamFailed("gone"))
    run, tape = take_up(model=model)
    with pytest.raises(UpstreamFailed):
        await run.say("?")
    assert items(tape, Message)[1].status == "interrupted"
    assert len(model.requests) == 1


async def test_a_cancelled_tool_call_is_closed():
    @tool
    async def wait() -> None:
        """Wait."""
        await asyncio.Event().wait()

    run, tape = take_up()
    task = asyncio.ensure_future(run.tool(wait))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert items(tape, ToolCall)[0].error.code == "cancelled"


async def test_an_agent_started_inside_a_tool_call_names_it_as_its_cause():
    run, tape = take_up()

    @tool
    async def delegate() -> str:
        """Delegate."""
        async with run.agent("helper") as sub:
            await sub.say(tokens("helped"))
        return "done"

    await run.tool(delegate)
    (started,) = tape.events(ev.AgentStarted)
    (call,) = items(tape, ToolCall)
    assert (started.cause.kind, started.cause.id) == ("tool", call.id)


async def test_an_agent_that_such_an_agent_starts_has_its_cause_there_and_not_in_the_call():
    run, tape = take_up()

    @agent("inner")
    async def inner(run, task):
        await run.say(tokens("done"))

    @agent("outer", description="Has an agent of its own.")
    async def outer(run, task):
        await inner.under(run, task)
        return "so it is"

    handed_over = outer.as_tool(run)
    assert (handed_over.name, handed_over.spec.description) == ("ask_outer", "Has an agent of its own.")
    assert await run.tool(handed_over, task="look") == "so it is"
    (call,) = items(tape, ToolCall)
    causes = {event.ns: event.cause for event in tape.events(ev.AgentStarted)}
    assert causes == {
        "main/outer:1": ev.Cause(kind="tool", id=call.id),
        "main/outer:1/inner:1": ev.Cause(kind="code"),
    }


async def test_a_task_that_is_handed_over_may_take_as_long_as_the_run_and_only_its_name_is_limited():
    async def at_once(run, task):
        return task

    run, _ = take_up()
    handed_over = Agent("a" * 60, "", at_once).as_tool(run)
    assert handed_over.timeout_s is None
    assert await run.tool(handed_over, task="look") == "look"
    with pytest.raises(Invalid, match="tool 'ask_a"):
        Agent("a" * 61, "", at_once).as_tool(run)


async def test_an_artifact_is_streamed_and_final_with_its_digest_and_a_second_version_replaces_it():
    run, tape = take_up()
    async with run.artifact("report", "R", "text/markdown") as report:
        for word in ["one ", "two ", "thrée"]:
            await report.write(word)
    async with run.artifact("report", "R", "text/markdown", of=report.id) as second:
        await second.write("again")
    (item,) = items(tape, Artifact)
    assert [(version.content, version.status) for version in item.versions] == [
        ("one two thrée", "final"),
        ("again", "final"),
    ]
    assert item.versions[0].digest == hashlib.sha256("one two thrée".encode()).hexdigest()
    assert item.versions[0].size == len("one two thrée".encode())


@pytest.mark.parametrize("content", [b"\x89PNG", "x" * (ev.CONTENT_BYTES_MAX + 1)])
async def test_an_artifact_that_is_binary_or_large_goes_to_the_object_store(content):
    broker = MemoryBroker()
    run, tape = take_up(broker=broker)
    async with run.artifact("image", "P", "image/png") as image:
        await image.write(content)
    (item,) = items(tape, Artifact)
    stored = await broker.get_object(item.versions[0].ref)
    assert stored == (content.encode() if isinstance(content, str) else content)
    assert item.versions[0].content is None


async def test_an_artifact_that_an_error_leaves_stays_intermediate():
    run, tape = take_up()
    with pytest.raises(ValueError, match="no"):
        async with run.artifact("report", "R", "text/plain") as report:
            await report.write("draft")
            raise ValueError("no")
    (item,) = items(tape, Artifact)
    assert (item.status, item.versions[0].status) == ("open", "intermediate")


async def test_a_version_of_an_artifact_that_the_run_did_not_make_is_refused():
    run, _ = take_up()
    with pytest.raises(Invalid):
        async with run.artifact("report", "R", "text/plain", of="a9-9"):
            pass


async def test_texts_for_a_glance_are_cut_and_values_too_large_for_an_event_are_refused():
    run, tape = take_up()
    run.log("x" * 10_000)
    assert len(tape.events(ev.Log)[0].text) == NOTE_CHARS_MAX
    with pytest.raises(TooLarge):
        run.set_state({"x": "y" * 60_000})


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
async def test_a_number_that_json_does_not_have_is_refused_where_it_is_handed_over(number):
    @tool
    async def measure(depth: float) -> float:
        """Measure."""
        return depth

    run, tape = take_up()
    for value in (number, {"depths": [1.0, (number,)]}):
        with pytest.raises(Invalid, match="not a number that JSON has"):
            run.set_state(value)
        with pytest.raises(Invalid, match="not a number that JSON has"):
            run.patch_state([{"op": "replace", "path": "", "value": value}])
    with pytest.raises(Invalid):
        await run.tool(measure, depth=number)
    assert run.state == {} and tape.events(ev.StateSnapshot) == [] and items(tape, ToolCall) == []


async def test_what_is_left_open_is_closed_last_opened_first():
    run, tape = take_up()
    opened = [
        ev.AgentStarted(name="a", ns="main/a:1"),
        ev.MessageStarted(id="m2-1", ns="main/a:1"),
        ev.ToolStarted(id="t2-1", name="x", ns="main/a:1"),
        ev.ReasoningStarted(id="r2-1", ns="main/a:1"),
    ]
    for event in opened:
        run._turn.emit(event)
    run._turn.close_open()
    closed = [type(frame.events[0]) for frame in tape.frames[-4:]]
    assert closed == [ev.ReasoningEnded, ev.ToolFailed, ev.MessageEnded, ev.AgentFailed]


async def test_a_name_that_is_no_id_cannot_be_an_agent():
    run, _ = take_up()
    with pytest.raises(Invalid):
        async with run.agent("not an id"):
            pass


async def test_several_questions_wait_together_and_the_run_waits_until_all_are_answered():
    run, tape = take_up()
    first = asyncio.ensure_future(run.ask("input", "one?"))
    second = asyncio.ensure_future(run.ask("input", "two?"))
    await asyncio.sleep(0)
    run._turn.answer(ev.InterruptResolved(id="i2-1", decision="answered", value=1))
    assert (await first).value == 1
    assert tape.events(ev.RunWaiting)[-1].interrupts == ["i2-2"]
    run._turn.answer(ev.InterruptResolved(id="i2-2", decision="denied"))
    assert (await second).decision == "denied"
