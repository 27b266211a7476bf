"""One connection to nats-server that never looks alive when it is dead.

nats-py carries the bytes. What it leaves open is closed here, in one way for every fault: whatever ends the connection (the
server went away, a violation, a read loop that died of an exception, a peer that says nothing), it is thrown away, a new
one is dialled and everything that listened is attached to it again. There is no second path through nats-py's own
reconnecting, which keeps half of what was to be sent, and which an error of the server ends for good.

Messages are dispatched synchronously from the read loop: 7 µs each against 28 for nats-py's callbacks (docs/benchmarks.md).
For that one private method of nats-py is overridden, in `_Client` and nowhere else (tests/broker/test_nats_py_private.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.subscription import Subscription

from schemas.errors import TooLarge, Unavailable

REQUEST_S = 5.0
"""How long an answer may take. A cluster that elects a leader needs about as long; then the caller asks again."""

WATCH_S = 2.0
ECHO_S = 5.0
"""Every WATCH_S the connection sends itself a message through the server; unanswered for ECHO_S, it counts as lost."""

DIAL_S = 2.0
REDIAL_S = (0.1, 0.5)
"""Bounds of the random wait between two attempts, so that clients do not come back in step."""

CLOSE_S = 1.0
OUTBOUND_BYTES_MAX = 8 * 1024 * 1024
HEADER_BYTES_MAX = 512
"""Room left for headers below the server's max_payload, which counts them (and nats-py does not)."""

log = structlog.get_logger()

Handler = Callable[[bytes, bytes, bytes, "bytes | None"], None]
"""Called with subject, reply, data and the raw header block (None without headers)."""


class Reply(NamedTuple):
    data: bytes
    headers: bytes | None


