"""What Prometheus reads: requests by route, streams and their reasons. Labels are bounded: route templates, never paths."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.gc_collector import GCCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._requests = Counter(
            "anabranch_http_requests_total",
            "Requests answered, by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._first_byte = Histogram(
            "anabranch_http_first_byte_seconds",
            "From the request's head to the response's head.",
            ("method", "route"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._open = Gauge(
            "anabranch_http_requests_open", "Requests being answered, streams among them.", registry=self.registry
        )

    def gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        """A gauge whose value is asked for when it is scraped."""
        Gauge(name, description, registry=self.registry).set_function(read)

    def exposition(self) -> bytes:
        return generate_latest(self.registry)

    def started(self) -> None:
        self._open.inc()

    def answering(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._first_byte.labels(method, route).observe(seconds)

    def finished(self) -> None:
        self._open.dec()


class Measured:
    """ASGI middleware: counts and times requests."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "other"
        begun = time.perf_counter()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.answering(method, _route(scope), message["status"], time.perf_counter() - begun)
            await send(message)

        self._metrics.started()
        try:
            await self._app(scope, receive, watched)
        finally:
            self._metrics.finished()


def _route(scope: Scope) -> str:
    """The template of the route that matched, which routing leaves in the scope."""
    return getattr(scope.get("route"), "path", "none")
