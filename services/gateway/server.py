"""The HTTP server process: uvicorn with our WebSocket protocol, driven by our stop event instead of its signals."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import uvicorn

from schemas import wire
from schemas.errors import Unavailable
from services.gateway.hub import Hub
from services.gateway.outlet import STALLED_S
from services.gateway.push import PushProtocol
from services.serving import Server

SOCKET_BYTES = 64 * 1024
"""Send buffer of every connection. Left to the kernel, it takes 3.9 MB before a viewer that does not read is noticed;
64 KiB (145 KB in fact) cost a healthy viewer nothing, measured.
"""

BACKLOG = 2048
"""Connections that may wait to be accepted: what a reconnect storm needs, and what the kernel grants by default is less."""

UNREAD_S = STALLED_S + 5.0
"""A connection whose peer takes not one byte for so long is cut by the kernel, where that is Linux: SSE, long polling and
downloads have no other end. A WebSocket is closed before that, with a reason.
"""

PING_S = 20.0
PONG_S = 40.0
"""A peer that is gone is noticed within a minute; one that reads slowly has time to come to the ping in its queue."""

KEEP_ALIVE_S = 620
"""How long a connection may wait for its next request. Longer than clients and proxies keep one (httpx 5 s; nginx and Amazon's
balancer 60 s; Google's 600 s): else a request can meet the connection's end and fail. uvicorn's 5 s do that to httpx.
"""

RECONNECT_MS_MAX = 2_000
"""Clients of a gateway that goes away are told to come back within this, each at its own moment."""

EXIT_MARGIN_S = 2.0
"""Kept of the drain time for closing what has not ended by itself."""


def listen(host: str, port: int, *, unread_s: float = UNREAD_S) -> socket.socket:
    """A listening socket, whose options its connections inherit. `unread_s`: see UNREAD_S.

    Raises Unavailable with one clear line if the port is taken or the host is not ours.
    """
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, number)
    except OSError as error:
        raise Unavailable(f"cannot listen on {host}: {error.strerror or error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(unread_s * 1000))
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Unavailable(f"port {port} on {host} is taken: set ANABRANCH_PORT to another one") from error
        raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    return listener


def configure(app: Any) -> uvicorn.Config:
    """How the gateway uses uvicorn; pinned by tests/gateway/stream/test_push.py."""
    return uvicorn.Config(
        app,
        http="httptools",
        ws=PushProtocol,
        ws_max_size=wire.MESSAGE_BYTES_MAX,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PONG_S,
        ws_per_message_deflate=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
    )


async def serve(app: Any, listener: socket.socket, hub: Hub, stop: asyncio.Event, *, drain_s: float) -> None:
    """Serve `app` until `stop` is set; then stop accepting, drain the hub, wait for responses, and return within
    `drain_s` seconds. Raises Unavailable if the application's start-up failed.
    """
    server = Server(configure(app))
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(_serve(server, listener))
        stopping = tasks.create_task(stop.wait())
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if server.started and not serving.done():
            begun = asyncio.get_running_loop().time()
            server.stop_accepting()
            await hub.drain(RECONNECT_MS_MAX, within_s=drain_s / 2)
            left_s = drain_s - EXIT_MARGIN_S - (asyncio.get_running_loop().time() - begun)
            server.config.timeout_graceful_shutdown = max(1, round(left_s))
        server.should_exit = True


async def _serve(server: Server, listener: socket.socket) -> None:
    try:
        await server.serve(sockets=[listener])
    except SystemExit as error:  # how uvicorn says that the application did not start; it has logged why
        raise Unavailable("the application failed to start") from error
