"""One connection to the broker that never looks alive when it is dead.

Whatever ends a client (the server went away, a violation, a read loop that died of an exception, a peer that says nothing),
it is thrown away, a new one is dialled and everything that listened is attached to it again: one path for every fault. To
find them all, the connection sends itself a message through the server every few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import structlog

from schemas.errors import Invalid, TooLarge, Unavailable
from services.broker.client import LOST, Handler, NatsClient, dial, translated
from services.broker.credentials import NO_CREDENTIALS, Credentials, split_url
from services.broker.inbox import Inbox
from services.broker.listening import Hook, Listener

REQUEST_S = 5.0
"""How long an answer may take. A cluster that elects a leader needs about as long; then the caller asks again."""

WATCH_S = 2.0
ECHO_S = 5.0
"""Every WATCH_S a message to ourselves; unanswered for ECHO_S, the connection counts as lost."""

DISCARD_S = 1.0

REDIAL_S = (0.1, 0.5)
"""Bounds of the random wait between two attempts, so that clients do not come back in step."""

HEADER_BYTES_MAX = 512
"""Room left for headers below the server's max_payload, which counts them (and nats-py does not): a message over it would
end the connection.
"""

log = structlog.get_logger()

Post = Callable[[NatsClient], Awaitable[None]]


class Reply(NamedTuple):
    data: bytes
    headers: bytes | None


class Connection:
    """See the module. Made by `Connection.open`."""

    def __init__(self, servers: list[str], name: str, credentials: Credentials) -> None:
        self._servers = servers
        self._name = name
        self._credentials = credentials
        self._client: NatsClient | None = None
        self._up = asyncio.Event()
        self._trouble = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._closing = False
        self._outbox: deque[Post] = deque()
        self._posted = asyncio.Event()
        self._lost: list[Hook] = []
        self._regained: list[Hook] = []
        self.inbox = Inbox(name)
        self._listeners: dict[Listener, None] = {}
        self.max_payload = 0
        """Bytes of data that one message may have, with room for our headers."""

    # --- life

    @classmethod
    async def open(
        cls, url: str, name: str, deadline_s: float, credentials: Credentials = NO_CREDENTIALS
    ) -> Connection:
        """Connect to one of the servers in `url` (comma-separated), trying for `deadline_s`.

        Raises:
            Unavailable: nothing answered in time; the message names the servers and the last error.
            Invalid: a file of the credentials cannot be read.
        """
        credentials.check()
        connection = cls([part.strip() for part in url.split(",") if part.strip()], name, credentials)
        connection.attach(connection.inbox.subject, connection.inbox.on_message)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        while (error := await connection._dial()) is not None:
            if loop.time() > deadline:
                where = ", ".join(split_url(server).address for server in connection._servers)
                raise Unavailable(f"no NATS server answers at {where}: {error}", code="broker_unavailable")
            await asyncio.sleep(random.uniform(*REDIAL_S))
        connection._keeper = asyncio.create_task(connection._keep(), name=f"nats {name}")
        connection._keeper.add_done_callback(connection._on_keeper_done)
        return connection

    @property
    def connected(self) -> bool:
        return self._up.is_set() and self._client is not None and self._client.is_connected

    async def close(self) -> None:
        """Send what was posted, then close. Whoever still waits for an answer gets Unavailable."""
        if self._closing or self._keeper is None:
            return
        if self.connected:
            with contextlib.suppress(Unavailable):
                await self.echo()
        self._closing = True
        self._keeper.cancel()
        await asyncio.wait([self._keeper])
        self._lose()
        if self._client is not None:
            await self._client.discard()

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

        with self.inbox.exchange(on_answer) as reply:
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
        """Send with a reply subject and wait until `answer` is done, which it is with Unavailable when the connection is lost.

        Raises:
            Unavailable: it was not sent, or not done in time.
            TooLarge: nothing was sent.
        """
        async with self.inbox.answered(answer, subject, timeout_s):
            await self._send(subject, data, reply, headers, timeout_s)

    def post(self, subject: str, data: bytes, reply: str = "", headers: dict[str, str] | None = None) -> bool:
        """Send soon, in order, without waiting; False if there is no connection. What is not out when the connection is
        lost is dropped.
        """
        if not self._up.is_set():
            return False
        self._post(lambda client: client.publish(subject, data, reply, headers))
        return True

    async def echo(self) -> None:
        """A message to ourselves: what was sent or posted before it has reached the server. Raises Unavailable."""
        back: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self.inbox.exchange(lambda *_: None if back.done() else back.set_result(None)) as subject:
            async with self.inbox.answered(back, subject, ECHO_S):
                if not self.post(subject, b""):
                    raise Unavailable("not connected to the broker", code="broker_unavailable")
            back.result()

    async def confirm(self) -> None:
        """As `echo`, but for what was sent only, and at once: not behind what was posted. Raises Unavailable."""
        back: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self.inbox.exchange(lambda *_: None if back.done() else back.set_result(None)) as subject:
            await self.send_and_wait(subject, b"", "", back, timeout_s=ECHO_S)
        back.result()

    # --- receiving

    def attach(self, subject: str, handler: Handler) -> Listener:
        """Call `handler` for what comes on `subject`. What is posted after this finds it listening."""
        listener = Listener(subject, handler, self._forget)
        self._listeners[listener] = None
        if self._up.is_set():
            self._post(listener.attach)
        return listener

    async def listen(self, subject: str, handler: Handler, *, timeout_s: float = REQUEST_S) -> Listener:
        """Call `handler` for what comes on `subject`. What this connection sends from now on finds it listening; to know
        that what others send does, `echo`. Raises Unavailable.
        """
        client = await self._ready(timeout_s)
        listener = Listener(subject, handler, self._forget)
        self._listeners[listener] = None
        try:
            with translated():
                await listener.attach(client)
        except BaseException:
            listener.close()
            raise
        return listener

    # --- inside

    def _forget(self, listener: Listener) -> None:
        self._listeners.pop(listener, None)
        if self._up.is_set():
            self._post(listener.detach)

    async def _ready(self, timeout_s: float) -> NatsClient:
        if self._closing:
            raise Unavailable("the connection to the broker is closed", code="broker_unavailable")
        if not self._up.is_set():
            try:
                async with asyncio.timeout(timeout_s):
                    await self._up.wait()
            except TimeoutError:
                raise Unavailable("not connected to the broker", code="broker_unavailable") from None
        assert self._client is not None
        return self._client

    async def _send(
        self, subject: str, data: bytes, reply: str, headers: dict[str, str] | None, timeout_s: float
    ) -> None:
        client = await self._ready(timeout_s)
        if len(data) > self.max_payload:
            raise TooLarge(f"{len(data)} bytes on {subject}: the broker takes {self.max_payload}")
        # With a time-out, because over its outbound limit nats-py waits for a flush that may never come.
        with translated():
            async with asyncio.timeout(timeout_s):
                await client.publish(subject, data, reply, headers)

    def _post(self, send: Post) -> None:
        self._outbox.append(send)
        self._posted.set()

    async def _keep(self) -> None:
        """The life of the connection: one client after another. It looks at `_closing` itself, because nats-py, and
        `wait_for` before Python 3.12, can swallow a cancellation.
        """
        while not self._closing:
            assert self._client is not None
            await self._serve(self._client)
            log.warning("lost the broker", connection=self._name)
            await self._client.discard()
            while not self._closing and (error := await self._dial()) is not None:
                log.debug("the broker does not answer", error=str(error))
                await asyncio.sleep(random.uniform(*REDIAL_S))
            if self._up.is_set():
                log.info("connected to the broker again", connection=self._name)
                for hook in list(self._regained):
                    hook()

    async def _serve(self, client: NatsClient) -> None:
        """Pump and watch until the client is dead."""
        pump = asyncio.create_task(self._pump(client))
        try:
            await self._watch(client)
        finally:
            self._lose()
            pump.cancel()
            await asyncio.wait([pump], timeout=DISCARD_S)
            if pump.done() and not pump.cancelled() and pump.exception() is not None:
                log.error("a connection's pump died", connection=self._name, exc_info=pump.exception())

    def _on_keeper_done(self, keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled() and keeper.exception() is not None:  # a bug: `_keep` has taken the connection down
            log.error("a connection's keeper died", connection=self._name, exc_info=keeper.exception())

    async def _pump(self, client: NatsClient) -> None:
        """Send what is posted. If it dies or hangs, there is no echo, and with the next client comes another pump."""
        while self._up.is_set():
            await self._posted.wait()
            self._posted.clear()
            while self._outbox:
                send = self._outbox.popleft()
                try:
                    await send(client)
                except LOST as error:
                    log.debug("not sent", error=str(error))

    async def _watch(self, client: NatsClient) -> None:
        """Returns when the client is dead."""
        while not (client.is_closed or self._closing):
            try:
                await self.echo()
            except Unavailable:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCH_S):
                    await self._trouble.wait()
            self._trouble.clear()

    def _lose(self) -> None:
        if not self._up.is_set():
            return
        self._up.clear()
        self._outbox.clear()
        self._posted.set()  # the pump looks up: nats-py can swallow its cancellation
        self.inbox.fail_all()
        for hook in list(self._lost):
            hook()

    async def _dial(self) -> Unavailable | None:
        """Try each server once, and attach all listeners. The last error if none answered."""
        last: Unavailable | None = Unavailable("no server is named")
        for server in random.sample(self._servers, len(self._servers)):
            try:
                client = await dial(server, self._name, self._trouble.set, self._credentials)
            except Invalid as error:  # a file that is being renewed
                last = Unavailable(str(error))
                continue
            except Unavailable as error:
                last = error
                continue
            try:
                with translated():
                    while waiting := [one for one in self._listeners if one.client is not client]:
                        for listener in waiting:
                            await listener.attach(client)
            except BaseException as error:
                await client.discard()
                if not isinstance(error, Unavailable):
                    raise
                last = error
                continue
            self._client = client
            self.max_payload = client.max_payload - HEADER_BYTES_MAX
            self._up.set()
            return None
        return last
