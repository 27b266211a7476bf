"""Encoded snapshots of one conversation: every item is encoded once per change, every message once per cursor.

A transcript of a megabyte costs a millisecond to encode and a thirtieth of that to put together from items encoded before,
so who joins a long conversation waits no longer than who joins a short one.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import msgspec

from schemas import wire
from schemas.cursor import Cursor
from schemas.fold import Fold
from schemas.transcript import Transcript
from services.gateway.encoding import encoder
from services.gateway.project import View, shown

MESSAGES_MAX = 4
"""Whole messages kept: the usual subscription in both protocols, and two odd ones."""


class _RawTranscript(Transcript, kw_only=True, omit_defaults=True):
    items: list[msgspec.Raw] = msgspec.field(default_factory=list)  # type: ignore[assignment]


class _Snapshot(wire.ServerMessage, frozen=True, kw_only=True, tag="snapshot"):
    sub: str
    cursor: str
    transcript: _RawTranscript


class _Key(NamedTuple):
    protocol: str
    sub: str
    view: View


class Snapshots:
    """The snapshots of one fold. Only this object clears `fold.changed`."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._items: dict[str, dict[str, msgspec.Raw]] = {}
        self._messages: OrderedDict[_Key, tuple[Cursor, bytes]] = OrderedDict()

    def message(self, sub: str, view: View, cursor: Cursor) -> wire.Snapshot:
        """The fold's transcript, which stands at `cursor`, as `view` shows it: an own copy."""
        transcript = self._fold.snapshot()
        visible = (shown(item, view, self._fold) for item in transcript.items)
        transcript.items = [item for item in visible if item is not None]
        return wire.Snapshot(sub=sub, cursor=str(cursor), transcript=transcript)

    def encoded(self, protocol: str, sub: str, view: View, cursor: Cursor) -> bytes:
        """`message`, encoded. The same bytes for everybody who asks at the same cursor."""
        key = _Key(protocol, sub, view)
        known = self._messages.get(key)
        if known is not None and known[0] == cursor:
            return known[1]
        data = self._encode(key, cursor)
        self._messages[key] = (cursor, data)
        self._messages.move_to_end(key)
        if len(self._messages) > MESSAGES_MAX:
            self._messages.popitem(last=False)
        return data

    def _encode(self, key: _Key, cursor: Cursor) -> bytes:
        cache = self._current(key.protocol)
        encode = encoder(key.protocol)
        raws: list[msgspec.Raw] = []
        for item in self._fold.items():
            visible = shown(item, key.view, self._fold)
            if visible is item:
                raw = cache.get(item.id)
                if raw is None:
                    raw = cache[item.id] = msgspec.Raw(encode(item))
                raws.append(raw)
            elif visible is not None:
                raws.append(msgspec.Raw(encode(visible)))
        head = self._fold.head()
        transcript = _RawTranscript(
            conversation=head.conversation,
            title=head.title,
            created=head.created,
            input_last=head.input_last,
            runs=head.runs,
            items=raws,
        )
        return encode(_Snapshot(sub=key.sub, cursor=str(cursor), transcript=transcript))

    def _current(self, protocol: str) -> dict[str, msgspec.Raw]:
        """The encoded items of a protocol, those forgotten that have changed."""
        for item_id in self._fold.changed:
            for cache in self._items.values():
                cache.pop(item_id, None)
        self._fold.changed.clear()
        return self._items.setdefault(protocol, {})
