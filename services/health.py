"""Health: what an orchestrator and Prometheus ask of a process that serves nothing else: /healthz, /readyz, /metrics.

Off unless ANABRANCH_METRICS_PORT is set. All of it is answered by the event loop that does the work, so an answer proves
that it turns; `anabranch_loop_lag_seconds` says how well.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas.errors import Unavailable
from services.broker.port import Broker
from services.metrics import CONTENT_TYPE, QUICK_S, Distribution, Metrics
from services.serving import Server

LAG_EVERY_S = 0.5
"""How often it is measured how late the event loop is."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`metrics_port` 0: nothing is served."""

    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0


class LoopLag:
    """How late the event loop comes to what is due."""

    def __init__(self, metrics: Metrics) -> None:
        self._late = Distribution(QUICK_S)
        metrics.distribution("anabranch_loop_lag_seconds", "How late the event loop came to a timer.", self._late)

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            self._late.observe(max(loop.time() - due, 0.0))


def count_broker(metrics: Metrics, broker: Broker) -> None:
    """Export whether the broker answers and how often its connection came back."""
    reconnects = 0

    def reconnected() -> None:
        nonlocal reconnects
        reconnects += 1

    broker.on_reconnect(reconnected)
    metrics.gauge("anabranch_broker_connected", "1 while the broker answers.", lambda: broker.connected)
    metrics.counter(
        "anabranch_broker_reconnects_total", "How often the connection to the broker came back.", lambda: reconnects
    )


@contextlib.asynccontextmanager
async def served(settings: Settings, metrics: Metrics, broker: Broker, stop: asyncio.Event) -> AsyncIterator[None]:
    """Serve while the context is open, also while the process drains (`stop` is set), but then as not ready.

    Raises:
        Unavailable: the port is taken.
    """
    count_broker(metrics, broker)
    metrics.gauge("anabranch_draining", "1 once this process takes nothing new any more.", stop.is_set)
    if not settings.metrics_port:
        yield
        return
    listener = _listen(settings)
    server = Server(configure(application(metrics, broker, stop)))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(sockets=[listener]))
        lag = tasks.create_task(LoopLag(metrics).watch())
        try:
            yield
        finally:
            server.should_exit = True
            lag.cancel()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.metrics_host else socket.AF_INET
    try:
        return socket.create_server((settings.metrics_host, settings.metrics_port), family=family)
    except OSError as error:
        where = f"ANABRANCH_METRICS_PORT={settings.metrics_port} on {settings.metrics_host}"
        raise Unavailable(f"{where} cannot be listened on: {error.strerror or error}") from error


def configure(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )


def application(metrics: Metrics, broker: Broker, stop: asyncio.Event) -> Starlette:
    async def healthz(_: Request) -> Response:
        return _json({"ok": True})

    async def readyz(_: Request) -> Response:
        connected, draining = broker.connected, stop.is_set()
        ready = connected and not draining
        return _json({"ready": ready, "broker": connected, "draining": draining}, 200 if ready else 503)

    async def exposed(_: Request) -> Response:
        return Response(metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", exposed)])


def _json(body: dict[str, bool], status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
