"""Child: the limit of fan-out, a bare ASGI application: one loop of `await send(message)` over all sockets, on the server
that the gateway has, fed by a timer.
"""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import uvicorn

from tests.bench.child import Operation, serve
from tests.bench.lanes import stamp


class Bare:
    def __init__(self) -> None:
        self._sends: list[Any] = []
        self._server: asyncio.Task[None] | None = None

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        self._sends.append(send)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self._sends.remove(send)

    async def open(self) -> int:
        """Serve; returns the port, which takes connections from now on."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        config = uvicorn.Config(
            self.app,
            interface="asgi3",
            ws="websockets-sansio",
            lifespan="off",
            log_level="warning",
            proxy_headers=False,
        )
        server = uvicorn.Server(config)
        self._server = asyncio.create_task(server.serve([listener]))
        return int(listener.getsockname()[1])

    async def run(self, per_s: float, seconds: float, message_bytes: int) -> float:
        """Send to everybody `per_s` times a second; returns the CPU seconds that it took."""
        used = time.process_time()
        start = time.monotonic()
        sent = 0
        while time.monotonic() - start < seconds:
            text = stamp().ljust(message_bytes, "x")
            for send in self._sends:
                await send({"type": "websocket.send", "text": text})
            sent += 1
            await asyncio.sleep(max(0.0, start + sent / per_s - time.monotonic()))
        return time.process_time() - used


async def setup() -> dict[str, Operation]:
    bare = Bare()
    return {"open": bare.open, "run": bare.run}


if __name__ == "__main__":
    serve(setup)
