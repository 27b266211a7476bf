"""MODEL=scripted: a model that says what `rehearsal` wrote for it, at a rate that is set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator

import msgspec

from schemas.events import Usage
from services.agent_worker.models.port import (
    Finish,
    Finished,
    ModelEvent,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    ToolArgsDelta,
    ToolCallDone,
    ToolCallStarted,
    UpstreamFailed,
)
from services.agent_worker.models.rehearsal import Rehearsed, rehearse, tokens_of

TOKENS_PER_S = 50.0
TURN_TOKENS = 16
"""At full speed it lets others run after this many: a real model would wait for its socket."""


class Scripted:
    """`tokens_per_s` 0 is as fast as it is taken."""

    name = "scripted"
    chooses_tools = True
    context_tokens = 128_000

    def __init__(self, tokens_per_s: float = TOKENS_PER_S) -> None:
        self._tokens_per_s = tokens_per_s

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        spoken = 0
        for event in script(request):
            yield event
            if isinstance(event, (TextDelta, ReasoningDelta, ToolArgsDelta)):
                spoken += 1
                if self._tokens_per_s:
                    # By a schedule, not by pauses: a late wake-up is caught up with and the rate holds.
                    await asyncio.sleep(max(0.0, begun + spoken / self._tokens_per_s - loop.time()))
                elif spoken % TURN_TOKENS == 0:
                    await asyncio.sleep(0)

    async def close(self) -> None:
        pass


def script(request: ModelRequest) -> Iterator[ModelEvent]:
    """The whole stream of the answer to `request`. Raises UpstreamFailed where the rehearsal wants it."""
    rehearsed = rehearse(request)
    said = [*_spoken(rehearsed, request)]
    deltas = sum(isinstance(event, (TextDelta, ReasoningDelta, ToolArgsDelta)) for event in said)
    finish: Finish = "tool_calls" if rehearsed.calls else "stop"
    if request.max_tokens and deltas > request.max_tokens and not rehearsed.calls:
        said, deltas, finish = said[: request.max_tokens], request.max_tokens, "length"
    if rehearsed.fails:
        yield from said[: len(said) // 2]
        raise UpstreamFailed("the model failed, as rehearsed")
    yield from said
    thought = sum(isinstance(event, ReasoningDelta) for event in said)
    read = sum(len(tokens_of(message.text)) for message in request.messages)
    yield Finished(finish, Usage(model=Scripted.name, input=read, output=deltas, reasoning=thought))


def _spoken(rehearsed: Rehearsed, request: ModelRequest) -> Iterator[ModelEvent]:
    for token in tokens_of(rehearsed.thought):
        yield ReasoningDelta(token)
    for token in tokens_of(rehearsed.text):
        yield TextDelta(token)
    for index, (name, args) in enumerate(rehearsed.calls):
        call = f"call-{len(request.messages)}-{index + 1}"
        yield ToolCallStarted(call, name)
        for token in tokens_of(msgspec.json.encode(args).decode()):
            yield ToolArgsDelta(call, token)
        yield ToolCallDone(call, name, args)
