"""The viewer against a real gateway: only the worker is played, from the rehearsed `team` run."""

import asyncio
import signal

from schemas import events as ev
from schemas.commands import CancelRun
from services.broker.memory import MemoryBroker
from services.gateway.bearer import Bearer
from services.gateway.keys import Keys, parse_keys
from services.gateway.tokens import Rules
from tests.gateway.http.issuer import AUDIENCE, ISSUER, jwks, token
from tests.viewer import demo
from tests.viewer.processes import line_with, output, terminal, viewer
from tests.viewer.scripted_gateway import until
from tests.viewer.test_lines import told

STORY = told(demo.team_run())


async def play(run, events):
    for ns, event in events:
        await run.write(event, ns=ns)


def renamed(lines, run):
    """The story's lines as they are for another run, without times: the gateway's clock is not the worker's."""
    return [line.replace("run1", run.command.run).partition(" completed in")[0] for line in lines]


async def test_a_message_begins_a_conversation_and_all_agents_are_told_in_their_namespaces(start, worker):
    gateway = start()
    arguments = ("--url", gateway.url, "--agent", "team", "--message", "Why do rivers branch?")
    ended = asyncio.create_task(output(*arguments))
    run = await worker.take()
    assert (run.command.agent, run.command.text) == ("team", "Why do rivers branch?")
    await play(run, [*demo.OPENING, *demo.AT_WORK, *demo.REST])
    code, lines, notes = await ended
    assert code == 0, notes
    assert [line.partition(" completed in")[0] for line in lines] == renamed(STORY, run)


async def test_a_viewer_whose_gateway_drains_goes_on_at_another_and_tells_everything_once(start, worker):
    first, second = start(), start()
    urls = f"{first.url},{second.url}"
    async with viewer("--url", urls, "--agent", "team", "--message", "Why do rivers branch?") as process:
        run = await worker.take()
        await play(run, [*demo.OPENING, *demo.AT_WORK])
        seen = [await line_with(process.stdout, "Seven bends")]
        first.drain()
        await line_with(process.stderr, "reconnecting")
        await play(run, demo.REST)
        out, _ = await process.communicate()
    lines = out.decode().splitlines()
    rest = renamed(STORY, run)
    assert [line.partition(" completed in")[0] for line in [*seen, *lines]] == rest[rest.index(seen[0]) :]
    assert process.returncode == 0


async def test_who_attaches_to_a_running_conversation_sees_what_was_and_what_comes(start, worker):
    gateway = start()
    async with viewer("--url", gateway.url, "--agent", "team", "--message", "Why do rivers branch?") as process:
        run = await worker.take()
        await play(run, [*demo.OPENING, *demo.AT_WORK])
        conversation = run.command.conversation
        async with viewer("--url", gateway.url, "--conversation", conversation) as other:
            await line_with(other.stdout, "Seven bends")
            await play(run, demo.REST)
            out, _ = await other.communicate()
        assert out.decode().splitlines()[-1].startswith(f"[run {run.command.run}] team completed")
        _, notes = await process.communicate()
    cursor = notes.decode().rpartition("--after ")[2].strip()
    assert await output("--url", gateway.url, "--conversation", conversation, "--after", cursor) == (
        0,
        [],
        f"-- catching up\n-- live\n-- to come back: --conversation {conversation} --after {cursor}\n",
    )


async def test_ctrl_c_reaches_the_worker_as_a_cancel(start, worker, core):
    gateway = start()
    async with viewer("--url", gateway.url, "--agent", "team", "--message", "Why?") as process:
        run = await worker.take()
        heard = []
        await MemoryBroker(core).on_control(run.command.run, heard.append)
        await play(run, demo.OPENING)
        await line_with(process.stdout, "Two of us")
        process.send_signal(signal.SIGINT)
        await until(lambda: heard)
        assert isinstance(heard[0], CancelRun)
        await run.write(ev.RunCancelled())
        await line_with(process.stdout, "cancelled by user")
        assert await process.wait() == 1


async def test_a_conversation_that_is_not_there_is_said_in_one_line(start):
    code, lines, notes = await output("--url", start().url, "--conversation", "nobody")
    assert (code, lines) == (1, [])
    assert "nobody" in notes.splitlines()[-1]


async def test_in_a_terminal_agents_stream_in_nested_panels_and_a_person_types_below(start, worker):
    gateway = start()
    async with terminal("--url", gateway.url, "--agent", "team") as screen:
        await screen.shows("● live")
        screen.type("Why do rivers brunch?\x1b[D\x1b[D\x1b[D\x1b[D\x7fa\r")
        run = await worker.take()
        assert run.command.text == "Why do rivers branch?"
        await play(run, [*demo.OPENING, *demo.AT_WORK])
        await screen.shows("│ │ │ Seven bends in the upper reach.")
        await screen.shows(' 40 % search(query="anabranching rivers")')
        await play(run, demo.REST)
        await screen.shows("completed in")
        await screen.shows("Rivers branch where they bend.")
        screen.type("/agent no body\r")
        await screen.shows("agent 'no body' is not 1 to 64 characters")
        screen.type("/agent assistant\rAnd deltas?\r")
        second = await worker.take()
        assert (second.command.agent, second.command.text) == ("assistant", "And deltas?")
        await second.play("They branch too.")
        await screen.shows("They branch too.")
        screen.type("\x04")
        assert await screen.process.wait() == 0


async def test_in_a_terminal_ctrl_c_cancels_and_then_leaves_what_runs_on_the_screen(start, worker):
    gateway = start()
    async with terminal("--url", gateway.url, "--agent", "team") as screen:
        await screen.shows("● live")
        screen.type("Why do rivers branch?\r")
        run = await worker.take()
        await play(run, [*demo.OPENING, *demo.AT_WORK])
        await screen.shows("Ctrl-C cancels")
        screen.process.send_signal(signal.SIGINT)
        await screen.shows("─ cancelling ─")
        drawn = len(screen.text)
        screen.process.send_signal(signal.SIGINT)
        assert await screen.process.wait() == 0
        screen.read()
        assert "Seven bends in the upper reach." in screen.text[drawn:]


async def test_a_gateway_that_asks_who_is_there_is_told_by_the_token_and_a_bad_one_is_told_why(
    start, worker, monkeypatch
):
    url = start(Bearer(Keys(None, parse_keys(jwks("EdDSA"))), Rules(ISSUER, AUDIENCE, "tenant"))).url
    monkeypatch.setenv("ANABRANCH_TOKEN", token("acme"))
    ended = asyncio.create_task(output("--url", url, "--message", "Why do rivers branch?"))
    run = await worker.take()
    await run.play("They do.")
    code, lines, notes = await ended
    assert (code, run.command.tenant) == (0, "acme"), notes
    assert any("They do." in line for line in lines)
    monkeypatch.setenv("ANABRANCH_TOKEN", token("acme", exp=1))
    tries = [(), ("--conversation", run.command.conversation)]
    for code, lines, notes in await asyncio.gather(*(output("--url", url, *arguments) for arguments in tries)):
        assert (code, lines) == (1, [])
        assert "not let in: the token has expired" in notes and "ANABRANCH_TOKEN" in notes
