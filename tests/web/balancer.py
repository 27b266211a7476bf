"""A TCP load balancer in front of gateways, as a cluster has one. It passes over a dead gateway, and can cut everybody off."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

CHUNK_BYTES = 64 * 1024

BUFFER_BYTES = 64 * 1024
"""That the kernel takes from a gateway for a slow link: as much it has, and so little that the gateway notices soon."""


class Balancer:
    """Each connection goes to the first of `ports` that takes it; with `spread`, beginning with another one each time.

    `bytes_per_s`: how much comes through to each client, if that is limited; it can be changed at any time.
    """

    def __init__(self, ports: Sequence[int], spread: bool, bytes_per_s: float | None = None) -> None:
        self._ports = list(ports)
        self._spread = spread
        self._next = 0
        self._connections: set[asyncio.Task[None]] = set()
        self._through = True
        self.bytes_per_s = bytes_per_s
        self.accepted = 0
        """Connections since the beginning."""
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """End every connection without a word, and take no new ones until `mend`."""
        self._through = False
        for connection in self._connections:
            connection.cancel()

    def mend(self) -> None:
        self._through = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if self._through:
                self.accepted += 1
                await self._join(reader, writer)
        except (asyncio.CancelledError, OSError):
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await self._backend()
        try:
            async with asyncio.TaskGroup() as tasks:
                there = tasks.create_task(_pump(reader, back_writer))
                back = tasks.create_task(self._pump_back(back_reader, writer))
                await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
                there.cancel()
                back.cancel()
        finally:
            back_writer.close()

    async def _backend(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._next += self._spread
        for offset in range(len(self._ports)):
            with contextlib.suppress(OSError):
                return await self._connect(self._ports[(self._next + offset) % len(self._ports)])
        raise ConnectionRefusedError("no gateway is up")

    async def _connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        raw = socket.socket()
        if self.bytes_per_s is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        raw.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
        except OSError:
            raw.close()
            raise
        return await asyncio.open_connection(sock=raw)

    def _share(self) -> int:
        """Bytes to be passed on at once: of a slow link those of a twentieth of a second."""
        return CHUNK_BYTES if self.bytes_per_s is None else min(CHUNK_BYTES, 1 + int(self.bytes_per_s / 20))

    async def _pump_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(self._share()):
                if self.bytes_per_s is not None:
                    await asyncio.sleep(len(data) / self.bytes_per_s)
                writer.write(data)
                await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()


@contextlib.asynccontextmanager
async def balancing(
    ports: Sequence[int], *, spread: bool = True, bytes_per_s: float | None = None
) -> AsyncIterator[Balancer]:
    balancer = Balancer(ports, spread, bytes_per_s)
    server = await asyncio.start_server(balancer._serve, "127.0.0.1", 0)
    balancer.port = server.sockets[0].getsockname()[1]
    try:
        yield balancer
    finally:
        server.close()
        balancer.cut()
        await asyncio.gather(*balancer._connections, return_exceptions=True)
