"""`lag`: what lies in each stream, how much of its room that takes, and what the consumers have still to do."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

import msgspec

from schemas.errors import NotFound
from services.admin.context import open_connection
from services.admin.printing import print_json, print_table
from services.admin.settings import Settings
from services.broker import api
from services.broker.connection import Connection
from services.broker.stream_file import read_layout
from services.broker.streams import Consumer, Layout, Stream
from services.broker.units import bytes_text, seconds_text

ABOUT = """
One row for each stream: messages, age of the oldest, bytes and the part of its limit that they take. For the two queues also
what waits for somebody to fetch it, what somebody holds (a run that goes on, a seal that is being written), and what of that
came to more than one. For a mirror, how many messages it is behind.
"""


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """`consumer`: of a queue, and then `waiting`, `held` and `repeated`; None of them elsewhere. `behind`: of a mirror."""

    stream: str
    messages: int
    oldest_s: float
    bytes: int
    bytes_max: int
    consumer: str | None = None
    waiting: int | None = None
    held: int | None = None
    repeated: int | None = None
    behind: int | None = None

    @property
    def full(self) -> float:
        return self.bytes / self.bytes_max


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    async with open_connection(settings) as connection:
        rows = await lags(connection, read_layout())
    if chosen.json:
        print_json(rows)
    else:
        print_table(
            (
                "STREAM",
                ">MESSAGES",
                ">WAITING",
                ">HELD",
                ">REPEATED",
                ">OLDEST",
                ">BYTES",
                ">LIMIT",
                ">FULL",
                ">BEHIND",
            ),
            [_cells(row) for row in rows],
        )
    return 0


async def lags(connection: Connection, layout: Layout) -> list[Lag]:
    """Raises NotFound for what was not applied."""
    consumers = {consumer.stream: consumer for consumer in layout.consumers}
    return [await _lag(connection, stream, consumers.get(stream.name)) for stream in layout.streams]


async def _lag(connection: Connection, stream: Stream, consumer: Consumer | None) -> Lag:
    try:
        answer = await api.call(connection, f"STREAM.INFO.{stream.name}")
        queue = await api.call(connection, f"CONSUMER.INFO.{consumer.name}") if consumer is not None else None
    except NotFound as error:
        raise NotFound(f"there is no {error.message.split(':')[0]}: run `python -m services.admin apply`") from error
    state = answer.held
    return Lag(
        stream=stream.name,
        messages=state.messages,
        oldest_s=round((datetime.now(UTC) - state.first_ts).total_seconds(), 1) if state.messages else 0.0,
        bytes=state.bytes,
        bytes_max=int(answer.config["max_bytes"]),
        consumer=consumer.durable_name if consumer is not None else None,
        waiting=queue.num_pending if queue is not None else None,
        held=queue.num_ack_pending if queue is not None else None,
        repeated=queue.num_redelivered if queue is not None else None,
        behind=answer.mirror.lag if answer.mirror is not None else None,
    )


def _cells(row: Lag) -> list[str]:
    counts = [row.waiting, row.held, row.repeated]
    return [
        row.stream,
        str(row.messages),
        *("" if count is None else str(count) for count in counts),
        seconds_text(row.oldest_s) if row.messages else "",
        bytes_text(row.bytes),
        bytes_text(row.bytes_max),
        f"{row.full:.1%}",
        "" if row.behind is None else str(row.behind),
    ]
