"""Server messages to bytes, for each protocol a client may choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from schemas.codec import json_hook, msgpack_hook
from schemas.wire import JSON_PROTOCOL, MSGPACK_PROTOCOL
from services.broker.port import Record

PROTOCOLS = (JSON_PROTOCOL, MSGPACK_PROTOCOL)

Encode = Callable[[Any], bytes]

_json = msgspec.json.Encoder(enc_hook=json_hook).encode
_msgpack = msgspec.msgpack.Encoder(enc_hook=msgpack_hook).encode


def _encode_msgpack(message: Any) -> bytes:
    """Numbers of JSON that MessagePack has no integers for (a tool may return 2**100) become floats, as in JavaScript."""
    try:
        return _msgpack(message)
    except OverflowError:
        return _msgpack(_rounded(msgspec.json.decode(_json(message))))


def _rounded(value: Any) -> Any:
    match value:
        case int() if not -(2**63) <= value < 2**64:
            return float(str(value))  # infinite where `float(value)` would raise
        case list():
            return [_rounded(element) for element in value]
        case dict():
            return {name: _rounded(element) for name, element in value.items()}
    return value


_ENCODERS: dict[str, Encode] = {JSON_PROTOCOL: _json, MSGPACK_PROTOCOL: _encode_msgpack}


def spliced(record: Record) -> msgspec.Raw:
    """A frame's record as JSON for clients: as it is stored, with its `seq`. The caller knows that it is a frame."""
    return msgspec.Raw(b'%b,"seq":%d}' % (record.data.rstrip()[:-1], record.seq))


def encoder(protocol: str) -> Encode:
    """The encoder of one of PROTOCOLS, for a server message or a part of one."""
    return _ENCODERS[protocol]
