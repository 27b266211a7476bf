"""Bytes from the gateway to messages, tolerant of a newer gateway: its unknown events are carried, unknown messages skipped."""

from __future__ import annotations

import msgspec

from schemas import wire
from schemas.codec import decode_frame
from schemas.errors import Invalid


class _RawEvents(wire.ServerMessage, frozen=True, kw_only=True, tag="events"):
    sub: str
    prev: str
    cursor: str
    frames: list[msgspec.Raw]


class _Tag(msgspec.Struct, frozen=True):
    op: str


_typed = msgspec.json.Decoder(wire.AnyServerMessage)
_raw_events = msgspec.json.Decoder(_RawEvents)
_tag = msgspec.json.Decoder(_Tag)

KNOWN_OPS: frozenset[str] = frozenset(member.__struct_config__.tag for member in wire.AnyServerMessage.__args__)


def decode_server(data: str | bytes) -> wire.AnyServerMessage | None:
    """Decode what the gateway sent in JSON; None for an operation that this version does not know.

    Raises:
        Invalid: it is no message of the protocol, so that nothing that follows can be trusted either.
    """
    try:
        try:
            message: wire.AnyServerMessage = _typed.decode(data)
            return message
        except msgspec.ValidationError:
            return _decode_newer(data)
    except msgspec.DecodeError as error:
        raise Invalid(f"not a message of the gateway: {error}", code="malformed") from error


def _decode_newer(data: str | bytes) -> wire.AnyServerMessage | None:
    op = _tag.decode(data).op
    if op not in KNOWN_OPS:
        return None
    if op != "events":
        _typed.decode(data)  # raises again, with what is wrong
    raw = _raw_events.decode(data)
    frames = [decode_frame(bytes(frame)) for frame in raw.frames]
    return wire.Events(sub=raw.sub, prev=raw.prev, cursor=raw.cursor, frames=frames)
