"""What a gateway exports: its requests by route (templates, never paths), beside what it counts of its viewers."""

from __future__ import annotations

import time

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services import metrics

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics(metrics.Metrics):
    def __init__(self) -> None:
        super().__init__()
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

    def started(self) -> None:
        self._open.inc()

    def answering(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._first_byte.labels(method, route).observe(seconds)

    def finished(self) -> None:
        self._open.dec()


class Measured:
    """ASGI middleware: counts and times requests."""

    def __init__(self, app: ASGIApp, counted: Metrics) -> None:
        self._app = app
        self._metrics = counted

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
