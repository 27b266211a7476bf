"""Models behind the Responses API: OpenAI's, with reasoning summaries, and whoever speaks it too."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from services.agent_worker.models.port import (
    AssistantMessage,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    SystemMessage,
    ToolMessage,
    ToolSpec,
    UserMessage,
)
from services.agent_worker.models.responses_stream import ResponsesStream
from services.agent_worker.models.upstream import Upstream

_REASONS = re.compile(r"(^|/)(o\d|gpt-[5-9]|gpt-oss)")
"""Models that are asked for summaries of their reasoning. One that refuses is not asked again (`Upstream.events`)."""


class OpenAIResponses:
    """Nothing is stored upstream (`store=False`): the conversation is ours, and goes along whole."""

    def __init__(self, upstream: Upstream, name: str, *, context_tokens: int, chooses_tools: bool = True) -> None:
        self.name = name
        self.chooses_tools = chooses_tools
        self.context_tokens = context_tokens
        self._upstream = upstream

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        response = ResponsesStream(self.name, f"call-{len(request.messages)}-")
        required = {"model": self.name, "input": [item for message in request.messages for item in _items(message)]}
        if request.tools:
            required["tools"] = [_tool(spec) for spec in request.tools]
        optional: dict[str, Any] = {"store": False}
        if request.max_tokens:
            optional["max_output_tokens"] = request.max_tokens
        if _REASONS.search(self.name):
            optional["reasoning"] = {"summary": "auto"}
        events = self._upstream.events(self._upstream.client.responses.create, required, optional)
        async with aclosing(events):
            async for each in events:
                for event in response.feed(each):
                    yield event
        for event in response.finish():
            yield event

    async def close(self) -> None:
        await self._upstream.close()


def _items(message: ModelMessage) -> list[dict[str, Any]]:
    match message:
        case SystemMessage(text):
            return [{"role": "system", "content": text}]
        case UserMessage(text):
            return [{"role": "user", "content": text}]
        case ToolMessage(call, text):
            return [{"type": "function_call_output", "call_id": call, "output": text}]
        case AssistantMessage(text, calls, carry):
            # As parts: llama.cpp does not take an assistant's text as a plain string here.
            parts = [{"type": "output_text", "text": text}]
            said = [{"type": "message", "role": "assistant", "content": parts}] if text else []
            made = [
                {"type": "function_call", "call_id": call.call, "name": call.name, "arguments": call.args}
                for call in calls
            ]
            return [*carry, *said, *made]


def _tool(spec: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "name": spec.name,
        "description": spec.description,
        "parameters": spec.schema,
        # Strict mode wants every parameter required, which a signature with defaults is not; `Tool` checks anyway.
        "strict": False,
    }
