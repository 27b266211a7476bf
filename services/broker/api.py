"""The JetStream API of the server: requests with typed answers, and its errors translated to ours.

Documented at docs.nats.io/reference/reference-protocols/nats_api_reference; error codes in nats-server's errors.json.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from schemas.errors import AnabranchError, Conflict, Fenced, NotFound, Overloaded, TooLarge, Unavailable
from services.broker.connection import Connection

WRONG_LAST_SEQUENCE = 10071
STREAM_NOT_FOUND = 10059
MAXIMUM_BYTES = 10077
TOO_LARGE = 10054
STILL_IN_PROCESS = (10158, 10164)
"""A message of the same id, or another on the same subject, is on its way through the quorum: ask again soon."""

TRACE = "traceparent"
"""The header in which a message carries its trace (W3C Trace Context)."""

DELETE_FAILED = (10043, 10057)
"""What deleting a message that is not there answers, by version of the server."""


class ApiError(msgspec.Struct, frozen=True):
    code: int
    err_code: int = 0
    description: str = ""


class PubAck(msgspec.Struct, frozen=True):
    """Answer to a message published to a stream."""

    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: ApiError | None = None


class StoredMessage(msgspec.Struct, frozen=True):
    """`data` and `hdrs` travel in base64."""

    subject: str
    seq: int
    data: bytes = b""
    hdrs: bytes = b""


class StreamState(msgspec.Struct, frozen=True):
    """`first_ts` of an empty stream is in the year 1. `subjects`: messages by subject, where it was asked for."""

    messages: int
    bytes: int
    first_seq: int
    last_seq: int
    first_ts: datetime
    subjects: dict[str, int] = {}


class ClusterInfo(msgspec.Struct, frozen=True):
    leader: str = ""


class MirrorInfo(msgspec.Struct, frozen=True):
    """`lag`: messages that it has not copied yet."""

    lag: int = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The fields we read of any answer of the API."""

    error: ApiError | None = None
    config: dict[str, Any] = {}
    created: str = ""
    state: StreamState | None = None
    message: StoredMessage | None = None
    cluster: ClusterInfo = ClusterInfo()
    mirror: MirrorInfo | None = None
    total: int = 0
    streams: list[str] | None = None
    consumers: list[Answer] | None = None
    num_pending: int = 0
    num_ack_pending: int = 0
    num_redelivered: int = 0
    num_waiting: int = 0

    @property
    def held(self) -> StreamState:
        """The state of a stream. Raises Unavailable: its leader is not known now."""
        if self.state is None:
            raise Unavailable(f"the state of {self.config.get('name', 'a stream')} is not known now")
        return self.state


T = TypeVar("T")

_answer = msgspec.json.Decoder(Answer)
_puback = msgspec.json.Decoder(PubAck)
_encode = msgspec.json.Encoder().encode


async def call(connection: Connection, operation: str, request: Any = None) -> Answer:
    """`operation` is what follows `$JS.API.`, e.g. `STREAM.INFO.AB_DEAD`.

    Raises:
        NotFound: no such stream, consumer or message.
        Unavailable: no answer, or no leader at the moment.
        Conflict: the server refuses; its description says why.
    """
    subject = f"$JS.API.{operation}"
    reply = await connection.request(subject, b"" if request is None else _encode(request))
    if status(reply.headers) == 503:
        raise Unavailable(f"nothing answers to {subject}: JetStream is off, or has no leader now")
    answer = _decode(_answer, reply.data, subject)
    if answer.error is not None:
        raise error_of(answer.error, operation)
    return answer


async def stream_names(connection: Connection) -> list[str]:
    """The names of all streams of the account. Raises as `call`."""
    found: list[str] = []
    while True:
        page = await call(connection, "STREAM.NAMES", {"offset": len(found)})
        found += page.streams or []
        if not page.streams or len(found) >= page.total:
            return found


async def consumers(connection: Connection, stream: str) -> list[Answer]:
    """All consumers of a stream. Raises as `call`."""
    found: list[Answer] = []
    while True:
        page = await call(connection, f"CONSUMER.LIST.{stream}", {"offset": len(found)})
        found += page.consumers or []
        if not page.consumers or len(found) >= page.total:
            return found


async def subject_counts(connection: Connection, stream: str, matching: str) -> dict[str, int]:
    """How many messages the stream has on each subject that matches. Raises as `call`."""
    found: dict[str, int] = {}
    while True:
        request = {"subjects_filter": matching, "offset": len(found)}
        page = await call(connection, f"STREAM.INFO.{stream}", request)
        more = page.state.subjects if page.state is not None else {}
        found |= more
        if not more or len(found) >= page.total:
            return found


async def store(connection: Connection, subject: str, data: bytes, headers: dict[str, str]) -> PubAck:
    """Publish to a stream and wait for its acknowledgement.

    Raises:
        Fenced: the `Nats-Expected-…` headers do not fit.
        Unavailable: the outcome is unknown, or no stream takes this subject now.
        Overloaded: the stream is full.
        TooLarge: over the payload limit; nothing was sent.
    """
    reply = await connection.request(subject, data, headers=headers)
    result = read_puback(reply.data, reply.headers, subject)
    if isinstance(result, AnabranchError):
        raise result
    return result


def read_puback(data: bytes, headers: bytes | None, subject: str) -> PubAck | AnabranchError:
    if headers is not None and status(headers) == 503:
        return Unavailable(f"no stream takes {subject} now")
    try:
        ack = _decode(_puback, data, subject)
    except Unavailable as error:
        return error
    return ack if ack.error is None else error_of(ack.error, subject)


def error_of(error: ApiError, about: str) -> AnabranchError:
    text = f"{about}: {error.description} ({error.err_code})"
    if error.err_code == WRONG_LAST_SEQUENCE:
        return Fenced(text)
    if error.err_code == MAXIMUM_BYTES:
        return Overloaded(text, code="stream_full")
    if error.code == 404 or error.err_code in DELETE_FAILED:
        return NotFound(text, code="stream_not_found" if error.err_code == STREAM_NOT_FOUND else None)
    if error.err_code == TOO_LARGE:
        return TooLarge(text)
    if error.code in {429, 503} or error.err_code in STILL_IN_PROCESS:
        return Unavailable(text)
    return Conflict(text, code="broker_refused")


def status(headers: bytes | None) -> int:
    """The status in a header block's first line (`NATS/1.0 503`), 0 if it has none."""
    if headers is None or headers[8:9] != b" ":
        return 0
    return int(headers[9:12])


def header(headers: bytes | None, name: bytes) -> bytes:
    """The value of the header `name`, empty if it is not there."""
    if headers is None:
        return b""
    start = headers.find(b"\r\n" + name + b": ")
    if start < 0:
        return b""
    start += len(name) + 4
    return headers[start : headers.index(b"\r", start)]


def trace(headers: bytes | None) -> str:
    """The traceparent that a message carries, empty if it has none."""
    return header(headers, TRACE.encode()).decode(errors="replace")


def _decode(decoder: msgspec.json.Decoder[T], data: bytes, about: str) -> T:
    try:
        return decoder.decode(data)
    except msgspec.DecodeError as error:
        raise Unavailable(f"{about}: an answer that is not JetStream's: {error}") from error
