"""The assistant: one agent that answers, with tools where the model can be trusted to choose them."""

from __future__ import annotations

import asyncio
import functools

import msgspec

from schemas.errors import AnabranchError
from services.agent_worker import tools
from services.agent_worker.agents.agent import agent
from services.agent_worker.agents.room import answer_tokens, fitted
from services.agent_worker.discovery import discover
from services.agent_worker.models.port import AssistantMessage, ModelMessage, ToolMessage, UserMessage
from services.agent_worker.run import Run
from services.agent_worker.speech import Asked
from services.agent_worker.tools.tool import Tool

ROUNDS_MAX = 8
"""Of tool calls. In the last one the model is offered no tools, so that it has to answer."""

RESULT_CHARS_MAX = 8_000
"""Of a tool's result as the model reads it; people see all of it."""

SYSTEM = "You are a helpful assistant. Answer in Markdown, to the point, and say so when you do not know."


@agent("assistant", description="Answers questions, with tools where the model can use them.")
async def assistant(run: Run, task: str) -> str:
    messages: list[ModelMessage] = [
        UserMessage(past.text) if past.role == "user" else AssistantMessage(past.text) for past in run.history
    ]
    messages.append(UserMessage(task))
    known = _tools() if run.model.chooses_tools else ()
    for tried in range(1, ROUNDS_MAX + 1):
        said = await run.say(
            fitted(messages, run.model.context_tokens),
            system=SYSTEM,
            tools=known if tried < ROUNDS_MAX else (),
            max_tokens=answer_tokens(run.model),
        )
        if not said.calls:
            return said.text
        messages += [said.message, *await _results(run, said.calls, known)]
    return said.text


@functools.cache
def _tools() -> tuple[Tool, ...]:
    return tuple(discover(tools, Tool).values())


async def _results(run: Run, calls: tuple[Asked, ...], known: tuple[Tool, ...]) -> list[ToolMessage]:
    """What the calls of one message came to, all of them at once, in the order they were asked for."""
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(_result(run, call, known)) for call in calls]
    return [ToolMessage(call.call, task.result()) for call, task in zip(calls, asked, strict=True)]


async def _result(run: Run, call: Asked, known: tuple[Tool, ...]) -> str:
    """As the model reads it. A failure is a result too: the model may do better next time."""
    try:
        result = await run.call(call, known)
    except AnabranchError as error:
        return f"Error: {error.message}"
    text = result if isinstance(result, str) else msgspec.json.encode(result).decode()
    return text if len(text) <= RESULT_CHARS_MAX else f"{text[:RESULT_CHARS_MAX]} … (cut off)"
