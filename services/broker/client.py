"""nats-py, as far as we use it: one live TCP connection, messages dispatched synchronously. The only module, with `parser.py`,
that imports nats.

nats-py hands each message to a task of its own (28 µs); here the handler is called from the read loop. For that its private
parser is replaced, here and in `parser.py` and nowhere else, and pinned by tests/broker/test_nats_py_private.py.

A client lives once. nats-py's own reconnecting is off: it keeps half of what was to be sent, an error of the server ends it
for good, and an exception in its read loop leaves a connection that still says it is connected. `flush` and `rtt` of nats-py
are not used either: their PING overtakes what was published before it, and cancelled they end the read loop when the PONG
comes. See `connection.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import nats.aio.client
import nats.aio.subscription
import nats.errors
import structlog
from nats.aio.transport import TcpTransport

from schemas.errors import TooLarge, Unavailable
from services.broker.credentials import Credentials, split_url
from services.broker.parser import MessageParser

DIAL_S = 2.0
CLOSE_S = 1.0

PING_S = 10
PINGS_OUTSTANDING_MAX = 2
"""nats-py's own look at a peer that says nothing; its default takes six minutes."""

OUTBOUND_BYTES_MAX = 8 * 1024 * 1024

log = structlog.get_logger()

Handler = Callable[[bytes, bytes, bytes, "bytes | None"], None]
"""Called with subject, reply, data and the raw header block (None without headers). Must not wait."""

NatsSubscription = nats.aio.subscription.Subscription

LOST = (nats.errors.Error, OSError)
"""What sending raises when the connection is gone (TimeoutError is an OSError)."""


class NatsClient(nats.aio.client.Client):
    """Made by `dial`, ended by `discard`."""

    def __init__(self) -> None:
        super().__init__()
        self._handlers: dict[int, Handler] = {}
        self._ps = MessageParser(self, self._dispatch)

    def _dispatch(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        handler = self._handlers.get(sid)
        if handler is None:
            return
        try:
            handler(subject, reply, data, headers)
        except Exception:  # raised here it would end the read loop, silently
            log.exception("a message handler failed", subject=subject.decode(errors="replace"))

    async def listen(self, subject: str, handler: Handler) -> NatsSubscription:
        """The server has the subscription before whatever this client sends next."""
        subscription = await self.subscribe(subject, pending_msgs_limit=1)  # its queue is not used
        self._handlers[subscription._id] = handler
        return subscription

    def silence(self, subscription: NatsSubscription) -> None:
        """Call its handler no more; `subscription.unsubscribe()` tells the server."""
        self._handlers.pop(subscription._id, None)

    async def discard(self) -> None:
        """Close, and wait for no dead peer."""
        self._handlers.clear()
        try:
            with contextlib.suppress(Exception):  # whatever goes wrong in closing what is thrown away
                async with asyncio.timeout(CLOSE_S):
                    await self.close()
        finally:
            if isinstance(self._transport, TcpTransport) and self._transport._io_writer is not None:
                self._transport._io_writer.transport.abort()  # or a peer that reads nothing keeps the socket open


async def dial(server: str, name: str, on_trouble: Callable[[], None], credentials: Credentials) -> NatsClient:
    """Connect to one server. `on_trouble` is called when something happens to the connection.

    Raises:
        Unavailable: it does not answer within DIAL_S, or refuses us; the message says what it was.
        Invalid: a file of the credentials cannot be read.
    """
    address, options = split_url(server)
    options |= credentials.options()
    client = NatsClient()
    errors: list[Exception] = []

    async def on_error(error: Exception) -> None:  # awaited inside the read loop: must not wait, and not raise
        del errors[:-1]
        errors.append(error)
        on_trouble()

    async def on_close() -> None:
        on_trouble()

    try:
        async with asyncio.timeout(DIAL_S):
            await client.connect(
                address,
                **options,
                name=name,
                error_cb=on_error,
                closed_cb=on_close,
                allow_reconnect=False,
                max_reconnect_attempts=1,  # here: tries of the first connect, which would go on for ever
                reconnect_time_wait=0,
                connect_timeout=int(DIAL_S),
                ping_interval=PING_S,
                max_outstanding_pings=PINGS_OUTSTANDING_MAX,
                pending_size=OUTBOUND_BYTES_MAX,
                skip_subject_validation=True,  # subjects are made of checked ids (schemas.subjects)
            )
    except Exception as error:  # nats-py lets through whatever its parser met
        await client.discard()
        raise Unavailable(str(errors[-1] if errors else error) or type(error).__name__) from error
    except BaseException:
        await client.discard()
        raise
    return client


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Errors of nats-py as ours."""
    try:
        yield
    except nats.errors.MaxPayloadError as error:
        raise TooLarge(str(error)) from error
    except LOST as error:
        raise Unavailable(f"the broker did not take it: {error}") from error