class _Client(Client):
    """nats-py's client with synchronous dispatch."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers: dict[int, Handler] = {}

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: Any) -> None:
        handler = self.handlers.get(sid)
        if handler is None:
            return
        try:
            handler(subject, reply, data, headers)
        except Exception:  # one raised here would end nats-py's read loop, silently
            log.exception("a message handler failed", subject=subject.decode(errors="replace"))


class Listener:
    """A handler on a subject, over all reconnects, until `close`."""

    def __init__(self, connection: Connection, subject: str, handler: Handler) -> None:
        self.subject = subject
        self.handler: Handler | None = handler
        self._connection = connection
        self._client: _Client | None = None
        self._subscription: Subscription | None = None

    def close(self) -> None:
        """Stop at once: the handler is not called again."""
        if self.handler is not None:
            self.handler = None
            self._connection.forget(self)
            if self._client is not None and self._subscription is not None:
                self._client.handlers.pop(self._subscription._id, None)

    def attached(self, client: _Client) -> bool:
        return self._client is client

    async def attach(self, client: _Client) -> None:
        if self.handler is None or self._client is client:
            return
        subscription = await client.subscribe(self.subject, pending_msgs_limit=1)
        self._client, self._subscription = client, subscription
        if self.handler is None:  # closed while we waited
            await subscription.unsubscribe()
        else:
            client.handlers[subscription._id] = self.handler

    async def detach(self, client: Client) -> None:
        if client is self._client and self._subscription is not None:
            await self._subscription.unsubscribe()


class Hook:
    """A callback in a list, until `close`."""

    def __init__(self, hooks: list[Hook], callback: Callable[[], None]) -> None:
        self._hooks = hooks
        self._callback = callback
        hooks.append(self)

    def close(self) -> None:
        with contextlib.suppress(ValueError):
            self._hooks.remove(self)

    def __call__(self) -> None:
        try:
            self._callback()
        except Exception:  # the others have to be told too
            log.exception("a connection hook failed")


class Connection:
    """See the module. Made by `Connection.open`."""

    def __init__(self, servers: list[str], name: str) -> None:
        self._servers = servers
        self._name = name
        self._client = _Client()
        self._up = asyncio.Event()
        self._nudge = asyncio.Event()
        self._closed = False
        self._keeper: asyncio.Task[None] | None = None
        self._outbox: deque[Callable[[_Client], Awaitable[None]]] = deque()
        self._posted = asyncio.Event()
        self._listeners: dict[Listener, None] = {}
        self._lost: list[Hook] = []
        self._regained: list[Hook] = []
        self._at_stake: set[asyncio.Future[Any]] = set()
        self._inbox = f"_INBOX_{name}.{secrets.token_hex(8)}"
        self._inboxes: dict[bytes, Handler] = {}
        self._tokens = itertools.count(1)
        self._listeners[Listener(self, f"{self._inbox}.*", self._on_reply)] = None

    # --- life

    @classmethod
    async def open(cls, url: str, name: str, deadline_s: float) -> Connection:
        """Connect to one of the servers in `url` (comma-separated), trying for `deadline_s`.

        Raises:
            Unavailable: nothing answered in time; the message names the servers and the last error.
        """
        connection = cls([part.strip() for part in url.split(",") if part.strip()], name)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        while (error := await connection._dial()) is not None:
            if loop.time() > deadline:
                where = ", ".join(map(_without_password, connection._servers))
                raise Unavailable(f"no NATS server answers at {where}: {error}", code="broker_unavailable")
            await asyncio.sleep(random.uniform(*REDIAL_S))
        connection._up.set()
        connection._keeper = asyncio.create_task(connection._keep(), name=f"nats {name}")
        return connection

    @property
    def connected(self) -> bool:
        return self._up.is_set() and self._client.is_connected

    @property
    def max_payload(self) -> int:
        """Bytes of data that one message may have, with room for our headers."""
        return self._client.max_payload - HEADER_BYTES_MAX

    async def close(self) -> None:
        """Flush what was posted, then close. Whoever still waits for an answer gets Unavailable."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(Unavailable):
            if self.connected:
                await self.echo()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        self._lose()
        await self._discard(self._client)

    def on_lost(self, callback: Callable[[], None]) -> Hook:
        """Be told at the moment the connection is lost or closed: no answer will come to what was sent."""
        return Hook(self._lost, callback)

    def on_regained(self, callback: Callable[[], None]) -> Hook:
        """Be told when a new connection stands and all listeners are attached to it."""
        return Hook(self._regained, callback)

    # --- sending

    async def publish(self, subject: str, data: bytes = b"") -> None:
        """Send without an answer. Raises Unavailable, TooLarge."""
        await self._send(subject, data, "", None, REQUEST_S)

    async def request(
        self, subject: str, data: bytes = b"", *, headers: dict[str, str] | None = None, timeout_s: float = REQUEST_S
    ) -> Reply:
        """Send and wait for one answer; while there is no connection, wait for one within the same time.

        Raises:
            Unavailable: there was no answer in time, or the connection was lost before it; the outcome is unknown.
            TooLarge: nothing was sent.
        """
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def on_answer(_subject: bytes, _reply: bytes, data: bytes, headers: bytes | None) -> None:
            if not answer.done():
                answer.set_result(Reply(data, headers))

        with self.inbox(on_answer) as reply, self.at_stake(answer):
            await self.send_and_wait(subject, data, reply, answer, headers=headers, timeout_s=timeout_s)
        return answer.result()

    async def send_and_wait(
        self,
        subject: str,
        data: bytes,
        reply: str,
        answer: asyncio.Future[Any],
        *,
        headers: dict[str, str] | None = None,
        timeout_s: float = REQUEST_S,
    ) -> None:
        """Send with a reply subject and wait until `answer` is done. Raises as `request`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._send(subject, data, reply, headers, timeout_s)
                await asyncio.wait([answer])
        except TimeoutError:
            raise Unavailable(f"no answer on {subject} within {timeout_s:g} s") from None

    def post(self, subject: str, data: bytes, reply: str = "", headers: dict[str, str] | None = None) -> bool:
        """Send soon, in order, without waiting; False if there is no connection. What is not out when the connection is
        lost is dropped.
        """
        if not self._up.is_set():
            return False
        self._post(lambda client: client.publish(subject, data, reply, headers))
        return True

    async def echo(self) -> None:
        """A message to ourselves: what was sent before it has reached the server. Raises Unavailable."""
        back: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self.inbox(lambda *_: None if back.done() else back.set_result(None)) as subject, self.at_stake(back):
            await self.send_and_wait(subject, b"", "", back, timeout_s=ECHO_S)
            back.result()

    # --- receiving

    def attach(self, subject: str, handler: Handler) -> Listener:
        """Call `handler` for what comes on `subject`. What is posted after this finds it listening."""
        listener = Listener(self, subject, handler)
        self._listeners[listener] = None
        if self._up.is_set():
            self._post(listener.attach)
        return listener

    async def listen(self, subject: str, handler: Handler, *, timeout_s: float = REQUEST_S) -> Listener:
        """Call `handler` for what comes on `subject`. What this connection sends from now on finds it listening; to know
        that what others send does, `echo`. Raises Unavailable.
        """
        client = await self._ready(timeout_s)
        listener = Listener(self, subject, handler)
        self._listeners[listener] = None
        try:
            with _translated():
                await listener.attach(client)
        except BaseException:
            listener.close()
            raise
        return listener

    def forget(self, listener: Listener) -> None:
        """For Listener.close."""
        self._listeners.pop(listener, None)
        if self._up.is_set():
            self._post(listener.detach)

    @contextlib.contextmanager
    def inbox(self, handler: Handler) -> Iterator[str]:
        """A reply subject of its own for one exchange."""
        token = str(next(self._tokens))
        self._inboxes[token.encode()] = handler
        try:
            yield f"{self._inbox}.{token}"
        finally:
            del self._inboxes[token.encode()]

    @contextlib.contextmanager
    def at_stake(self, answer: asyncio.Future[Any]) -> Iterator[None]:
        """Fail `answer` with Unavailable at the moment the connection is lost."""
        self._at_stake.add(answer)
        try:
            yield
        finally:
            self._at_stake.discard(answer)
            if answer.done() and not answer.cancelled():
                answer.exception()  # seen, even where the caller leaves by another error

    def new_inbox(self) -> str:
        """A subject that nobody else uses, for `listen`."""
        return f"{self._inbox}.x.{next(self._tokens)}"

    # --- inside

    def _on_reply(self, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        handler = self._inboxes.get(subject[len(self._inbox) + 1 :])
        if handler is not None:
            handler(subject, reply, data, headers)

    async def _ready(self, timeout_s: float) -> _Client:
        if not self._up.is_set():
            try:
                async with asyncio.timeout(timeout_s):
                    await self._up.wait()
            except TimeoutError:
                raise Unavailable("not connected to the broker", code="broker_unavailable") from None
        return self._client

    async def _send(
        self, subject: str, data: bytes, reply: str, headers: dict[str, str] | None, timeout_s: float
    ) -> None:
        if self._closed and not self._up.is_set():
            raise Unavailable("the connection to the broker is closed", code="broker_unavailable")
        client = await self._ready(timeout_s)
        if len(data) > self.max_payload:
            raise TooLarge(f"{len(data)} bytes on {subject}: the broker takes {self.max_payload}")
        with _translated():
            await client.publish(subject, data, reply, headers)

    def _post(self, send: Callable[[_Client], Awaitable[None]]) -> None:
        self._outbox.append(send)
        self._posted.set()

    async def _keep(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pump())
            tasks.create_task(self._watch())

    async def _pump(self) -> None:
        """Send what was posted."""
        while True:
            await self._posted.wait()
            self._posted.clear()
            while self._outbox:
                send = self._outbox.popleft()
                try:
                    await send(self._client)
                except (nats.errors.Error, OSError) as error:  # lost meanwhile: `_watch` sees to it
                    log.debug("not sent", error=str(error))

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCH_S):
                    await self._nudge.wait()
            self._nudge.clear()
            if not await self._answers():
                await self._replace()

    async def _answers(self) -> bool:
        if self._client.is_closed:
            return False
        try:
            await self.echo()
        except Unavailable:
            return False
        return True

    async def _replace(self) -> None:
        """Throw the client away, and dial until another one stands."""
        log.warning("lost the broker", name=self._name)
        self._lose()
        await self._discard(self._client)
        while (error := await self._dial()) is not None:
            log.debug("the broker does not answer", error=str(error))
            await asyncio.sleep(random.uniform(*REDIAL_S))
        self._up.set()
        log.info("connected to the broker again", name=self._name)
        for hook in list(self._regained):
            hook()

    def _lose(self) -> None:
        self._up.clear()
        self._outbox.clear()
        for answer in self._at_stake:
            if not answer.done():
                answer.set_exception(Unavailable("the connection to the broker was lost"))
        for hook in list(self._lost):
            hook()

    async def _dial(self) -> Exception | None:
        """Try each server once and attach all listeners. The last error if none answered."""
        last: Exception = OSError("no server is named")
        for server in random.sample(self._servers, len(self._servers)):
            client = _Client()
            errors: list[Exception] = []
            try:
                async with asyncio.timeout(DIAL_S):
                    await self._connect(client, server, errors)
                    while waiting := [one for one in self._listeners if not one.attached(client)]:
                        for listener in waiting:
                            await listener.attach(client)
            except (nats.errors.Error, OSError, ValueError) as error:  # TimeoutError is an OSError
                last = errors[-1] if errors else error
                await self._discard(client)
            except asyncio.CancelledError:
                await self._discard(client)
                raise
            else:
                self._client = client
                return None
        return last

    async def _connect(self, client: _Client, server: str, errors: list[Exception]) -> None:
        async def on_error(error: Exception) -> None:  # awaited inside the read loop: it must not wait, and not raise
            del errors[:-8]
            errors.append(error)
            self._nudge.set()

        async def on_end() -> None:
            self._nudge.set()

        await client.connect(
            server,
            name=self._name,
            error_cb=on_error,
            closed_cb=on_end,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=int(DIAL_S),
            ping_interval=10,
            max_outstanding_pings=2,
            pending_size=OUTBOUND_BYTES_MAX,
            inbox_prefix=self._inbox,
            skip_subject_validation=True,  # subjects are made of checked ids (schemas.subjects): 1 µs saved per message
        )

    async def _discard(self, client: _Client) -> None:
        client.handlers.clear()
        # Whatever goes wrong in closing what is thrown away is of no interest, and a dead peer must not hold us up.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_S):
                await client.close()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except nats.errors.MaxPayloadError as error:
        raise TooLarge(str(error)) from error
    except (nats.errors.Error, OSError) as error:
        raise Unavailable(f"the broker did not take it: {error}") from error


def _without_password(server: str) -> str:
    parts = urlsplit(server)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if "://" in server else server.rpartition("@")[2]
