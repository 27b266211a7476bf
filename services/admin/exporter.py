"""`metrics`: what lies in the streams and whether the servers are well, for Prometheus to read."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import time
from collections.abc import Callable

import structlog

from schemas.errors import AnabranchError, Invalid
from services import health
from services.admin import nodes
from services.admin.context import MONITOR, open_broker, open_connection
from services.admin.lag import Lag, lags
from services.admin.nodes import Nodes
from services.admin.settings import Settings
from services.broker.connection import Connection
from services.broker.stream_file import read_layout
from services.metrics import Labels, Metrics
from services.runtime import read_settings

ABOUT = """
Serves at ANABRANCH_METRICS_PORT, until it is stopped, what `lag` prints: messages, age and fullness of every stream, and what
waits in the queues; and whether the servers at ANABRANCH_NATS_MONITORS are well. One process is enough for a deployment.
"""

READ_S = 10.0
"""How often the server is asked. A Prometheus that asks more often gets the same again."""

log = structlog.get_logger()


class Streams:
    """What was read last, and when by the monotonic clock."""

    def __init__(self) -> None:
        self.rows: list[Lag] = []
        self.read_at = time.monotonic()

    def register(self, metrics: Metrics) -> None:
        def gauge(name: str, description: str, of: Callable[[Lag], float | None]) -> None:
            metrics.gauges(name, description, ["stream"], lambda: self._by_stream(of))

        gauge("anabranch_stream_messages", "Messages in the stream.", lambda row: row.messages)
        gauge("anabranch_stream_oldest_seconds", "Age of the stream's oldest message.", lambda row: row.oldest_s)
        gauge("anabranch_stream_full_ratio", "The part of the stream's bytes that is taken.", lambda row: row.full)
        gauge("anabranch_queue_waiting", "Messages of a queue that nobody has fetched yet.", lambda row: row.waiting)
        gauge("anabranch_queue_held", "Messages of a queue that somebody works on.", lambda row: row.held)
        gauge("anabranch_mirror_behind", "Messages that a mirror has not got yet.", lambda row: row.behind)
        metrics.gauge(
            "anabranch_streams_read_age_seconds",
            "Since the server last said what is in the streams.",
            lambda: time.monotonic() - self.read_at,
        )

    def _by_stream(self, of: Callable[[Lag], float | None]) -> dict[Labels, float]:
        found = {(row.stream,): of(row) for row in self.rows}
        return {labels: value for labels, value in found.items() if value is not None}


async def run(settings: Settings, _: argparse.Namespace) -> int:
    where = read_settings(health.Settings)
    if not where.metrics_port:
        raise Invalid("set ANABRANCH_METRICS_PORT to the port to serve metrics at")
    stop, metrics, streams = asyncio.Event(), Metrics(), Streams()
    servers = Nodes(read_settings(nodes.Settings))
    streams.register(metrics)
    servers.register(metrics)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with (
        open_connection(settings, MONITOR) as connection,
        open_broker(settings, MONITOR) as broker,
        health.served(where, metrics, broker, stop),
        asyncio.TaskGroup() as tasks,
    ):
        watching = tasks.create_task(servers.watch())
        await _read(connection, streams, stop)
        watching.cancel()
    return 0


async def _read(connection: Connection, streams: Streams, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            streams.rows, streams.read_at = list(await lags(connection, read_layout())), time.monotonic()
        except AnabranchError as error:
            log.warning("the streams were not read", code=error.code, reason=error.message)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READ_S):
                await stop.wait()
