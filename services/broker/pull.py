"""Pulling from a work queue: one request, answered on a subject of its own.

nats-py's `fetch` shares one inbox among requests, so that an orphaned one can stall the next (nats.py#933, #986). Here each
has its own, and what comes when nobody waits any more is given back at once instead of lying there for its `ack_wait`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from schemas.errors import Unavailable
from services.broker import api
from services.broker.connection import Connection

PULL_S_MAX = 5.0
"""A request that the server has lost (its leader died) is repeated after this."""

MARGIN_S = 1.0
"""How much later than the server we give up: its own end of the request comes first."""

_ENDED = (404, 408)
"""No message there (without waiting), and none until the request expired."""


class JetStreamDelivery:
    """Implements `Delivery`."""

    __slots__ = ("_connection", "_reply", "attempt", "data", "subject", "trace")

    def __init__(self, connection: Connection, subject: str, reply: str, data: bytes, trace: str) -> None:
        self._connection = connection
        self._reply = reply
        self.data = data
        self.subject = subject
        self.attempt = delivery_count(reply)
        self.trace = trace

    async def ack(self) -> None:
        await self._connection.request(self._reply, b"+ACK")

    async def nak(self, delay_s: float = 0.0) -> None:
        delay = b' {"delay": %d}' % int(delay_s * 1e9) if delay_s > 0 else b""
        await self._connection.publish(self._reply, b"-NAK" + delay)

    async def in_progress(self) -> None:
        await self._connection.publish(self._reply, b"+WPI")


def delivery_count(ack_subject: str) -> int:
    """From `$JS.ACK.<stream>.<consumer>.<count>.…`, or its second version, which has domain and account before the stream."""
    tokens = ack_subject.split(".")
    return int(tokens[4] if len(tokens) == 9 else tokens[6])


class _Pull:
    """One request. Deliveries are collected until the limit is reached or the server says that there are no more."""

    def __init__(self, connection: Connection, limit: int) -> None:
        self.deliveries: list[JetStreamDelivery] = []
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connection = connection
        self._limit = limit
        self._abandoned = False

    def on_message(self, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        status = api.status(headers)
        if status:
            self._on_status(status, headers or b"")
        elif self._abandoned:
            self._connection.post(reply.decode(), b"-NAK")
        else:
            delivery = JetStreamDelivery(self._connection, subject.decode(), reply.decode(), data, api.trace(headers))
            self.deliveries.append(delivery)
            if len(self.deliveries) == self._limit and not self.end.done():
                self.end.set_result(None)

    def _on_status(self, status: int, headers: bytes) -> None:
        if status < 200 or self.end.done():  # 100: a heartbeat
            return
        if status in _ENDED or self.deliveries:
            self.end.set_result(None)
        else:
            line = headers.partition(b"\r\n")[0].decode(errors="replace")
            self.end.set_exception(Unavailable(f"the work queue does not deliver: {line}"))

    def abandon(self, close: Callable[[], None], after_s: float) -> None:
        """Give back what has come and what still comes, until the server has forgotten the request."""
        self._abandoned = True
        for delivery in self.deliveries:
            self._connection.post(delivery._reply, b"-NAK")
        asyncio.get_running_loop().call_later(after_s, close)


async def pull(
    connection: Connection, stream: str, consumer: str, *, limit: int, expires_s: float
) -> list[JetStreamDelivery]:
    """Up to `limit` messages. `expires_s` 0: what is there now; else wait that long (at most PULL_S_MAX) until all have come.

    Raises:
        Unavailable: no such consumer, no leader, or no connection.
    """
    wait = {"expires": int(expires_s * 1e9)} if expires_s > 0 else {"no_wait": True}
    request = msgspec.json.encode({"batch": limit, **wait})
    this = _Pull(connection, limit)
    inbox = connection.inbox.separate()
    listener = await connection.listen(inbox, this.on_message, timeout_s=max(expires_s, MARGIN_S))
    subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
    try:
        await connection.send_and_wait(subject, request, inbox, this.end, timeout_s=expires_s + MARGIN_S)
        if not this.deliveries:
            this.end.result()
    except Unavailable:
        request_lost = connection.connected and not this.end.done()  # the caller's next one will do
        if not (this.deliveries or request_lost):
            listener.close()
            raise
    except asyncio.CancelledError:
        this.abandon(listener.close, expires_s + MARGIN_S)
        raise
    listener.close()
    return this.deliveries
