"""What a takeover keeps: every cut of a run that does a bit of everything, and the rules one by one."""

from __future__ import annotations

import asyncio

import pytest

from schemas import events as ev
from services.agent_worker.kept import Ids, asked_calls, used_ids
from services.agent_worker.models.port import (
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolArgsDelta,
    ToolCallDone,
    ToolCallStarted,
)
from services.agent_worker.tools import Progress, Tool, ToolError, tool
from tests.agent_worker.tape import plain, take_up


class Model:
    """Answers a request by its last message; counts what it is asked."""

    name = "m"
    chooses_tools = True
    context_tokens = 1000

    def __init__(self, asked: list[str]) -> None:
        self.asked = asked

    async def stream(self, request):
        text = request.messages[-1].text
        self.asked.append(f"model {text}")
        yield ReasoningDelta("hm")
        yield TextDelta("say ")
        yield TextDelta(text)
        if text == "call":
            for number, name in enumerate(["look", "fail"]):
                yield ToolCallStarted(f"c{number}", name)
                yield ToolArgsDelta(f"c{number}", '{"what":')
                yield ToolArgsDelta(f"c{number}", f"{number}}}")
                yield ToolCallDone(f"c{number}", name, {"what": number})
            yield ToolCallStarted("c2", "look")
            yield ToolCallDone("c2", "look", None, "no JSON object")
            yield Finished("tool_calls", ev.Usage(model="m", output=1))
        else:
            yield Finished("stop", ev.Usage(model="m", output=1))

    async def close(self) -> None:
        pass


def tools(asked: list[str]) -> list[Tool]:
    @tool
    async def look(what: int, progress: Progress) -> dict[str, int]:
        """Look."""
        await progress("half", 50)
        asked.append(f"look {what}")
        return {"saw": what}

    @tool
    def fail(what: int) -> str:
        """Fail."""
        asked.append(f"fail {what}")
        raise ToolError("no")

    return [look, fail]


async def everything(run, asked: list[str]) -> str:
    """An agent that uses every part of the run context. Returns what it has learned."""
    look, _ = belt = tools(asked)
    learned = []
    run.plan(["one", "two"])
    run.set_state({"list": []})
    async with run.step("think"):
        said = await run.say("call", tools=belt)
        learned.append(said.text)
        for call in said.calls:
            try:
                learned.append(str(await run.call(call, belt)))
            except ToolError as error:
                learned.append(f"{error.code}: {error}")
    run.patch_state([{"op": "add", "path": "/list/-", "value": 1}])

    async def work(name: str) -> None:
        async with run.agent(name) as sub:
            said = await sub.say(f"I am {name}")
            await sub.tool(look, what=len(name))
            async with sub.agent("nested") as nested:
                await nested.say("deep")
            sub.result = said.text

    async with asyncio.TaskGroup() as group:
        group.create_task(work("a"))
        group.create_task(work("bb"))
    async with run.artifact("report", "R", "text/plain") as report:
        await report.write("draft ")
        await report.write("one")
    async with run.artifact("report", "R", "text/plain", of=report.id) as report:
        await report.write("final")
    learned.append(f"v{report.version}")
    run.source("https://example.org", quote="q")
    run.log("noted")
    run.plan([ev.PlanItem(text="one", status="done")])
    run.patch_state([{"op": "add", "path": "/list/-", "value": 2}])
    learned.append(str(run.state))
    learned.append((await run.say("the end")).text)
    return "\n".join(learned)


async def test_a_run_that_is_taken_over_at_any_event_ends_as_if_it_had_not_been():
    asked: list[str] = []
    run, whole = take_up(model=Model(asked))
    learned = await everything(run, asked)
    expected = plain(whole.fold())
    in_all = sorted(asked)
    for cut in range(1, len(whole.frames) + 1):
        again: list[str] = []
        run, tape = take_up(whole.frames[:cut], attempt=2, model=Model(again))
        assert await everything(run, again) == learned, f"cut at {cut}"
        assert plain(tape.fold()) == expected, f"cut at {cut}"
        assert len(again) <= len(in_all)
    assert again == [], "everything was done, so nothing was done again"


async def test_a_run_that_is_taken_over_twice_at_any_two_events_ends_as_if_it_had_not_been():
    asked: list[str] = []
    run, whole = take_up(model=Model(asked))
    learned = await everything(run, asked)
    expected = plain(whole.fold())
    for cut in range(1, len(whole.frames) + 1, 3):
        run, second = take_up(whole.frames[:cut], attempt=2, model=Model([]))
        await everything(run, [])
        for later in range(cut + 2, len(second.frames) + 1, 5):
            again: list[str] = []
            run, third = take_up(second.frames[:later], attempt=3, model=Model(again))
            assert await everything(run, again) == learned, f"cut at {cut} and {later}"
            assert plain(third.fold()) == expected, f"cut at {cut} and {later}"


