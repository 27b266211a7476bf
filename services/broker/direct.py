"""Reading the log: single messages from a stream's leader, batches from any copy of it by Direct Get (ADR-31).

The raw request, because nats-py has no batch reader. A batch is bounded in messages and bytes, since the server scans
while the stream's writers wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from schemas.errors import Invalid, NotFound, Unavailable
from services.broker import api
from services.broker.connection import Connection
from services.broker.port import READ_BYTES_MAX, READ_MESSAGES_MAX, Batch, Record

LASTS_MAX = 100
"""Subjects of one request for last messages: with frames of 64 KiB, 6 MiB on their way."""

_END_OF_BATCH = 204
_NOTHING = 404


class Unserved(Unavailable):
    """None of the servers that run may answer for the stream."""


async def last_message(connection: Connection, stream: str, subject: str) -> api.StoredMessage | None:
    """The last message on the subject, from the leader. Raises Unavailable, NotFound for a stream that does not exist."""
    return await _stored(connection, stream, {"last_by_subj": subject})


async def next_message(connection: Connection, stream: str, subject: str, after: int) -> api.StoredMessage | None:
    """The first message on the subject above `after`, from the leader. Raises as `last_message`."""
    return await _stored(connection, stream, {"seq": after + 1, "next_by_subj": subject})


async def _stored(connection: Connection, stream: str, request: dict[str, object]) -> api.StoredMessage | None:
    try:
        answer = await api.call(connection, f"STREAM.MSG.GET.{stream}", request)
    except NotFound as error:
        if error.code == "stream_not_found":
            raise
        return None
    return answer.message


def record_of(message: api.StoredMessage) -> Record:
    return Record(message.seq, message.subject.rpartition(".")[2], message.data, api.trace(message.hdrs))


async def read(connection: Connection, stream: str, subject: str, after: int, messages: int) -> Batch:
    """One batch, as `Broker.read`.

    Raises:
        Unserved: nothing serves the stream now, which is known at once.
        Unavailable: the batch did not come to its end in time.
    """
    request = msgspec.json.encode(
        {
            "seq": after + 1,
            "next_by_subj": subject,
            "batch": min(messages, READ_MESSAGES_MAX),
            "max_bytes": READ_BYTES_MAX,
        }
    )
    records: list[Record] = []
    lanes: dict[bytes, str] = {}
    end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def on_message(_subject: bytes, _reply: bytes, data: bytes, headers: bytes | None) -> None:
        if status := api.status(headers):
            if not end.done():
                _finish(end, status, headers, stream)
            return
        where = api.header(headers, b"Nats-Subject")
        lane = lanes.get(where)
        if lane is None:
            lane = lanes[where] = where[where.rindex(b".") + 1 :].decode()
        records.append(Record(int(api.header(headers, b"Nats-Sequence")), lane, data))

    with connection.inbox.exchange(on_message) as reply:
        await connection.send_and_wait(f"$JS.API.DIRECT.GET.{stream}", request, reply, end)
        pending = end.result()
    return Batch(records, pending, records[-1].seq if records else after)


async def last_messages(connection: Connection, stream: str, found: Sequence[str]) -> dict[str, bytes]:
    """The data of the last message on each of the subjects that has one. May be stale. Raises as `read`."""
    data_of: dict[str, bytes] = {}
    for start in range(0, len(found), LASTS_MAX):
        request = msgspec.json.encode({"multi_last": found[start : start + LASTS_MAX]})
        end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def on_message(
            _subject: bytes, _reply: bytes, data: bytes, headers: bytes | None, end: asyncio.Future[int] = end
        ) -> None:
            if status := api.status(headers):
                if not end.done():
                    _finish(end, status, headers, stream)
                return
            data_of[api.header(headers, b"Nats-Subject").decode()] = data

        with connection.inbox.exchange(on_message) as reply:
            await connection.send_and_wait(f"$JS.API.DIRECT.GET.{stream}", request, reply, end)
            end.result()
    return data_of


def _finish(end: asyncio.Future[int], status: int, headers: bytes | None, stream: str) -> None:
    if status == _END_OF_BATCH:
        end.set_result(int(api.header(headers, b"Nats-Num-Pending")))
    elif status == _NOTHING:
        end.set_result(0)
    elif status == 503:
        end.set_exception(Unserved(f"nothing serves {stream} now"))
    else:
        end.set_exception(Invalid(f"{stream} refused the read: {status}"))
