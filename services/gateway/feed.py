"""Feeds: the viewers of one channel who are level. Who gets the same bytes shares a feed: encoded once, written to each,
awaited by none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import structlog

from schemas import wire
from schemas.cursor import Cursor
from schemas.events import Frame
from schemas.fold import Fold
from services.gateway.counts import Counts
from services.gateway.encoding import encoder
from services.gateway.project import Projection, View
from services.gateway.push import websocket_frame

_log = structlog.get_logger()


class Viewer(Protocol):
    """Who can be level: a subscription of a WebSocket."""

    def push(self, frame: bytes) -> bool:
        """Write a ready WebSocket frame without waiting; False, and nothing written, if too much is queued already."""

    def fall_behind(self, cursor: Cursor, generation: int, *, lagging: bool) -> None:
        """It has left its feed at `cursor` and must serve itself from there. `lagging`: because it reads too slowly."""


class FeedKey(NamedTuple):
    """Who has the same key gets the same bytes."""

    protocol: str
    sub: str
    view: View


class Feed:
    """`cursor` is what its viewers were told last."""

    def __init__(self, key: FeedKey, cursor: Cursor, generation: int, counts: Counts) -> None:
        self._sub = key.sub
        self._encode = encoder(key.protocol)
        self._text = key.protocol == wire.JSON_PROTOCOL
        self._projection = Projection(key.view)
        self._viewers: dict[Viewer, None] = {}
        self._generation = generation
        self._counts = counts
        self._cursor = cursor
        self._cursor_text = str(cursor)

    def __len__(self) -> int:
        return len(self._viewers)

    def add(self, viewer: Viewer) -> None:
        self._viewers[viewer] = None

    def discard(self, viewer: Viewer) -> None:
        self._viewers.pop(viewer, None)

    def flush(self, frames: Sequence[Frame], cursor: Cursor, cursor_text: str, fold: Fold) -> None:
        """Push what its viewers see of `frames`, which end at `cursor`. Who does not take it falls behind."""
        shown = self._projection.take(frames, fold)
        if shown is not None:
            self._push(shown, cursor, cursor_text)

    def settle(self, cursor: Cursor, cursor_text: str) -> None:
        """Bring the viewers' cursor to `cursor`, which was flushed, so that somebody else can join them there."""
        held = self._projection.settle()
        if held is not None:
            self._push(held, cursor, cursor_text)

    def dissolve(self) -> None:
        """What comes cannot be shared: everybody must serve himself from the cursor he has."""
        viewers, self._viewers = self._viewers, {}
        for viewer in viewers:
            viewer.fall_behind(self._cursor, self._generation, lagging=False)

    def _push(self, frames: list[Frame], cursor: Cursor, cursor_text: str) -> None:
        events = wire.Events(sub=self._sub, prev=self._cursor_text, cursor=cursor_text, frames=frames)
        frame = websocket_frame(self._encode(events), text=self._text)
        full = [viewer for viewer in self._viewers if not viewer.push(frame)]
        for viewer in full:
            del self._viewers[viewer]
            viewer.fall_behind(self._cursor, self._generation, lagging=True)
        self._counts.fallen_behind += len(full)
        self._counts.pushed(len(self._viewers), frames, len(frame))
        self._cursor, self._cursor_text = cursor, cursor_text


class Feeds:
    """All feeds of one channel."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._feeds: dict[FeedKey, Feed] = {}

    @property
    def viewers(self) -> int:
        return sum(map(len, self._feeds.values()))

    def flush(self, frames: Sequence[Frame], cursor: Cursor, fold: Fold) -> None:
        text = str(cursor)
        for key, feed in list(self._feeds.items()):
            try:
                feed.flush(frames, cursor, text, fold)
            except Exception:  # a bug, and this feed's alone: who shares it meets it by himself, the others go on
                _log.exception("a feed failed", conversation=fold.conversation)
                feed.dissolve()
            if not feed:
                del self._feeds[key]

    def add(self, viewer: Viewer, key: FeedKey, cursor: Cursor, generation: int) -> None:
        """`cursor`: what the viewer was told last, and what was flushed last."""
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = Feed(key, cursor, generation, self._counts)
        feed.settle(cursor, str(cursor))
        feed.add(viewer)

    def discard(self, viewer: Viewer, key: FeedKey) -> None:
        feed = self._feeds.get(key)
        if feed is not None:
            feed.discard(viewer)
            if not feed:
                del self._feeds[key]

    def dissolve(self) -> None:
        feeds, self._feeds = self._feeds, {}
        for feed in feeds.values():
            feed.dissolve()
