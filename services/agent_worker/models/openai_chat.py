"""Models behind the chat completions protocol: vLLM, Ollama, llama.cpp and the like, and OpenAI with OPENAI_API=chat."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from services.agent_worker.models.chat_stream import ChatStream
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
from services.agent_worker.models.upstream import Upstream


class OpenAIChat:
    """`extra` goes into every request as it is: sampling parameters of an upstream that needs them."""

    def __init__(
        self,
        upstream: Upstream,
        name: str,
        *,
        context_tokens: int,
        chooses_tools: bool = True,
        extra: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.chooses_tools = chooses_tools
        self.context_tokens = context_tokens
        self._upstream = upstream
        self._extra = extra or {}

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        chat = ChatStream(self.name, f"call-{len(request.messages)}-")
        required = {"model": self.name, "messages": [_message(message) for message in request.messages]}
        if request.tools:
            required["tools"] = [_tool(spec) for spec in request.tools]
        optional: dict[str, Any] = {"stream_options": {"include_usage": True}} | self._extra
        if request.max_tokens:
            optional["max_tokens"] = request.max_tokens
        chunks = self._upstream.events(self._upstream.client.chat.completions.create, required, optional)
        async with aclosing(chunks):
            async for chunk in chunks:
                for event in chat.feed(chunk):
                    yield event
        for event in chat.finish():
            yield event

    async def close(self) -> None:
        await self._upstream.close()


def _message(message: ModelMessage) -> dict[str, Any]:
    match message:
        case SystemMessage(text):
            return {"role": "system", "content": text}
        case UserMessage(text):
            return {"role": "user", "content": text}
        case ToolMessage(call, text):
            return {"role": "tool", "tool_call_id": call, "content": text}
        case AssistantMessage(text, ()):
            return {"role": "assistant", "content": text}
        case AssistantMessage(text, calls):
            made = [
                {"id": call.call, "type": "function", "function": {"name": call.name, "arguments": call.args}}
                for call in calls
            ]
            return {"role": "assistant", "content": text, "tool_calls": made}


def _tool(spec: ToolSpec) -> dict[str, Any]:
    function = {"name": spec.name, "description": spec.description, "parameters": spec.schema}
    return {"type": "function", "function": function}
