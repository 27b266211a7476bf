"""Calling tools inside a run: each call is published from its arguments to its result or failure."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Sequence
from typing import Any

from schemas import events as ev
from schemas.transcript import ToolCall
from services.agent_worker.asking import calling
from services.agent_worker.kept import CANCELLED
from services.agent_worker.speech import ARGUMENTS, Asked
from services.agent_worker.tools.tool import Tool, ToolError
from services.agent_worker.turn import BROKEN_OFF, Turn, error_of, note
from services.agent_worker.values import plain

inside: contextvars.ContextVar[tuple[str, str]] = contextvars.ContextVar("inside", default=("", ""))
"""The tool call that the current task is inside of, as the namespace that called and the id: what an agent that this
namespace starts in there was caused by. One that starts deeper down has its parent in between, and another cause.
"""


async def call_tool(turn: Turn, ns: str, tool: Tool, args: dict[str, Any]) -> Any:
    """Call a tool as the agent's code asks. Raises ToolError, Invalid for a number in `args` that is not finite, or what else
    AnabranchError the tool raised.
    """
    args = plain(args)
    done = turn.kept.tool(ns, tool.name, args)
    if done is not None:
        return await _result_before(turn, done)
    await turn.room()
    return await _perform(turn, ns, tool, _start(turn, ns, tool.name, args, title=tool.title), args)


async def call_asked(turn: Turn, ns: str, asked: Asked, tools: Sequence[Tool]) -> Any:
    """Perform a call that the model asked for, with the one of `tools` that it names.

    Raises:
        ToolError: also if there is no such tool, or the arguments were no JSON object.
    """
    done = turn.kept.call(asked.id) if asked.kept else None
    if done is not None:
        return await _result_before(turn, done)
    await turn.room()
    item_id = asked.id
    if asked.kept:  # the lost worker did not come to its end, so the fold has forgotten it
        item_id = _start(turn, ns, asked.name, asked.args, message=asked.message)
    if asked.args is None:
        error = ToolError(asked.error, code=ARGUMENTS)
        if not asked.kept:  # said already, when the message ended
            raise error
    else:
        for tool in tools:
            if tool.name == asked.name:
                return await _perform(turn, ns, tool, item_id, asked.args)
        error = ToolError(f"there is no tool {asked.name!r}", code="unknown_tool")
    turn.emit(ev.ToolFailed(id=item_id, code=error.code, message=note(error.message), ns=ns))
    raise error


def _start(turn: Turn, ns: str, name: str, args: dict[str, Any] | None, *, title: str = "", message: str = "") -> str:
    item_id = turn.ids.next("t")
    turn.emit(ev.ToolStarted(id=item_id, name=name, title=title, message=message, ns=ns))
    if args is not None:
        turn.emit(ev.ToolArgs(id=item_id, args=args, ns=ns))
    return item_id


async def _perform(turn: Turn, ns: str, tool: Tool, item_id: str, args: dict[str, Any]) -> Any:
    async def progress(step: str, percent: int, text: str = "") -> None:
        turn.emit(ev.ToolProgress(id=item_id, step=note(step), percent=percent, text=note(text), ns=ns))
        await turn.room()

    token = inside.set((ns, item_id))
    try:
        with calling(turn.counts, tool.name):
            result = await tool(args, progress)
        recorded = await turn.result_of(result)
    except asyncio.CancelledError:
        turn.emit(ev.ToolFailed(id=item_id, code=CANCELLED, message=BROKEN_OFF, ns=ns))
        raise
    except Exception as error:
        code, message, retryable = error_of(error, f"tool {tool.name}")
        turn.emit(ev.ToolFailed(id=item_id, code=code, message=message, retryable=retryable, ns=ns))
        raise
    finally:
        inside.reset(token)
    turn.emit(ev.ToolResult(id=item_id, result=recorded, ns=ns))
    return result


async def _result_before(turn: Turn, done: ToolCall) -> Any:
    """What the call of an earlier attempt came to."""
    if done.error is not None:
        raise ToolError(done.error.message, code=done.error.code, retryable=done.error.retryable)
    return await turn.result_from(done.result)
