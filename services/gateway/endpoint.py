"""The WebSocket endpoint `/v1/ws`, as an ASGI application: handshake, then one `Session` per socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from schemas import wire
from services.gateway.hub import Hub

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Identity(Protocol):
    """Who is asking."""

    @property
    def tenant(self) -> str: ...


class Identify(Protocol):
    """Says who is asking, from the ASGI scope (HTTP or WebSocket) and the token of an `auth` message, if one came.

    Raises AnabranchError for whom it does not let in.
    """

    def __call__(self, scope: Scope, token: str = "", /) -> Identity: ...


class Input(Protocol):
    """What a client may write; `services.gateway.input.Input` is the one there is. All raise AnabranchError."""

    async def send(self, tenant: str, message: wire.Send) -> wire.Ack: ...

    async def cancel(self, tenant: str, message: wire.Cancel) -> wire.Ack: ...

    async def resolve(self, tenant: str, message: wire.Resolve) -> wire.Ack: ...


def any_origin(origin: str | None) -> bool:
    return True


class WebSocketEndpoint:
    """Mount with `app.mount("/v1/ws", …)` or route to it: an ASGI callable for scopes of type `websocket`.

    `allow_origin` decides about the `Origin` header (None: there is none, so not a browser) before the handshake.
    """

    def __init__(
        self, hub: Hub, identify: Identify, input: Input, allow_origin: Callable[[str | None], bool] = any_origin
    ) -> None: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...
