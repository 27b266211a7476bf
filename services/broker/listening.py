"""What outlives a client: handlers on subjects, and callbacks about the connection."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import structlog

from services.broker.client import Handler, NatsClient, NatsSubscription

log = structlog.get_logger()


class Listener:
    """A handler on a subject, over all reconnects, until `close`. Made by Connection.listen and attach."""

    def __init__(self, subject: str, handler: Handler, on_close: Callable[[Listener], None]) -> None:
        self.client: NatsClient | None = None
        self._on_close = on_close
        self._subject = subject
        self._handler = handler
        self._subscription: NatsSubscription | None = None
        self._closed = False

    async def attach(self, client: NatsClient) -> None:
        """Listen on this client; once for each."""
        if self._closed or self.client is client:
            return
        self.client = client
        self._subscription = await client.listen(self._subject, self._handler)
        if self._closed:  # while we waited
            client.silence(self._subscription)

    def close(self) -> None:
        """Stop at once: the handler is not called again."""
        if self._closed:
            return
        self._closed = True
        if self.client is not None and self._subscription is not None:
            self.client.silence(self._subscription)
        self._on_close(self)

    async def detach(self, client: NatsClient) -> None:
        """Tell the server."""
        if self.client is client and self._subscription is not None:
            await self._subscription.unsubscribe()


class Hook:
    """A callback in a list, until `close`. An error in it is logged, because the others have to be called too."""

    def __init__(self, hooks: list[Hook], callback: Callable[[], None]) -> None:
        self._hooks = hooks
        self._callback = callback
        hooks.append(self)

    def close(self) -> None:
        with contextlib.suppress(ValueError):
            self._hooks.remove(self)

    def __call__(self) -> None:
        try:
            self._callback()
        except Exception:
            log.exception("a connection hook failed")
