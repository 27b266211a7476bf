"""What a worker logs about a run says whose it is, also where the code that logs knows nothing of runs."""

import contextlib

import pytest
import structlog
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from services.agent_worker.tools.tool import ToolError, tool
from tests.agent_worker.stage import Stage
from tests.broker.waiting import eventually


@pytest.fixture
def lines():
    """What is logged, as it would be written."""
    structlog.contextvars.clear_contextvars()
    with capture_logs(processors=[merge_contextvars]) as found:
        yield found


@tool
async def broken() -> str:
    """Fails."""
    raise KeyError("a bug")


async def test_every_line_about_a_run_names_run_and_conversation(stage, lines):
    first, second = stage, Stage(stage.broker, "c2")

    @first.agent
    async def failing(run, task):
        with contextlib.suppress(ToolError):
            await run.tool(broken)
        raise KeyError("another")

    async with first.worker():
        commands = [await first.post("failing"), await second.post("failing")]
        await first.ended(commands[0].run)
        await second.ended(commands[1].run)

    whose = {(line["event"], line.get("conversation"), line.get("run")) for line in lines}
    assert whose == {
        (event, command.conversation, command.run)
        for event in ("a tool failed", "an agent failed")
        for command in commands
    }


async def test_a_line_about_a_command_that_is_none_names_the_conversation_it_came_for(stage, lines):
    stage.broker.core.commands.put("ab.cmd.a.default.c1", b"not a command")
    async with stage.worker():
        await eventually(stage.broker.dead_letters)

    assert [(line["event"], line["conversation"]) for line in lines] == [("a command cannot be performed", "c1")]
