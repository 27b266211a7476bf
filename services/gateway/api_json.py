"""JSON bodies and answers, decoded and encoded by msgspec, and how the OpenAPI document speaks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from fastapi import Request
from starlette.responses import Response

from schemas.codec import json_hook
from schemas.errors import Invalid

T = TypeVar("T")

encode = msgspec.json.Encoder(enc_hook=json_hook).encode


class Json(Response):
    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(content, status_code, {"Cache-Control": "no-store"} | (headers or {}))

    def render(self, content: Any) -> bytes:
        return content if isinstance(content, bytes) else encode(content)


def body_of(kind: type[T]) -> Callable[[Request], Awaitable[T]]:
    """A dependency: the request's body as a `kind`; an empty body counts as `{}`.

    It raises Invalid: the body is no JSON (code `malformed`), or a field is wrong (`invalid_request`, which names it).
    """
    decoder = msgspec.json.Decoder(kind)

    async def read(request: Request) -> T:
        data = await request.body() or b"{}"
        try:
            return decoder.decode(data)
        except msgspec.ValidationError as error:
            raise Invalid(str(error), code="invalid_request") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Invalid(f"the body is not JSON: {error}", code="malformed") from error

    return read


def ref(kind: type) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def accepts(kind: type) -> dict[str, Any]:
    """`openapi_extra` of a route whose body is a `kind`."""
    return {"requestBody": {"content": {"application/json": {"schema": ref(kind)}}}}


STREAM: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}}


def returns(status: int, kind: type, description: str) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that answers with a `kind`."""
    return {status: {"description": description, "content": {"application/json": {"schema": ref(kind)}}}}
