"""The viewer as a process whose output is not a terminal, against a real WebSocket server."""

import asyncio
import signal

import pytest

from schemas import events as ev
from schemas import wire
from tests.viewer import demo
from tests.viewer.processes import line_with, output, viewer
from tests.viewer.scripted_gateway import ScriptedGateway, served, until


def reply(text: str, end: ev.KnownEvent):
    """An answer to any message: one message of the agent, and how the run ends."""

    def answer(send: wire.Send, log: list[ev.Frame]) -> list[ev.Frame]:
        run, seq = f"run-{send.id}", log[-1].seq + 1 if log else 1
        n = max((frame.last for frame in log if frame.is_input), default=0) + 1
        queued = [
            ev.UserMessage(id=send.id, text=send.text, agent=send.agent),
            ev.RunQueued(agent=send.agent, message=send.id),
        ]
        asked = ev.Frame(run=run, lane="in", n=n, ts=1_000, seq=seq, events=queued)
        events: list[demo.Said] = [
            ("main", ev.RunStarted(agent=send.agent)),
            *demo.said("main", "m", f"m{seq}-1", text),
            ("main", end),
        ]
        return [asked, *demo.frames(events, run=run, seq=seq + 1)]

    return answer


async def test_a_message_is_sent_its_answer_streamed_and_the_process_ends_with_0():
    gateway = ScriptedGateway(log=[], answer=reply("They bend.", ev.RunCompleted()))
    async with served(gateway):
        arguments = ("--conversation", "c1", "--message", "Why?", "--agent", "team", "--url", gateway.url)
        code, lines, notes = await output(*arguments)
    assert code == 0, notes
    assert "[main] They bend." in lines
    assert [(send.text, send.agent) for send in gateway.sends] == [("Why?", "team")]
    assert "-- live" in notes
    assert f"--conversation c1 --after e0-{gateway.log[-1].seq}" in notes


async def test_a_run_that_fails_ends_the_process_with_1():
    gateway = ScriptedGateway(log=[], answer=reply("Hm", ev.RunFailed(code="model_error", message="it is silent")))
    async with served(gateway):
        code, lines, _ = await output("--conversation", "c1", "--message", "Why?", "--url", gateway.url)
    assert code == 1
    assert any("failed model_error: it is silent" in line for line in lines)


async def test_a_viewer_cut_after_every_event_shows_the_run_once_and_whole():
    log = demo.team_run()
    after = demo.cursor_of(log[0])
    gateway = ScriptedGateway(log=log, cut_after=[2] * 8, close_code=4000)
    uncut = ScriptedGateway(log=list(log))
    async with served(gateway), served(uncut):
        code, lines, notes = await output("--conversation", "c1", "--after", after, "--url", gateway.url)
        _, expected, _ = await output("--conversation", "c1", "--after", after, "--url", uncut.url)
    assert code == 0, notes
    assert lines == expected
    assert lines[-1].startswith("[run run1] team completed")
    assert len(gateway.subscribes) == 9
    assert [one.mode for one in gateway.subscribes] == ["replay"] * 9
    assert "-- reconnecting" in notes


async def test_a_viewer_moves_to_the_other_gateway_when_one_goes_away():
    log = demo.at_work()
    first, second = ScriptedGateway(log=log), ScriptedGateway(log=log)
    async with served(second), served(first):
        urls = f"{first.url},{second.url}"
        async with viewer("--conversation", "c1", "--url", urls) as process:
            await line_with(process.stdout, "Seven bends")
            first.close_code = 4000
            await first.hang_up(after_ms=1)
            rest = demo.frames(demo.REST, n=log[-1].last + 1, seq=log[-1].seq + 1)
            await until(lambda: second.subscribes)
            second.grow(rest)
            out, _ = await process.communicate()
    lines = out.decode().splitlines()
    assert lines[-1].startswith("[run run1] team completed")
    assert not [line for line in lines if "Seven bends" in line]
    assert second.subscribes[0].after == demo.cursor_of(log[-1 - len(rest)])


async def test_lines_of_standard_input_are_messages_and_its_end_waits_for_the_answers():
    gateway = ScriptedGateway(log=[], answer=reply("Yes.", ev.RunCompleted()))
    async with served(gateway):
        arguments = ("--conversation", "c1", "--url", gateway.url)
        async with viewer(*arguments, stdin=asyncio.subprocess.PIPE) as process:
            out, _ = await process.communicate(b"one\n\n two \n")
    assert [send.text for send in gateway.sends] == ["one", "two"]
    assert out.decode().count("[main] Yes.") == 2
    assert process.returncode == 0


async def test_ctrl_c_cancels_the_run_and_a_second_one_leaves():
    log = demo.at_work()
    gateway = ScriptedGateway(log=log)
    async with served(gateway), viewer("--conversation", "c1", "--url", gateway.url) as process:
        await line_with(process.stdout, "Seven bends")
        process.send_signal(signal.SIGINT)
        await until(lambda: gateway.cancels)
        assert [cancel.run for cancel in gateway.cancels] == ["run1"]
        assert process.returncode is None
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130


async def test_a_close_code_that_forbids_to_come_back_ends_the_process_with_its_reason():
    gateway = ScriptedGateway(log=demo.team_run(), cut_after=[0], close_code=4401)
    async with served(gateway):
        gateway.log.append(demo.question("run2", "u2", n=3))
        code, _, notes = await output("--conversation", "c1", "--after", "e0-0", "--url", gateway.url)
    assert code == 1
    assert "viewer: cut" in notes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--url", "http://127.0.0.1:9"), "`make run` starts one"),
        (("--url", "http://127.0.0.1:9", "--conversation", "c1"), "`make run` starts one"),
        (("--url", "127.0.0.1:9"), "does not start with http"),
        (("--conversation", "a.b"), "conversation 'a.b' is not 1 to 64 characters"),
        (("--after", "e0-1"), "--after needs the --conversation"),
        (("--conversation", "c1", "--after", "later"), "'later' is not a cursor"),
        (("--agent", ""), "agent '' is not 1 to 64"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(arguments, said):
    code, lines, notes = await output(*arguments)
    assert (code, lines) == (1, [])
    assert said in notes
    assert len(notes.splitlines()) == 1