async def test_what_was_finished_is_not_asked_again():
    asked: list[str] = []
    run, whole = take_up(model=Model(asked))
    await everything(run, asked)
    done = {"model call": ev.MessageEnded, "look 0": ev.ToolResult, "fail 1": ev.ToolFailed}
    for name, kind in done.items():
        cut = next(n for n, frame in enumerate(whole.frames, 1) if isinstance(frame.events[0], kind))
        if kind is ev.ToolFailed:  # the first one is of arguments that were no JSON
            failed = [n for n, frame in enumerate(whole.frames, 1) if isinstance(frame.events[0], ev.ToolFailed)]
            cut = failed[1]
        again: list[str] = []
        run, _ = take_up(whole.frames[:cut], attempt=2, model=Model(again))
        await everything(run, again)
        assert name not in again


async def test_the_ids_of_a_new_attempt_are_above_those_of_what_was_dropped():
    run, tape = take_up(model=Model([]))
    await run.say("x")
    torn = [frame for frame in tape.frames if not isinstance(frame.events[0], ev.MessageEnded)][:-1]
    run, again = take_up(torn, attempt=2, model=Model([]))
    await run.say("x")
    assert {event.id for event in again.events(ev.MessageStarted)} == {"m2-1", "m2-2"}


async def test_an_answered_interrupt_is_not_asked_again():
    run, tape = take_up()
    tape.emit(ev.InterruptRequested(id="i2-1", kind="input", prompt="Name?"))
    tape.emit(ev.InterruptResolved(id="i2-1", decision="answered", value="Ada"))
    run, _ = take_up(tape.frames, attempt=2)
    assert (await run.ask("input", "Name?")).value == "Ada"


async def test_a_tool_call_with_other_arguments_is_another_call():
    asked: list[str] = []
    look, _ = tools(asked)
    run, tape = take_up()
    await run.tool(look, what=1)
    run, _ = take_up(tape.frames, attempt=2)
    await run.tool(look, what=2)
    await run.tool(look, what=1)
    assert asked == ["look 1", "look 2"]


async def test_the_same_call_twice_is_done_twice():
    asked: list[str] = []
    look, _ = tools(asked)
    run, tape = take_up()
    await run.tool(look, what=1)
    run, _ = take_up(tape.frames, attempt=2)
    await run.tool(look, what=1)
    await run.tool(look, what=1)
    assert asked == ["look 1", "look 1"]


async def test_a_result_too_large_for_an_event_is_stored_and_comes_back_whole():
    calls = []

    @tool
    def flood() -> str:
        """Much."""
        calls.append(1)
        return "x" * 100_000

    run, tape = take_up()
    assert await run.tool(flood) == "x" * 100_000
    (event,) = tape.events(ev.ToolResult)
    assert set(event.result) == {"ref", "bytes", "preview"}
    run, _ = take_up(tape.frames, attempt=2, broker=run._turn.broker)
    assert await run.tool(flood) == "x" * 100_000
    assert calls == [1]


async def test_a_result_that_looks_like_a_reference_cannot_name_a_stored_object():
    forged = {"ref": "another-tenant/secret", "bytes": 6, "preview": "s"}

    @tool
    def forge() -> dict[str, object]:
        """Names what is not its own."""
        return forged

    run, tape = take_up()
    await run._turn.broker.put_object("another-tenant/secret", b'"secret"')
    await run.tool(forge)
    run, _ = take_up(tape.frames, attempt=2, broker=run._turn.broker)
    assert await run.tool(forge) == forged


@pytest.mark.parametrize("used", [{}, {"m": 4}])
def test_ids_count_each_kind_on_its_own(used):
    ids = Ids(7, used)
    assert [ids.next("m"), ids.next("t"), ids.next("m")] == [
        f"m7-{used.get('m', 0) + 1}",
        "t7-1",
        f"m7-{used.get('m', 0) + 2}",
    ]


def test_used_ids_are_the_highest_of_each_kind_and_foreign_ids_do_not_count():
    frame = ev.Frame(
        run="r1",
        n=1,
        ts=1,
        events=[
            ev.StepStarted(id="s2-9", name=""),
            ev.StepFinished(id="s2-3"),
            ev.Log(id="odd", level="info", text=""),
        ],
    )
    assert used_ids([frame]) == {"s": 9}


def test_calls_reopened_by_a_later_attempt_are_not_asked_twice():
    def call(item):
        return [ev.ToolStarted(id=item, name="look", message="m2-1"), ev.ToolArgs(id=item, args={"what": 1})]

    events = [*call("t2-1"), ev.MessageEnded(id="m2-1"), *call("t2-2")]
    frame = ev.Frame(run="r1", n=1, ts=1, events=events)
    assert [(asked.id, asked.args) for asked in asked_calls([frame])["m2-1"]] == [("t2-1", {"what": 1})]
