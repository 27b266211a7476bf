"""Reader: one subscription, pulled: what SSE, long-poll and a WebSocket viewer that is not level read from.

It gives `Subscribed`, then (`Gap`) `Snapshot` or `Events`…, `CaughtUp`, then `Events` as they come. A later `Gap` (the log
lost something, or its stream was made anew) is again followed by a `Snapshot` and `CaughtUp`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, Self, cast

from schemas import wire
from schemas.codec import decode_frame
from schemas.cursor import Cursor
from schemas.errors import Deleted, Invalid, Unavailable
from schemas.events import Frame
from services.broker.port import Record
from services.gateway.coalesce import coalesce
from services.gateway.counts import CaughtUpBy
from services.gateway.encoding import encoder, spliced
from services.gateway.project import EVERYTHING, Projection, View
from services.gateway.records import LeftTheLog, Records

if TYPE_CHECKING:
    from services.gateway.channel import Channel

FUTURE_S = 2.0
"""How long a cursor may be ahead of this gateway: the client saw its frame through another one."""

SMALL_REPLAY_BYTES = 4096
"""A replay up to this is chosen without asking what a snapshot would cost."""


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
        self._records = Records(channel, self._cursor.seq)
        self._gap: wire.Gap | None = None
        self._snapshot_due = False
        self._caught_up = False
        self._merging = False
        self._by: CaughtUpBy | None = None
        self._begun = time.monotonic()
        self._size = 0

    @classmethod
    def resume(cls, channel: Channel, cursor: Cursor, generation: int, *, sub: str, view: View) -> Self:
        """Go on for a viewer who was level up to `cursor` of that generation: deltas are merged until it has caught up."""
        reader = cls(channel, sub=sub, view=view)
        reader._started = reader._merging = True
        reader._by = "recovery"
        reader._generation = generation
        reader._cursor = cursor
        reader._records.start(cursor.seq)
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
            Deleted: the conversation was deleted.
        """
        while True:
            message = await self._step()
            if message is _Due.SNAPSHOT:
                return self._channel.snapshots.message(self._sub, self._view, self._take_snapshot())
            if message is not None:
                self._count(message)
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
        message = await self._step(settle=settle, splice=protocol == wire.JSON_PROTOCOL)
        if message is None:
            return None
        if message is _Due.SNAPSHOT:
            data = self._channel.snapshots.encoded(protocol, self._sub, self._view, self._take_snapshot())
        else:
            data = encoder(protocol)(message)
            self._count(message, len(data))
        self._size += len(data)
        self._channel.counts.bytes += len(data)
        return data

    def _count(self, message: wire.AnyServerMessage, size: int = 0) -> None:
        counts = self._channel.counts
        match message:
            case wire.Events(frames=frames):
                counts.frames += len(frames)
            case wire.Gap(reason=reason):
                counts.gaps.add(reason)
                self._begun, self._size = time.monotonic(), 0
            case wire.CaughtUp():
                by = self._by or cast(CaughtUpBy, self._mode)
                counts.caught_up_s.observe(time.monotonic() - self._begun, by)
                if size:
                    counts.replayed_bytes.observe(self._size, by)

    # --- one step

    async def _step(
        self, *, settle: bool = False, splice: bool = False
    ) -> wire.AnyServerMessage | Literal[_Due.SNAPSHOT] | None:
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
            if self._records.position < channel.state.seq:
                shown = await self._advance(splice=splice)
                if shown is not None:
                    return self._events(shown)
            elif self._caught_up:
                told = self._cursor.seq == self._records.position
                return None if told or not settle else self._events(self._projection.settle() or [])
            else:
                return self._catch_up()
        if channel.fold.deleted:
            raise Deleted(channel.conversation)
        raise Closed("this gateway does not serve the conversation any more")

    def _events(self, frames: list[Frame]) -> wire.Events:
        prev = self.cursor
        self._cursor = Cursor(self._cursor.epoch, self._records.position)
        return wire.Events(sub=self._sub, prev=prev, cursor=self.cursor, frames=frames)

    def _catch_up(self) -> wire.Events | wire.CaughtUp:
        held = self._projection.settle()
        if held:
            return self._events(held)
        self._caught_up = self._merging = True
        self._cursor = Cursor(self._cursor.epoch, self._records.position)
        return wire.CaughtUp(sub=self._sub, cursor=self.cursor)

    def _take_snapshot(self) -> Cursor:
        self._snapshot_due = False
        self._projection = Projection(self._view)
        self._cursor = self._channel.cursor
        self._records.start(self._cursor.seq)
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
        self._records.start(self._cursor.seq)
        self._started = True
        return wire.Subscribed(
            sub=self._sub,
            conversation=channel.conversation,
            mode=self._mode,
            cursor=self.cursor,
            events=channel.fold.events,
        )

    async def _start_after(self, after: Cursor) -> None:
        """Check that everything after `after` can be replayed, and for `auto` whether that is the cheaper way."""
        channel = self._channel
        if after.epoch != channel.cursor.epoch:
            self._break("epoch")
            return
        if after.seq > channel.state.seq:
            await self._await_future(after)
        try:
            cost = await self._records.estimate(after.seq)
        except LeftTheLog:
            self._break("retention")
            return
        if self._mode == "auto" and cost > SMALL_REPLAY_BYTES:
            snapshot = channel.snapshots.encoded(wire.JSON_PROTOCOL, self._sub, self._view, channel.cursor)
            if len(snapshot) < cost:
                self._snapshot_due = True

    async def _await_future(self, after: Cursor) -> None:
        """A frame that this gateway has not seen yet, or one that never was: the stream knows. Raises Invalid."""
        if after.seq > await self._channel.last_stored():
            raise Invalid(f"cursor {after} lies after the end of the log", code="cursor_from_future")
        await self._channel.reached(after.seq, FUTURE_S)

    # --- reading on

    async def _advance(self, *, splice: bool) -> list[Frame] | None:
        """What the viewer sees of the next records; None if nothing, or if something else must be said first. `splice`: where
        it sees all of them as they are stored, their JSON will do (a sixth of a replay's time goes into making it again).
        """
        generation = self._channel.generation
        try:
            records = await self._records.next(merging=self._merging)
        except LeftTheLog:
            self._break("retention")
            return None
        channel = self._channel
        if not records or channel.generation != generation:
            return None
        if splice and not self._merging and self._view == EVERYTHING and channel.state.vouches_for(records[0]):
            return cast(list[Frame], [spliced(record) for record in records])
        frames = _decode(records)
        return self._projection.take(coalesce(frames) if self._merging else frames, channel.fold)


def _decode(records: Iterable[Record]) -> list[Frame]:
    frames = []
    for record in records:
        try:
            frames.append(decode_frame(record.data, record.seq))
        except Invalid:  # the fold has passed over it too
            continue
    return frames
