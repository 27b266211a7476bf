"""The gateway as an ASGI application: routes, middleware, the page and the documentation around one `Gateway`."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import FastAPI
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp

from services.archive.port import ArchiveReader
from services.broker.port import Broker
from services.gateway import (
    api_agents,
    api_artifacts,
    api_conversations,
    api_docs,
    api_events,
    api_export,
    api_health,
    api_interrupts,
    api_messages,
    api_runs,
    errors,
    page,
)
from services.gateway.api import Gateway
from services.gateway.endpoint import Identify, WebSocketEndpoint
from services.gateway.hub import Hub
from services.gateway.input import Input
from services.gateway.input_recent import RecentRuns
from services.gateway.metrics import Measured, Metrics
from services.gateway.settings import Settings
from services.health import LoopLag, count_broker

_APIS: tuple[Any, ...] = (
    api_agents,
    api_conversations,
    api_export,
    api_messages,
    api_events,
    api_runs,
    api_interrupts,
    api_artifacts,
    api_health,
)
_TYPES: tuple[type, ...] = tuple(kind for api in _APIS for kind in api.TYPES)


def assemble(settings: Settings, broker: Broker, archive: ArchiveReader, hub: Hub, identify: Identify) -> ASGIApp:
    """The whole gateway on top of these, which the caller has opened and closes."""
    recent = RecentRuns()
    writes = Input(broker, archive, hub, recent, partitions=settings.partitions, queued_max=settings.queued_max)
    hub.on_checked = writes.start_overdue
    metrics = Metrics()
    count_broker(metrics, broker)
    hub.spawn(LoopLag(metrics).watch())
    hub.counts.register(metrics)
    metrics.gauges("anabranch_viewers", "Who watches through this gateway, by state.", ["state"], lambda: _viewers(hub))
    metrics.gauge("anabranch_conversations_joining", "Conversations that are being opened.", lambda: hub.joining)
    metrics.gauge("anabranch_draining", "1 once this gateway takes nobody in any more.", lambda: hub.draining)
    metrics.gauge("anabranch_conversations_open", "Conversations joined by this gateway.", lambda: hub.channels)
    metrics.gauges(
        "anabranch_connections_open", "Viewers' connections to this gateway.", ["kind"], lambda: _connections(hub)
    )
    gateway = Gateway(hub, broker, archive, writes, recent, identify, metrics)
    return build(gateway, WebSocketEndpoint(hub, identify, writes), body_bytes_max=settings.body_bytes_max)


def _viewers(hub: Hub) -> dict[tuple[str, ...], float]:
    level, reading = hub.viewers()
    return {("level",): level, ("reading",): reading}


def _connections(hub: Hub) -> dict[tuple[str, ...], float]:
    return {("websocket",): hub.sockets, ("sse",): hub.counts.streams}


def build(gateway: Gateway, sockets: ASGIApp, *, body_bytes_max: int) -> ASGIApp:
    """The application. `sockets` answers `/v1/ws`."""
    app = FastAPI(
        title="Anabranch",
        version="1",
        description="Conversations with agents as ordered, durable event streams.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.gateway = gateway
    errors.install(app)
    for api in _APIS:
        app.include_router(api.router)
    app.include_router(api_docs.router)
    app.mount(api_docs.ASSETS, api_docs.assets())
    app.router.routes.append(WebSocketRoute("/v1/ws", sockets))
    page.install(app)
    app.openapi = cache(lambda: api_docs.document(app, _TYPES))  # type: ignore[method-assign]
    app.add_middleware(errors.BodyLimit, bytes_max=body_bytes_max)
    app.add_middleware(errors.Boundary)
    return Measured(app, gateway.metrics)
