"""Frames to bytes and back: JSON in the log, so that a person can read it with any NATS tool (docs/decisions/0003).

The common path decodes a frame in one pass into the closed union. Only a frame with an event type that this version does
not know is taken apart event by event, so that the unknown one is carried through instead of losing its frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from schemas.errors import Invalid
from schemas.events import AnyEvent, Frame, KnownEvent, Unknown


class _RawFrame(Frame, frozen=True, kw_only=True, omit_defaults=True):
    events: list[msgspec.Raw]  # type: ignore[assignment]


def json_hook(value: Any) -> Any:
    """`enc_hook` of every JSON encoder that may meet an `Unknown`."""
    if isinstance(value, Unknown):
        return msgspec.Raw(value.raw)
    raise NotImplementedError(f"cannot encode {type(value).__name__}")


def msgpack_hook(value: Any) -> Any:
    """`enc_hook` of every MessagePack encoder that may meet an `Unknown`."""
    if isinstance(value, Unknown):
        return msgspec.json.decode(value.raw)
    raise NotImplementedError(f"cannot encode {type(value).__name__}")


_encoder = msgspec.json.Encoder(enc_hook=json_hook)
_typed = msgspec.json.Decoder(Frame)
_raw = msgspec.json.Decoder(_RawFrame)
_event = msgspec.json.Decoder(KnownEvent)

encode_frame = _encoder.encode

_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no JSON, no UTF-8, or nested too deeply to be read."""


def decode_frame(data: bytes, seq: int = 0) -> Frame:
    """Decode a frame of the log; `seq` is the stream sequence it was stored at.

    Raises:
        Invalid: the bytes are no frame, or an event of a known type lacks a field or has a wrong one.
    """
    try:
        frame = _typed.decode(data)
    except msgspec.ValidationError:
        frame = _decode_with_unknown(data)
    except _NOT_JSON as error:
        raise Invalid(f"not a frame: {error}", code="invalid_frame") from error
    if seq:
        msgspec.structs.force_setattr(frame, "seq", seq)
    return frame


def _decode_with_unknown(data: bytes) -> Frame:
    try:
        frame = _raw.decode(data)
        events = [_decode_event(bytes(raw)) for raw in frame.events]
    except _NOT_JSON as error:
        raise Invalid(f"not a frame: {error}", code="invalid_frame") from error
    return Frame(**(msgspec.structs.asdict(frame) | {"events": events}))


def _decode_event(raw: bytes) -> AnyEvent:
    unknown = Unknown(raw)
    return unknown if unknown.type not in KNOWN_TYPES else _event.decode(raw)


KNOWN_TYPES: frozenset[str] = frozenset(member.__struct_config__.tag for member in KnownEvent.__args__)


class Expanded(NamedTuple):
    """An event with everything the frame says about it: `n` in its lane, full namespace, absolute time in ms."""

    lane: str
    n: int
    attempt: int
    ns: str
    ts: int
    event: AnyEvent


def expand(frame: Frame) -> Iterator[Expanded]:
    """The frame's events for a reader. Raises Invalid for a frame whose numbers are gone (`count`)."""
    if frame.count:
        raise Invalid("a merged or filtered frame has no number per event", code="invalid_frame")
    for index, event in enumerate(frame.events):
        yield Expanded(frame.in_lane, frame.n + index, frame.attempt, event.ns or frame.ns, frame.ts + event.dt, event)
