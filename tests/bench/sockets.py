"""A WebSocket client that costs next to nothing: it reads frame lengths and hands payloads on. Not for use elsewhere."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable

import msgspec

_TEXT, _BINARY, _PING, _PONG = 1, 2, 9, 10


class Socket(asyncio.Protocol):
    """`on_message` gets every payload. Text is sent with a zero mask, so that masking costs nothing either."""

    def __init__(self, on_message: Callable[[bytes], None]) -> None:
        self.on_message = on_message
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self._size = 0
        self._needed = 0

    @classmethod
    async def connect(cls, port: int, path: str, protocol: str, on_message: Callable[[bytes], None]) -> Socket:
        """Raises ConnectionError if the server does not upgrade."""
        transport, socket = await asyncio.get_running_loop().create_connection(
            lambda: cls(on_message), "127.0.0.1", port
        )
        key = base64.b64encode(os.urandom(16)).decode()
        asked = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
        transport.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{asked}\r\n".encode()
        )
        await socket.open
        return socket

    def send(self, message: object) -> None:
        self._send(_TEXT, msgspec.json.encode(message))

    def close(self) -> None:
        assert self._transport is not None
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment] -- uvloop's is no subclass

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if not self.open.done():
            self.open.set_exception(ConnectionError("closed in the handshake"))

    def data_received(self, data: bytes) -> None:
        self._waiting.append(data)
        self._size += len(data)
        if self._size < self._needed:
            return
        data = b"".join(self._waiting)  # once per message: appending to what is there would copy a large one many times
        rest = self._take_frames(data) if self.open.done() else self._take_answer(data)
        self._waiting, self._size = [rest], len(rest)

    def _take_answer(self, data: bytes) -> bytes:
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            return data
        if not head.startswith(b"HTTP/1.1 101"):
            self.open.set_exception(ConnectionError(head.decode(errors="replace")))
            return b""
        self.open.set_result(None)
        return self._take_frames(rest)

    def _take_frames(self, data: bytes) -> bytes:
        """Hand on every whole frame; returns the rest."""
        position, size = 0, len(data)
        self._needed = 0
        while size - position >= 2:
            length, start = data[position + 1], position + 2
            if length == 126:
                length, start = int.from_bytes(data[start : start + 2]), start + 2
            elif length == 127:
                length, start = int.from_bytes(data[start : start + 8]), start + 8
            if start + length > size:
                self._needed = start + length - position if size >= start else 0
                break
            self._take(data[position] & 15, data[start : start + length])
            position = start + length
        return data[position:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode in (_TEXT, _BINARY):
            self.on_message(payload)
        elif opcode == _PING:
            self._send(_PONG, payload)

    def _send(self, opcode: int, payload: bytes) -> None:
        assert self._transport is not None
        size = len(payload)
        head = bytes([128 | opcode, 128 | size]) if size < 126 else bytes([128 | opcode, 254]) + size.to_bytes(2)
        self._transport.write(head + bytes(4) + payload)
