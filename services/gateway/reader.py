"""Reader: one subscription, pulled: what SSE, long-poll and a WebSocket viewer that is not level read from.

It gives `Subscribed`, then (`Gap`) `Snapshot` or `Events`…, `CaughtUp`, then `Events` as they come. A later `Gap` (the log
lost something, or its stream was made anew) is again followed by a `Snapshot` and `CaughtUp`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, Self

from schemas import wire
from schemas.codec import decode_frame
from schemas.cursor import Cursor
from schemas.errors import Invalid, Unavailable
from schemas.events import Frame
from services.broker.port import READ_MESSAGES_MAX, Record
from services.gateway.coalesce import coalesce
from services.gateway.encoding import encoder
from services.gateway.flights import Flight
from services.gateway.history import STALE_PAUSE_S, Stretch
from services.gateway.project import Projection, View

if TYPE_CHECKING:
    from services.gateway.channel import Channel

FUTURE_S = 2.0
"""How long a cursor may be ahead of this gateway: the client saw its frame through another one."""

SMALL_REPLAY_BYTES = 4096
"""A replay up to this is chosen without asking what a snapshot would cost."""

COALESCED_RECORDS_MAX = 1024
COALESCED_BYTES_MAX = 128 * 1024
"""Records made into one message for a viewer that is behind: most of them become part of a longer delta."""


class Closed(Unavailable):
    """The gateway is going away, or the channel was closed: come back to any gateway with the last cursor."""

    code = "gateway_draining"


class _Due(Enum):
    SNAPSHOT = 1


class Reader:
    """One subscription's way through a channel: `cursor` is what the viewer was told, the position what has been read."""

    def __init__(
        self, channel: Channel, *, sub: str, view: View, after: Cursor | None = None, mode: wire.Mode = "auto"
    ) -> None:
        self._channel: Final = channel
        self._sub: Final = sub
        self._view: Final = view
        self._after = after
        self._mode: wire.Mode = mode
        self._started = False
        self._generation = channel.generation
        self._projection = Projection(view)
        self._cursor = channel.cursor
        self._position = self._cursor.seq
        self._ahead: tuple[int, Flight[Stretch]] | None = None
        self._gap: wire.Gap | None = None
        self._snapshot_due = False
        self._caught_up = False
        self._merging = False

    @classmethod
    def resume(cls, channel: Channel, cursor: Cursor, generation: int, *, sub: str, view: View) -> Self:
        """Go on for a viewer who was level up to `cursor` of that generation: deltas are merged until it has caught up."""
        reader = cls(channel, sub=sub, view=view)
        reader._started = reader._merging = True
        reader._generation = generation
        reader._cursor = cursor
        reader._position = cursor.seq
        return reader

    # --- what its users ask

    @property
    def cursor(self) -> str:
        """The text form of the position the viewer was told: what it resumes after."""
        return str(self._cursor)

    @property
    def level(self) -> bool:
        """Whether everything up to the channel's cursor has been given out and `next` would wait."""
        channel = self._channel
        return self._caught_up and self._generation == channel.generation and self._cursor.seq == channel.state.seq

    async def next(self) -> wire.AnyServerMessage:
        """The next message; waits while there is nothing new. A cancelled call loses nothing: call again.

        Raises:
            Invalid: `after` lies in the future (code `cursor_from_future`); on the first call only.
            Unavailable: the log could not be read; call again.
            Closed: the gateway drains.
        """
        while True:
            message = await self._step(settle=False)
            if message is _Due.SNAPSHOT:
                return self._channel.snapshots.message(self._sub, self._view, self._take_snapshot())
            if message is not None:
                return message
            await self._channel.news()

    async def next_encoded(self, protocol: str) -> bytes:
        """As `next`, encoded for `wire.JSON_PROTOCOL` or `wire.MSGPACK_PROTOCOL`: snapshots come from a cache."""
        while (data := await self._encoded(protocol, settle=False)) is None:
            await self._channel.news()
        return data

    async def step_encoded(self, protocol: str) -> bytes | None:
        """As `next_encoded`, but None when there is nothing more now, and the viewer was told so: its cursor is the
        channel's, also if the last frames held nothing for it.
        """
        return await self._encoded(protocol, settle=True)

    async def _encoded(self, protocol: str, *, settle: bool) -> bytes | None:
        message = await self._step(settle=settle)
        if message is _Due.SNAPSHOT:
            return self._channel.snapshots.encoded(protocol, self._sub, self._view, self._take_snapshot())
        return None if message is None else encoder(protocol)(message)

    # --- one step

    async def _step(self, *, settle: bool) -> wire.AnyServerMessage | Literal[_Due.SNAPSHOT] | None:
        """The next message, with its effects on the position; `SNAPSHOT` where that is to be taken now, without an await."""
        channel = self._channel
        while not channel.closed:
            if not self._started:
                return await self._start()
            if self._generation != channel.generation:
                self._break(channel.lost)
            if self._gap is not None:
                gap, self._gap = self._gap, None
                return gap
            if self._snapshot_due:
                return _Due.SNAPSHOT
            if self._position < channel.state.seq:
                shown = await self._advance()
                if shown is not None:
                    return self._events(shown)
            elif self._caught_up:
                told = self._cursor.seq == self._position
                return None if told or not settle else self._events(self._projection.settle() or [])
            else:
                return self._catch_up()
        raise Closed("this gateway does not serve the conversation any more")

    def _events(self, frames: list[Frame]) -> wire.Events:
        prev = self.cursor
        self._cursor = Cursor(self._cursor.epoch, self._position)
        return wire.Events(sub=self._sub, prev=prev, cursor=self.cursor, frames=frames)

    def _catch_up(self) -> wire.Events | wire.CaughtUp:
        held = self._projection.settle()
        if held:
            return self._events(held)
        self._caught_up = self._merging = True
        self._cursor = Cursor(self._cursor.epoch, self._position)
        return wire.CaughtUp(sub=self._sub, cursor=self.cursor)

    def _take_snapshot(self) -> Cursor:
        self._snapshot_due = False
        self._projection = Projection(self._view)
        self._cursor = self._channel.cursor
        self._position = self._cursor.seq
        return self._cursor

    def _break(self, reason: Literal["retention", "epoch", "lost"]) -> None:
        """What comes after the cursor cannot be replayed: say so, and start again from a snapshot."""
        to = str(self._channel.cursor)
        self._gap = wire.Gap(sub=self._sub, after=self.cursor, to=to, reason=reason)
        self._generation = self._channel.generation
        self._snapshot_due = True
        self._caught_up = False

    # --- the start

    async def _start(self) -> wire.Subscribed:
        """Until a snapshot has come, the viewer's cursor is the one it brought: it may be cut off before."""
        channel = self._channel
        asked = self._mode
        self._cursor = channel.cursor if asked == "tail" else self._after or Cursor(channel.cursor.epoch, 0)
        if asked == "snapshot" or (asked == "auto" and self._after is None):
            self._snapshot_due = True
        elif asked != "tail":
            await self._start_after(self._cursor)
        if asked == "auto":
            self._mode = "snapshot" if self._snapshot_due else "replay"
        self._position = self._cursor.seq
        self._started = True
        return wire.Subscribed(sub=self._sub, conversation=channel.conversation, mode=self._mode, cursor=self.cursor)

    async def _start_after(self, after: Cursor) -> None:
        """Check that everything after `after` can be replayed, and for `auto` whether that is the cheaper way."""
        channel = self._channel
        if after.epoch != channel.cursor.epoch:
            self._break("epoch")
            return
        if after.seq > channel.state.seq:
            await self._await_future(after)
        position = min(after.seq, channel.state.seq)
        ring = channel.state.ring
        if position >= ring.floor:
            cost = ring.bytes_after(position)
        else:
            flight = channel.stretch(position)
            stretch = await flight.result()
            if not stretch.whole:
                self._break("retention")
                return
            self._ahead = (position, flight)
            cost = _estimate(stretch)
        if self._mode == "auto" and cost > SMALL_REPLAY_BYTES:
            snapshot = channel.snapshots.encoded(wire.JSON_PROTOCOL, self._sub, self._view, channel.cursor)
            if len(snapshot) < cost:
                self._snapshot_due = True
                return
        self._cursor = Cursor(after.epoch, position)

    async def _await_future(self, after: Cursor) -> None:
        """A frame that this gateway has not seen yet, or one that never was: the stream knows. Raises Invalid."""
        if after.seq > await self._channel.last_stored():
            raise Invalid(f"cursor {after} lies after the end of the log", code="cursor_from_future")
        await self._channel.reached(after.seq, FUTURE_S)

    # --- reading on

    async def _advance(self) -> list[Frame] | None:
        """What the viewer sees of the next records; None if nothing, or if something else must be said first."""
        ring = self._channel.state.ring
        if self._position >= ring.floor:
            records_max = COALESCED_RECORDS_MAX if self._merging else READ_MESSAGES_MAX
            records = ring.after(self._position, records_max=records_max, bytes_max=COALESCED_BYTES_MAX)
        else:
            records = await self._from_log()
        if not records:
            return None
        self._position = records[-1].seq
        frames = _decode(records)
        return self._projection.take(coalesce(frames) if self._merging else frames, self._channel.fold)

    async def _from_log(self) -> Sequence[Record]:
        """The records after the position that the ring has no more. None of them is newer than the channel's fold."""
        channel, position = self._channel, self._position
        ahead, self._ahead = self._ahead, None
        flight = ahead[1] if ahead is not None and ahead[0] == position else channel.stretch(position)
        stretch = await flight.result()
        if self._generation != channel.generation or channel.closed:
            return ()
        if not stretch.whole:
            self._break("retention")
            return ()
        state = channel.state
        records = [record for record in stretch.records if record.seq <= state.seq]
        if not records:
            if state.has_records_after(position):
                await asyncio.sleep(STALE_PAUSE_S)  # a copy of the log that is behind
            else:
                self._position = state.ring.floor
        elif stretch.pending:
            self._ahead = (records[-1].seq, channel.stretch(records[-1].seq))
            await asyncio.sleep(0)  # let it be under way while these are encoded and sent
        return records


def _decode(records: Iterable[Record]) -> list[Frame]:
    frames = []
    for record in records:
        try:
            frames.append(decode_frame(record.data, record.seq))
        except Invalid:  # the fold has passed over it too
            continue
    return frames


def _estimate(stretch: Stretch) -> int:
    """About how many bytes a replay that begins with `stretch` has."""
    size = sum(len(record.data) for record in stretch.records)
    return size * (len(stretch.records) + stretch.pending) // max(1, len(stretch.records))
