"""The parser of what the server sends: nats-py's own, except for messages, which are nearly all of it.

nats-py matches two expressions for each message and moves what is left of its buffer three times, half of what receiving a
message costs. Here messages are cut out of what was read; every other line goes to nats-py as it is.
"""

from __future__ import annotations

from collections.abc import Callable

from nats.errors import ProtocolError
from nats.protocol.parser import Parser

Dispatch = Callable[[int, bytes, bytes, bytes, "bytes | None"], None]
"""Called with the subscription's number, subject, reply, data and the raw header block of a message. Must not raise."""

_MSG = ord("M")
_HMSG = ord("H")


class MessageParser(Parser):
    """`client` is for nats-py's part; messages go to `dispatch`."""

    def __init__(self, client: object, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        super().__init__(client)

    def reset(self) -> None:
        super().reset()
        self._parts: list[bytes] = []
        self._size = 0
        self._needed = 0

    async def parse(self, data: bytes = b"") -> None:
        """Take the next bytes of the connection. Raises ProtocolError."""
        if self._parts:
            self._parts.append(data)
            self._size += len(data)
            if self._size < self._needed:
                return  # a large message comes in many parts: they are joined once
            data = b"".join(self._parts)
        position = await self._parse(data)
        self._parts = [data[position:]] if position < len(data) else []
        self._size = len(data) - position

    async def _parse(self, data: bytes) -> int:
        """Take all that is whole in `data`; returns where the rest begins, and sets how long that must be at least."""
        position, size = 0, len(data)
        self._needed = 0
        while (line := data.find(b"\r\n", position)) >= 0:
            start = line + 2
            kind = data[position]
            if kind not in {_MSG, _HMSG}:
                await super().parse(data[position:start])
                position = start
                continue
            try:
                _, subject, sid, *between, length = data[position:line].split()
                head = int(between.pop()) if kind == _HMSG else 0
                end = start + int(length)
                if size < end + 2:
                    self._needed = end + 2 - position
                    break
                reply = between[0] if between else b""
                headers = data[start : start + head] if head else None
                self._dispatch(int(sid), subject, reply, data[start + head : end], headers)
            except (ValueError, IndexError):
                raise ProtocolError("nats: malformed MSG") from None
            position = end + 2
        return position
