"""The messages between a client and the gateway, on WebSocket and (those of the server) on SSE and long-poll.

One WebSocket carries many subscriptions; `sub` names one. Within a subscription every `events` names as `prev` the cursor
of the `events` before it (the first one after `subscribed`, `snapshot` or `caught_up` a cursor at or before that one's), so
a client can see for itself that nothing is missing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from schemas.errors import ErrorBody, Invalid
from schemas.events import Frame, Multitask
from schemas.ids import Id
from schemas.transcript import Transcript

JSON_PROTOCOL = "anabranch.v1.json"
MSGPACK_PROTOCOL = "anabranch.v1.msgpack"

TEXT_CHARS_MAX = 200_000
NAMESPACES_MAX = 16
SUBSCRIPTIONS_MAX = 256
MESSAGE_BYTES_MAX = 1024 * 1024

CLOSED_COME_BACK = range(4000, 4100)
CLOSED_COME_BACK_LATER = range(4100, 4200)
CLOSED_FOR_GOOD = range(4400, 4500)
"""The WebSocket close codes, by what they ask of a client."""

Mode = Literal["auto", "tail", "replay", "snapshot"]
Granularity = Literal["deltas", "messages"]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_CHARS_MAX)]
CursorText = Annotated[str, msgspec.Meta(max_length=64)]


class ClientMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", forbid_unknown_fields=True):
    pass


class Subscribe(ClientMessage, frozen=True, kw_only=True, tag="subscribe"):
    """`sub` names the subscription; without one it is the conversation's id. `namespaces`: subtrees to see, all if empty."""

    conversation: Id
    sub: Annotated[str, msgspec.Meta(max_length=64)] = ""
    after: CursorText = ""
    mode: Mode = "auto"
    namespaces: Annotated[list[str], msgspec.Meta(max_length=NAMESPACES_MAX)] = []
    granularity: Granularity = "deltas"


class Unsubscribe(ClientMessage, frozen=True, kw_only=True, tag="unsubscribe"):
    sub: str


class Send(ClientMessage, frozen=True, kw_only=True, tag="send"):
    """`id` is the idempotency key: sent again, it attaches to the run that exists."""

    conversation: Id
    id: Id
    text: Text
    agent: Id = "assistant"
    multitask: Multitask = "enqueue"


class Cancel(ClientMessage, frozen=True, kw_only=True, tag="cancel"):
    conversation: Id
    run: Id


class Resolve(ClientMessage, frozen=True, kw_only=True, tag="resolve"):
    conversation: Id
    interrupt: Id
    decision: Literal["approved", "denied", "answered"]
    value: Any = None


class Auth(ClientMessage, frozen=True, kw_only=True, tag="auth"):
    token: Annotated[str, msgspec.Meta(max_length=8192)]


class Ping(ClientMessage, frozen=True, kw_only=True, tag="ping"):
    pass


AnyClientMessage = Subscribe | Unsubscribe | Send | Cancel | Resolve | Auth | Ping


class ServerMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    pass


class Subscribed(ServerMessage, frozen=True, kw_only=True, tag="subscribed"):
    """`mode` is what was chosen for `auto`; `cursor` is where the subscription starts. `events`: how many the conversation has
    had by now, the last numbers of all its lanes together; 0 from a gateway that does not say.
    """

    sub: str
    conversation: str
    mode: Mode
    cursor: str
    events: int = 0


class Snapshot(ServerMessage, frozen=True, kw_only=True, tag="snapshot"):
    sub: str
    cursor: str
    transcript: Transcript


class Events(ServerMessage, frozen=True, kw_only=True, tag="events"):
    sub: str
    prev: str
    cursor: str
    frames: list[Frame]


class CaughtUp(ServerMessage, frozen=True, kw_only=True, tag="caught_up"):
    """Everything up to `cursor` has been sent; what follows is live."""

    sub: str
    cursor: str


class Gap(ServerMessage, frozen=True, kw_only=True, tag="gap"):
    """The events after `after` cannot be replayed; a `snapshot` follows. `reason`: `retention`, `epoch` or `lost`."""

    sub: str
    after: str
    to: str
    reason: Literal["retention", "epoch", "lost"]


class Lagging(ServerMessage, frozen=True, kw_only=True, tag="lagging"):
    """The viewer reads more slowly than events come. Nothing is lost: it is served from its position, deltas merged."""

    sub: str
    cursor: str


class Ack(ServerMessage, frozen=True, kw_only=True, tag="ack"):
    """`ref` is the id of what was acknowledged. For `send`: `attached` means the message was there already."""

    ref: str
    run: str = ""
    cursor: str = ""
    attached: bool = False


class Error(ServerMessage, frozen=True, kw_only=True, tag="error"):
    code: str
    message: str
    retryable: bool = False
    ref: str = ""


class Reconnect(ServerMessage, frozen=True, kw_only=True, tag="reconnect"):
    """This gateway is going away: come back to any gateway, with your cursors, after `after_ms`."""

    after_ms: int


class Pong(ServerMessage, frozen=True, kw_only=True, tag="pong"):
    pass


AnyServerMessage = Subscribed | Snapshot | Events | CaughtUp | Gap | Lagging | Ack | Error | Reconnect | Pong

_client_json = msgspec.json.Decoder(AnyClientMessage)
_client_msgpack = msgspec.msgpack.Decoder(AnyClientMessage)


def decode_client(data: bytes, protocol: str) -> AnyClientMessage:
    """Decode what a client sent.

    Raises:
        Invalid: it is not the encoding of a known operation; the message says which field is wrong.
    """
    decoder = _client_msgpack if protocol == MSGPACK_PROTOCOL else _client_json
    try:
        message: AnyClientMessage = decoder.decode(data)
        return message
    except msgspec.ValidationError as error:
        raise Invalid(str(error), code="invalid_message") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid(f"not a message: {error}", code="malformed") from error


def error_message(body: ErrorBody, ref: str = "") -> Error:
    return Error(code=body.code, message=body.message, retryable=body.retryable, ref=ref or body.ref)
