"""Outlet: how bytes leave for one WebSocket, through `PushProtocol` or, on any other server, through the ASGI `send`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from uvicorn.protocols.utils import ClientDisconnected

from services.gateway.push import Pushable

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

STALLED_S = 30.0
"""A viewer that takes not one byte for so long is closed: it holds half a megabyte and will come back with its cursor."""


class Gone(Exception):
    """The socket is closed."""


class Stalled(Exception):
    """The peer has taken nothing for too long."""


class Outlet(Protocol):
    """`pushes`: whether frames can be pushed at all; else everything must be written."""

    pushes: bool

    def push(self, frame: bytes) -> bool:
        """As `Pushable.push`."""

    async def write(self, payload: bytes) -> None:
        """Write one message of any size once the socket takes data. Raises Gone, Stalled."""

    def end(self, code: int, reason: str, *, last: bytes = b"") -> None:
        """Send the message `last`, if any, and close, without waiting."""


class PushOutlet:
    pushes = True

    def __init__(self, pushable: Pushable, *, text: bool, stalled_s: float) -> None:
        self._pushable = pushable
        self._text = text
        self._stalled_s = stalled_s
        self.push = pushable.push

    async def write(self, payload: bytes) -> None:
        taken = self._pushable.taken()
        while True:
            try:
                async with asyncio.timeout(self._stalled_s):
                    await self._pushable.write(payload, text=self._text)
                return
            except TimeoutError:
                before, taken = taken, self._pushable.taken()
                if taken <= before:
                    raise Stalled from None
            except ClientDisconnected:
                raise Gone from None

    def end(self, code: int, reason: str, *, last: bytes = b"") -> None:
        self._pushable.end(code, reason, last=last, text=self._text)


class PlainOutlet:
    """`end` needs a task: `spawn` owns it."""

    pushes = False

    def __init__(self, send: Send, spawn: Callable[[Any], object], *, text: bool, stalled_s: float) -> None:
        self._send = send
        self._spawn = spawn
        self._text = text
        self._stalled_s = stalled_s

    def push(self, frame: bytes) -> bool:
        return False

    async def write(self, payload: bytes) -> None:
        body = {"text": payload.decode()} if self._text else {"bytes": payload}
        await self._within_deadline({"type": "websocket.send", **body})

    def end(self, code: int, reason: str, *, last: bytes = b"") -> None:
        self._spawn(self._end(code, reason, last))

    async def _end(self, code: int, reason: str, last: bytes) -> None:
        try:
            if last:
                await self.write(last)
            await self._within_deadline({"type": "websocket.close", "code": code, "reason": reason})
        except (Gone, Stalled):
            return

    async def _within_deadline(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._stalled_s):
                await self._send(message)
        except TimeoutError:
            raise Stalled from None
        except (ClientDisconnected, OSError, RuntimeError):  # what servers raise for a closed socket
            raise Gone from None
