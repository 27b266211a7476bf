"""Session: one WebSocket: what its client asks is answered here, and its subscriptions live here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from enum import IntEnum
from typing import Any, Protocol
from weakref import WeakValueDictionary

from schemas import cursor as cursors
from schemas import wire
from schemas.errors import AnabranchError, Conflict, Invalid, NotFound, Overloaded
from services.gateway.encoding import encoder
from services.gateway.hub import Hub
from services.gateway.identity import Identity
from services.gateway.outlet import Gone, Outlet, Stalled
from services.gateway.project import view_of
from services.gateway.rate import Bucket
from services.gateway.subscription import Subscription

MESSAGES_PER_S = 64
MESSAGES_BURST = 2 * wire.SUBSCRIPTIONS_MAX
"""What a client may send: all its subscriptions at once after a reconnect, and then what a person or a page can mean."""

REQUESTS_MAX = 16
"""Of one socket that are being written at once; while there are so many, nothing more is read from it."""

BAD_MESSAGES_MAX = 16
"""Messages that are none, after which the client is taken for broken."""

REFUSED_MESSAGES_MAX = 1024
"""Messages over the rate, each answered by `overloaded`, after which the client is taken for one that does not listen."""

GOING_AWAY = "this gateway is going away"
AUTH = "auth"
"""What an answer to an `auth` message refers to."""

EXPIRED = "the token has expired: come back with a new one"

Authenticate = Callable[[str], Awaitable[Identity]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Close(IntEnum):
    """Why we close: 4000 to 4099 come back at once, 4100 to 4199 come back later, 4400 to 4499 do not."""

    GOING_AWAY = 4000
    INTERNAL = 4001
    STALLED = 4002
    EXPIRED = 4003
    TOO_MANY_MESSAGES = 4100
    BAD_MESSAGES = 4400


class Input(Protocol):
    """What a client may write; `services.gateway.input.Input` is the one there is. All raise AnabranchError."""

    async def send(self, tenant: str, message: wire.Send) -> wire.Ack: ...

    async def cancel(self, tenant: str, message: wire.Cancel) -> wire.Ack: ...

    async def resolve(self, tenant: str, message: wire.Resolve) -> wire.Ack: ...


class Session:
    """`identity`: whose it is, and until when. `authenticate` is given the token of an `auth` message and says the same of
    that, or raises AnabranchError.
    """

    def __init__(
        self, hub: Hub, input: Input, outlet: Outlet, authenticate: Authenticate, *, protocol: str, identity: Identity
    ) -> None:
        self.hub = hub
        self.outlet = outlet
        self.protocol = protocol
        self.tenant = identity.tenant
        self._expires = identity.expires
        self._expiry: asyncio.TimerHandle | None = None
        self._input = input
        self._authenticate = authenticate
        self._encode = encoder(protocol)
        self._subscriptions: dict[str, Subscription] = {}
        self._tasks = asyncio.TaskGroup()
        self._bucket = Bucket(MESSAGES_PER_S, MESSAGES_BURST, asyncio.get_running_loop().time())
        self._requests = asyncio.Semaphore(REQUESTS_MAX)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._bad = 0
        self._refused = 0

    async def run(self, receive: Receive) -> None:
        """Serve until the socket closes, is as old as one may get, or nobody says any more whose it is."""
        self.hub.enter(self)
        ending = self._end_in(self.hub.lifetime_s())
        self._stay_until(self._expires)
        try:
            async with self._tasks:
                try:
                    await self._receive_all(receive)
                finally:
                    for subscription in self._subscriptions.values():
                        subscription.close()
        finally:
            if ending is not None:
                ending.cancel()
            self._stay_until(None)
            self.hub.leave(self)

    def _end_in(self, lifetime_s: float | None) -> asyncio.TimerHandle | None:
        if lifetime_s is None:
            return None
        return asyncio.get_running_loop().call_later(lifetime_s, self.go_away, 0, "come back, perhaps elsewhere")

    def _stay_until(self, expires: float | None) -> None:
        """Close at `expires`, and no more at what was said before. A wall clock that is set meanwhile is not noticed."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if expires is not None:
            left_s = expires - time.time()
            self._expiry = asyncio.get_running_loop().call_later(left_s, self._end, Close.EXPIRED, EXPIRED)

    # --- what subscriptions and the hub ask of it

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._tasks.create_task(work)

    async def failed(self, sub: str, error: AnabranchError) -> None:
        subscription = self._subscriptions.pop(sub, None)
        if subscription is not None:
            subscription.close()
        await self._reply(wire.error_message(error.body(), sub))

    def stalled(self) -> None:
        self._end(Close.STALLED, "nothing was read for too long")

    def go_away(self, after_ms: int, reason: str) -> None:
        self._end(Close.GOING_AWAY, reason, last=self._encode(wire.Reconnect(after_ms=after_ms)))

    def _end(self, code: Close, reason: str, *, last: bytes = b"") -> None:
        self.hub.counts.closed.add(code.name.lower())
        self.outlet.end(code, reason, last=last)

    # --- what comes in

    async def _receive_all(self, receive: Receive) -> None:
        while (event := await receive())["type"] == "websocket.receive":
            try:
                message = self._decode(event)
            except AnabranchError as error:
                await self._reply(wire.error_message(error.body()))
                continue
            if isinstance(message, wire.Send | wire.Cancel | wire.Resolve):
                await self._requests.acquire()
                self.spawn(self._write(message))
            else:
                await self._answer(message)

    async def _write(self, message: wire.Send | wire.Cancel | wire.Resolve) -> None:
        """One that takes long holds up only what the client says after it in the same conversation."""
        try:
            async with self._turns.setdefault(message.conversation, asyncio.Lock()):
                await self._answer(message)
        finally:
            self._requests.release()

    async def _answer(self, message: wire.AnyClientMessage) -> None:
        try:
            answer = await self._handle(message)
        except AnabranchError as error:
            answer = wire.error_message(error.body(), _reference(message))
        if answer is not None:
            await self._reply(answer)

    async def _reply(self, answer: wire.AnyServerMessage) -> None:
        try:
            await self.outlet.write(self._encode(answer))
        except Gone:
            return  # what comes in ends, too
        except Stalled:
            self.stalled()

    def _decode(self, event: MutableMapping[str, Any]) -> wire.AnyClientMessage:
        if not self._bucket.take(asyncio.get_running_loop().time()):
            self._refused += 1
            if self._refused > REFUSED_MESSAGES_MAX:
                self._end(Close.TOO_MANY_MESSAGES, "too many messages")
            raise Overloaded(f"more than {MESSAGES_PER_S} messages a second", code="too_many_messages")
        text = event.get("text")
        try:
            if text is not None and self.protocol == wire.MSGPACK_PROTOCOL:
                raise Invalid("a text message, but the protocol is MessagePack", code="malformed")
            return wire.decode_client(text.encode() if text is not None else event["bytes"], self.protocol)
        except Invalid:
            self._bad += 1
            if self._bad > BAD_MESSAGES_MAX:
                self._end(Close.BAD_MESSAGES, "too many malformed messages")
            raise

    async def _handle(self, message: wire.AnyClientMessage) -> wire.AnyServerMessage | None:
        match message:
            case wire.Subscribe():
                self._subscribe(message)
                return None
            case wire.Unsubscribe(sub=sub):
                return self._unsubscribe(sub)
            case wire.Send():
                return await self._input.send(self.tenant, message)
            case wire.Cancel():
                return await self._input.cancel(self.tenant, message)
            case wire.Resolve():
                return await self._input.resolve(self.tenant, message)
            case wire.Auth(token=token):
                return await self._auth(token)
            case wire.Ping():
                return wire.Pong()

    def _subscribe(self, message: wire.Subscribe) -> None:
        """The answer comes from the subscription's own task: a join that takes long holds up nothing else."""
        if self.hub.draining:  # it would be told to leave soon: now it loses no time
            self.go_away(0, GOING_AWAY)
            return
        sub = message.sub or message.conversation
        if sub in self._subscriptions:
            raise Conflict(f"there is a subscription {sub!r} already", code="subscription_exists")
        if len(self._subscriptions) >= wire.SUBSCRIPTIONS_MAX:
            raise Overloaded(f"a socket may have {wire.SUBSCRIPTIONS_MAX} subscriptions", code="too_many_subscriptions")
        after = cursors.parse(message.after) if message.after else None
        view = view_of(message.namespaces, message.granularity)
        subscription = self._subscriptions[sub] = Subscription(self, message.conversation, sub, view)
        subscription.start(after, message.mode)

    def _unsubscribe(self, sub: str) -> wire.Ack:
        subscription = self._subscriptions.pop(sub, None)
        if subscription is None:
            raise NotFound(f"there is no subscription {sub[:80]!r}", code="unknown_subscription")
        subscription.close()
        return wire.Ack(ref=sub)

    async def _auth(self, token: str) -> wire.Ack:
        """A later token, before the last one expires. Raises Conflict if it is another tenant's: a socket belongs to one."""
        identity = await self._authenticate(token)
        if identity.tenant != self.tenant:
            raise Conflict("this socket belongs to another tenant", code="tenant_changed")
        self._stay_until(identity.expires)
        return wire.Ack(ref=AUTH)


def _reference(message: wire.AnyClientMessage) -> str:
    """What an answer to `message` refers to."""
    match message:
        case wire.Subscribe():
            return message.sub or message.conversation
        case wire.Unsubscribe():
            return message.sub
        case wire.Send():
            return message.id
        case wire.Cancel():
            return message.run
        case wire.Resolve():
            return message.interrupt
        case wire.Auth():
            return AUTH
    return ""
