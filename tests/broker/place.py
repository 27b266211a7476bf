"""A place of its own for each test on a broker that many tests share, and what is done there."""

from __future__ import annotations

import itertools

from schemas import subjects
from schemas.commands import RunCommand
from services.broker.port import Record
from tests.broker.waiting import eventually

_numbers = itertools.count(1)


class Place:
    """A conversation of its own in partition `p`: the broker is shared by all tests."""

    def __init__(self, p: int = 0) -> None:
        self.p = p
        self.conversation = f"c{next(_numbers)}"

    def lane(self, lane: str = "in") -> str:
        return subjects.event(self.p, "t", self.conversation, lane)

    @property
    def all(self) -> str:
        return subjects.conversation_events(self.p, "t", self.conversation)

    @property
    def live(self) -> str:
        return subjects.live(self.p, "t", self.conversation)

    def command(self, run: str) -> RunCommand:
        return RunCommand(
            tenant="t", conversation=self.conversation, partition=self.p, run=run, agent="a", message="m", text="hello",
            ordinal=1, seq=1, sent=0,
        )  # fmt: skip


async def append(broker, subject: str, *data: bytes, expected_last: int | None = None) -> list[int]:
    """Append each with an id of its own; their sequences."""
    found = []
    for one in data:
        appended = await broker.append(subject, one, msg_id=f"m{next(_numbers)}", expected_last=expected_last)
        assert not appended.duplicate
        found.append(appended.seq)
    return found


async def read_all(broker, place: Place, after: int, last: int) -> list[Record]:
    """As a gateway reads: until nothing is pending and `last` is there, since a copy of the stream can be behind."""
    records: list[Record] = []

    async def level() -> bool:
        nonlocal after
        batch = await broker.read(place.p, place.all, after, holds=last)
        records.extend(batch.records)
        after = batch.last_seq
        return not batch.pending and after >= last

    await eventually(level)
    return records
