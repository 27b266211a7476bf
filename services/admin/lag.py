"""`lag`: what lies in each stream, and since when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import NamedTuple

from schemas import subjects
from schemas.errors import NotFound
from services.broker import api
from services.broker.connection import Connection

WHAT = {
    subjects.COMMANDS: "runs that wait or go on",
    subjects.SEALS: "sealed runs to be archived",
    subjects.DEAD: "dead letters",
}


class Backlog(NamedTuple):
    """`oldest_s`: age of the oldest message. `full`: the part of the stream's bytes that is taken."""

    stream: str
    what: str
    messages: int
    oldest_s: float
    full: float


async def backlogs(connection: Connection, partitions: int) -> AsyncIterator[Backlog]:
    """The queues, the dead letters, and the log's partitions. Raises NotFound for a stream that was not applied."""
    events = {subjects.events_stream(partition): "frames of the log" for partition in range(partitions)}
    for stream, what in (WHAT | events).items():
        try:
            answer = await api.call(connection, f"STREAM.INFO.{stream}")
        except NotFound as error:
            raise NotFound(f"there is no stream {stream}: run `python -m services.admin apply`") from error
        if answer.state is not None:
            held = answer.state
            oldest_s = (datetime.now(UTC) - held.first_ts).total_seconds() if held.messages else 0.0
            yield Backlog(stream, what, held.messages, oldest_s, held.bytes / int(answer.config["max_bytes"]))
