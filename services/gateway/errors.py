"""Every failure has one form on the wire: `{code, message, retryable}` with the HTTP status that fits.

What we raised on purpose says so itself; what the framework raises is translated; whatever else happens is `internal`: logged
with its traceback here, and told to nobody else.
"""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.errors import AnabranchError, ErrorBody, Invalid, TooLarge
from services.gateway.api_json import Json

RETRY_AFTER_S = 1
"""Told to clients whose request may succeed later: what a limit or a broker that changes its leader needs to clear."""

INTERNAL = ErrorBody(code="internal", message="something went wrong here; it has been logged", retryable=True)

_log = structlog.get_logger()


def install(app: FastAPI) -> None:
    app.add_exception_handler(AnabranchError, _on_ours)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _on_validation)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _on_http)  # type: ignore[arg-type]


def response(error: AnabranchError) -> Json:
    return Json(error.body(), error.http_status, headers_of(error))


def headers_of(error: AnabranchError) -> dict[str, str]:
    """What the answer says in its header of what the client may do: come back later, or sign in (RFC 6750 §3)."""
    if error.http_status == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(RETRY_AFTER_S)} if error.retryable else {}


async def _on_ours(request: Request, error: AnabranchError) -> Json:
    if error.http_status == 500:
        _log.error("request failed", path=request.url.path, code=error.code, exc_info=error)
    return response(error)


async def _on_validation(request: Request, error: RequestValidationError) -> Json:
    """A parameter of the path or query that is not what its route declares."""
    first = error.errors()[0]
    place, *field = first["loc"]
    name = ".".join(str(part) for part in field)
    return response(Invalid(f"{place} parameter {name!r}: {first['msg']}", code="invalid_request"))


async def _on_http(request: Request, error: HTTPException) -> Json:
    match error.status_code:
        case 404:
            body = ErrorBody(code="unknown_route", message=f"there is nothing at {request.url.path[:200]!r}")
        case 405:
            body = ErrorBody(
                code="method_not_allowed", message=f"{request.method} is not for {request.url.path[:200]!r}"
            )
        case _:
            body = ErrorBody(code="http_error", message=str(error.detail))
    return Json(body, error.status_code, dict(error.headers or {}))


class Boundary:
    """ASGI middleware: nothing that goes wrong inside leaves here as an exception."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:  # nobody is there to be answered
            return
        except Exception as error:
            _log.error("unexpected error", method=scope["method"], path=scope["path"], exc_info=error)
            if started:  # the client sees a response that breaks off, which is the truth
                raise
            await Json(INTERNAL, 500)(scope, receive, send)


class BodyLimit:
    """ASGI middleware: a request body above `bytes_max` is refused before it is read, or where it passes the limit.

    The rest of such a body is discarded by the server as it comes, so the connection survives.
    """

    def __init__(self, app: ASGIApp, bytes_max: int) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = TooLarge(f"the body is larger than {self._bytes_max} bytes")
        announced = next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)
        if announced > self._bytes_max:
            await response(refusal)(scope, receive, send)
            return
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._bytes_max:
                raise refusal
            return message

        await self._app(scope, bounded, send)


ERROR_RESPONSE: dict[str, Any] = {
    "description": "What went wrong. `retryable`: the same request may succeed later.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}},
}
