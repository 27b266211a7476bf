"""The WebSocket endpoint `/v1/ws`, as an ASGI application: handshake, then one `Session` per socket."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

import msgspec
import structlog

from schemas import wire
from schemas.errors import AnabranchError, Invalid
from services.gateway.encoding import PROTOCOLS
from services.gateway.errors import headers_of
from services.gateway.hub import Hub
from services.gateway.identity import Identity
from services.gateway.outlet import STALLED_S, Outlet, PlainOutlet, PushOutlet, Send
from services.gateway.push import EXTENSION
from services.gateway.reader import Closed
from services.gateway.session import Close, Input, Receive, Session

Scope = Any
"""An ASGI scope of type `websocket`."""

_log = structlog.get_logger()


class Identify(Protocol):
    """Says who is asking, from the ASGI scope (HTTP or WebSocket; `Origin` included) and the token of an `auth` message,
    if one came. Raises AnabranchError for whom it does not let in.
    """

    async def __call__(self, scope: Scope, token: str = "", /) -> Identity: ...


class WebSocketEndpoint:
    """Mount with `app.mount("/v1/ws", …)` or route to it: an ASGI callable for scopes of type `websocket`.

    `stalled_s`: how long a socket may take nothing of what waits for it before it is closed.
    """

    def __init__(self, hub: Hub, identify: Identify, input: Input, *, stalled_s: float = STALLED_S) -> None:
        self._hub = hub
        self._identify = identify
        self._input = input
        self._stalled_s = stalled_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            if self._hub.draining:
                raise Closed("this gateway is going away")
            identity = await self._identify(scope)
            subprotocol = choose_protocol(scope.get("subprotocols", ()))
        except AnabranchError as error:
            await _refuse(scope, send, error)
            return
        await send({"type": "websocket.accept", "subprotocol": subprotocol})
        await self._serve(scope, receive, send, subprotocol or wire.JSON_PROTOCOL, identity)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, protocol: str, identity: Identity) -> None:
        outlet = self._outlet(scope, send, protocol)

        def authenticate(token: str) -> Awaitable[Identity]:
            return self._identify(scope, token)

        session = Session(self._hub, self._input, outlet, authenticate, protocol=protocol, identity=identity)
        try:
            await session.run(receive)
        except Closed:
            outlet.end(Close.GOING_AWAY, "this gateway is going away")
        except Exception:
            _log.exception("a session failed")
            outlet.end(Close.INTERNAL, "internal error")

    def _outlet(self, scope: Scope, send: Send, protocol: str) -> Outlet:
        text = protocol == wire.JSON_PROTOCOL
        pushable = scope.get("extensions", {}).get(EXTENSION)
        if pushable is None:
            return PlainOutlet(send, self._hub.spawn, text=text, stalled_s=self._stalled_s)
        return PushOutlet(pushable, text=text, stalled_s=self._stalled_s)


def choose_protocol(offered: Sequence[str]) -> str | None:
    """The first of the client's subprotocols that we speak; None if it offers none, which means JSON.

    Raises Invalid if we speak none of them.
    """
    for protocol in offered:
        if protocol in PROTOCOLS:
            return protocol
    if offered:
        raise Invalid(f"none of the subprotocols {', '.join(PROTOCOLS)} was offered", code="unknown_subprotocol")
    return None


async def _refuse(scope: Scope, send: Send, error: AnabranchError) -> None:
    """Answer the handshake with an HTTP error where the server can, else with a bare 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    told = {"Content-Type": "application/json"} | headers_of(error)
    headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "websocket.http.response.start", "status": error.http_status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": msgspec.json.encode(error.body())})
