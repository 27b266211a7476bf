"""An OpenAI-compatible server on a real port that plays what it is told: recorded chunks, errors, cuts, silence.

Each request takes the next reply of `replies`; a test that queues none gets a short answer in the protocol it asked for.
"""

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse


@dataclass
class Failure:
    """An HTTP error instead of a stream. `error` is the body's `error` object, or a text that is no JSON."""

    status: int
    error: dict | str
    headers: dict = field(default_factory=dict)


class Cut:
    """The connection breaks here."""


class CutHere(Exception):
    pass


Part = dict | str | bytes | asyncio.Event | Cut
"""A JSON event; raw text of the event stream; a wait until a test sets it; a cut."""


class OpenAIServer:
    def __init__(self) -> None:
        self.url = ""
        self.forget()

    def forget(self) -> None:
        """Begin another test: `asked` is set by a request, `left` when a client went away in the middle of a reply."""
        self.requests: list[dict] = []
        self.replies: deque[Failure | list[Part]] = deque()
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    def play(self, *parts: Part) -> None:
        self.replies.append(list(parts))

    def fail(self, status: int, error: dict | str, **headers: str) -> None:
        self.replies.append(Failure(status, error, headers))

    async def answer(self, request: Request, usual: list[Part]) -> Response:
        self.requests.append(await request.json())
        self.asked.set()
        reply = self.replies.popleft() if self.replies else usual
        if isinstance(reply, Failure):
            if isinstance(reply.error, str):
                return Response(reply.error, reply.status, reply.headers)
            return JSONResponse({"error": reply.error}, reply.status, reply.headers)
        return StreamingResponse(self._events(reply), media_type="text/event-stream")

    async def _events(self, parts: list[Part]) -> AsyncIterator[bytes]:
        try:
            for part in parts:
                match part:
                    case asyncio.Event():
                        await part.wait()
                    case Cut():
                        raise CutHere
                    case dict():
                        yield f"data: {json.dumps(part)}\n\n".encode()
                    case str():
                        yield part.encode()
                    case bytes():
                        yield part
        except asyncio.CancelledError:
            self.left.set()
            raise


def chat_chunk(delta: dict | None = None, finish: str | None = None, **fields: object) -> dict:
    """A chunk as OpenAI sends it; `fields` replaces what stands at its top."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    usual = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return usual | fields


def usage_chunk(prompt: int, completion: int) -> dict:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return chat_chunk(choices=[], usage=usage)


DONE = "data: [DONE]\n\n"


def chat_answer(*texts: str) -> list[Part]:
    return [*(chat_chunk({"content": text}) for text in texts), chat_chunk(finish="stop"), usage_chunk(7, 3), DONE]


def response(status: str = "completed", **fields: object) -> dict:
    usage = {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 2},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 10,
    }
    usual = {"id": "resp-1", "object": "response", "created_at": 1, "model": "m", "status": status, "output": []}
    return usual | {"usage": usage, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []} | fields


def response_answer(*texts: str) -> list[Part]:
    item = {"id": "msg-1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    where = {"item_id": "msg-1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "".join(texts), "annotations": []}
    events = [
        {"type": "response.created", "response": response("in_progress", usage=None)},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **where, "part": part | {"text": ""}},
        *({"type": "response.output_text.delta", **where, "delta": text, "logprobs": []} for text in texts),
        {"type": "response.output_text.done", **where, "text": part["text"], "logprobs": []},
        {"type": "response.output_item.done", "output_index": 0, "item": item | {"status": "completed"}},
        {"type": "response.completed", "response": response(output=[item | {"content": [part]}])},
    ]
    return numbered(events)


def numbered(events: list[dict]) -> list[Part]:
    """As OpenAI writes them: the type in `event:` too, and a sequence number."""
    return [
        f"event: {event['type']}\ndata: {json.dumps(event | {'sequence_number': index})}\n\n"
        for index, event in enumerate(events)
    ]


def _app(server: OpenAIServer) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        return await server.answer(request, chat_answer("Hello", " there."))

    @app.post("/v1/responses")
    async def responses(request: Request) -> Response:
        return await server.answer(request, response_answer("Hello", " there."))

    return app


@contextlib.asynccontextmanager
async def openai_server() -> AsyncIterator[OpenAIServer]:
    server = OpenAIServer()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        config = uvicorn.Config(
            _app(server), log_level="critical", lifespan="off", ws="none", timeout_graceful_shutdown=1
        )
        web = uvicorn.Server(config)
        web.capture_signals = contextlib.nullcontext
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(web.serve(sockets=[listener]))
            try:
                yield server
            finally:
                web.should_exit = True
