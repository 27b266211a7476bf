"""A proxy that signs people in, as oauth2-proxy does: whom it knows it lets through with a token in the header; the page is told
nothing of it.
"""

from __future__ import annotations

import asyncio
import re
import time

from services.gateway.tokens import LEEWAY_S
from tests.gateway.http.issuer import token


class SigningIn:
    """Before the gateway at `port`. Each token is of `tenant`, None for no claim, and lasts for `token_s`, rounded down to whole
    seconds of the clock."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connections: set[asyncio.Task] = set()
        self.signed_in = True
        self.token_s = 600
        self.tenant: str | None = "acme"
        self.sockets = 0
        """How many WebSockets were let through."""

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *error) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def cut(self) -> None:
        for connection in self._connections:
            connection.cancel()

    async def _serve(self, reader, writer) -> None:
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            if self.signed_in:
                await self._let_through(head, reader, writer)
            elif head.startswith("GET / ") or ("Accept: application/json" not in head and "Upgrade:" not in head):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\nconnection: close\r\n\r\nWho are you?\r\n")
            else:
                writer.write(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _let_through(self, head: str, reader, writer) -> None:
        exp = int(time.time()) - LEEWAY_S + self.token_s
        if "Upgrade: websocket" in head:
            self.sockets += 1
        else:
            head = re.sub(r"\r\nConnection: [^\r]*", "\r\nConnection: close", head)
        head = head.removesuffix("\r\n") + f"Authorization: Bearer {token(self.tenant, exp=exp)}\r\n\r\n"
        there, onward = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            onward.write(head.encode("latin-1"))
            async with asyncio.TaskGroup() as both:
                up = both.create_task(_pump(reader, onward))
                await _pump(there, writer)
                up.cancel()
        finally:
            onward.close()


async def _pump(reader, writer) -> None:
    while data := await reader.read(64 * 1024):
        writer.write(data)
        await writer.drain()
