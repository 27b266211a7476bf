"""Traces: the way of a run from the POST to the archive, across processes, as OpenTelemetry spans.

Off unless ANABRANCH_OTLP_ENDPOINT is set: then only the API of OpenTelemetry is loaded, whose spans do nothing. Between
processes a span travels as a W3C `traceparent` beside the message (`trace` in the broker's port).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec
from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schemas.errors import Invalid

EXPORT_S = 2.0
"""How long one export is tried. The end of a process waits for the last ones, after it has drained: twice this at most."""

_tracer = trace.get_tracer("anabranch")
_propagator = TraceContextTextMapPropagator()
_TRACEPARENT = "traceparent"

Attribute = str | int
Kind = SpanKind


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`otlp_endpoint`: base URL of a collector that takes OTLP over HTTP; empty: no traces."""

    otlp_endpoint: str = ""


@contextlib.contextmanager
def exported(service: str, settings: Settings) -> Iterator[None]:
    """Send the spans of this process to the collector while the context is open, if there is one. Once per process.

    Raises:
        Invalid: the endpoint is no URL.
    """
    if not settings.otlp_endpoint:
        yield
        return
    if not settings.otlp_endpoint.startswith(("http://", "https://")):
        raise Invalid(f"ANABRANCH_OTLP_ENDPOINT={settings.otlp_endpoint!r} does not begin with http:// or https://")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 -- 30 ms to import
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    url = f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"
    provider = TracerProvider(resource=Resource.create({"service.name": f"anabranch-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=EXPORT_S)))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


@contextlib.contextmanager
def continued(parent: str) -> Iterator[None]:
    """Make the span that a client's traceparent names the current one inside the block; nothing if it is empty or none."""
    token = context.attach(_context(parent))
    try:
        yield
    finally:
        context.detach(token)


@contextlib.contextmanager
def span(
    name: str, *, parent: str | None = None, kind: Kind = Kind.INTERNAL, **attributes: Attribute
) -> Iterator[Span]:
    """A span around a block, current inside it. `parent`: a traceparent, empty for a trace of its own; None: the current span.

    Exceptions that leave the block mark it as failed.
    """
    above = None if parent is None else _context(parent)
    with _tracer.start_as_current_span(name, above, kind=kind, attributes=_named(attributes)) as begun:
        yield begun


def start(name: str, **attributes: Attribute) -> Span:
    """A span below the current one which does not become current, for a generator: its caller's context is not ours. Use it
    as a context manager.
    """
    return _tracer.start_span(name, attributes=_named(attributes))


def note(name: str, *, parent: str, begun_ms: int, ended_ms: int, **attributes: Attribute) -> None:
    """A span of what is over. `parent` as for `span`; times in ms of the wall clock."""
    begun_ns, ended_ns = begun_ms * 1_000_000, ended_ms * 1_000_000
    past = _tracer.start_span(name, _context(parent), attributes=_named(attributes), start_time=begun_ns)
    past.end(max(ended_ns, begun_ns))


def current() -> str:
    """The traceparent of the current span; empty if there is none."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(_TRACEPARENT, "")


def _context(parent: str) -> context.Context:
    return _propagator.extract({_TRACEPARENT: parent}, context=context.Context())


def _named(attributes: dict[str, Attribute]) -> dict[str, Attribute]:
    return {f"anabranch.{name}": value for name, value in attributes.items()}
