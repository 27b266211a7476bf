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

_ENCODERS: dict[str, Encode] = {
    JSON_PROTOCOL: msgspec.json.Encoder(enc_hook=json_hook).encode,
    MSGPACK_PROTOCOL: msgspec.msgpack.Encoder(enc_hook=msgpack_hook).encode,
}


def spliced(record: Record) -> msgspec.Raw:
    """A frame's record as JSON for clients: as it is stored, with its `seq`. The caller knows that it is a frame."""
    return msgspec.Raw(b'%b,"seq":%d}' % (record.data.rstrip()[:-1], record.seq))


def encoder(protocol: str) -> Encode:
    """The encoder of one of PROTOCOLS, for a server message or a part of one."""
    return _ENCODERS[protocol]
