"""The HTTP server process: uvicorn with our WebSocket protocol, driven by our stop event instead of its signals."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from services.gateway.hub import Hub


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Unavailable with one clear line if the port is taken or the host is not ours."""
    raise NotImplementedError


async def serve(app: Any, listener: socket.socket, hub: Hub, stop: asyncio.Event, *, drain_s: float) -> None:
    """Serve `app` until `stop` is set; then stop accepting, drain the hub, wait for responses, and return within
    `drain_s` seconds. Raises Unavailable if the application's start-up failed.
    """
