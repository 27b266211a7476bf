"""Records: what is stored of a channel's conversation after a position: from the ring where that reaches, else from the log."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.broker.port import READ_MESSAGES_MAX, Record
from services.gateway.flights import Flight
from services.gateway.history import LONG_STRETCH_RECORDS, STALE_PAUSE_S, STRETCH_RECORDS, Stretch

if TYPE_CHECKING:
    from services.gateway.channel import Channel

MERGED_RECORDS_MAX = 1024
MERGED_BYTES_MAX = 128 * 1024
"""Records made into one message for a viewer that is behind: most of them become part of a longer delta."""


class LeftTheLog(Exception):
    """Some of what came after the position may be in the log no more."""


class Records:
    """`position` is the sequence up to which they have been given out; whoever knows better may set it."""

    def __init__(self, channel: Channel, position: int) -> None:
        self.position = position
        self._channel = channel
        self._read: deque[Record] = deque()
        self._ahead: tuple[int, Flight[Stretch]] | None = None

    def start(self, position: int) -> None:
        """Go on from another position."""
        self.position = position
        self._read.clear()

    async def estimate(self, position: int) -> int:
        """About how many bytes all records after `position` have. Raises LeftTheLog, Unavailable."""
        ring = self._channel.state.ring
        if position >= ring.floor:
            return ring.bytes_after(position)
        flight = self._channel.stretch(position, STRETCH_RECORDS)
        self._ahead = (position, flight)
        stretch = await flight.result()
        if not stretch.whole:
            raise LeftTheLog
        read = len(stretch.records)
        return sum(len(record.data) for record in stretch.records) * (read + stretch.pending) // max(1, read)

    async def next(self, *, merging: bool) -> Sequence[Record]:
        """What comes next, none of it newer than the channel's state: at most READ_MESSAGES_MAX, or if `merging` as many as
        make one merged message. Nothing, if there is nothing now: look at channel and position again.

        Raises:
            LeftTheLog: and nothing was given out.
            Unavailable: the log could not be read.
        """
        ring = self._channel.state.ring
        if self.position >= ring.floor:
            self._read.clear()
            records_max = MERGED_RECORDS_MAX if merging else READ_MESSAGES_MAX
            records = ring.after(self.position, records_max=records_max, bytes_max=MERGED_BYTES_MAX)
        else:
            records = await self._from_log()
        if records:
            self.position = records[-1].seq
        return records

    async def _from_log(self) -> Sequence[Record]:
        if not self._read:
            self._read.extend(await self._read_log())
        newest = self._channel.state.seq
        records: list[Record] = []
        while self._read and len(records) < READ_MESSAGES_MAX and self._read[0].seq <= newest:
            records.append(self._read.popleft())
        if not records:
            self._read.clear()
        return records

    async def _read_log(self) -> Sequence[Record]:
        channel, position = self._channel, self.position
        generation = channel.generation
        ahead, self._ahead = self._ahead, None
        flight = ahead[1] if ahead is not None and ahead[0] == position else channel.stretch(position, STRETCH_RECORDS)
        stretch = await flight.result()
        if channel.generation != generation:
            return ()
        if not stretch.whole:
            raise LeftTheLog
        if stretch.pending:
            last = stretch.records[-1].seq
            self._ahead = (last, channel.stretch(last, LONG_STRETCH_RECORDS, stretch.pending))
            await asyncio.sleep(0)  # let it be under way while these are encoded and sent
        elif not stretch.records and channel.state.has_records_after(position):
            await asyncio.sleep(STALE_PAUSE_S)  # a copy of the log that is behind
        elif not stretch.records:
            self.position = channel.state.ring.floor
        return stretch.records
