"""Hub: the conversations that somebody watches through this gateway, one `Channel` each, shared by all who watch."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import msgspec
import structlog

from schemas.errors import AnabranchError, Deleted, Overloaded
from schemas.ids import check_id
from services.archive.port import ArchiveReader
from services.broker.port import Broker, Subscription
from services.gateway.channel import Channel
from services.gateway.counts import Counts
from services.gateway.flights import Flights
from services.gateway.history import History
from services.gateway.reader import Closed

TICK_S = 0.1
"""How often the hub looks which channels are due for a check or for closing."""

DRAIN_BATCH = 50
DRAIN_BATCH_PAUSE_S = 0.1
"""Viewers told to leave at once, and the pause after them: the other gateways take in 500 a second and more, and who has not
been told yet is served meanwhile.
"""

DRAIN_S = 10.0
"""However many they are: then a batch is larger."""

LIFETIME_SPREAD = 0.2
"""Connections that were made in one second do not end in one second: this part of a lifetime is random."""

_log = structlog.get_logger()

T = TypeVar("T")


class HubSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`partitions`: the slots new conversations are spread over. `ring_bytes_max`: recent frames kept per conversation.
    `connection_s_max`: how long a viewer's connection may last before it is sent elsewhere; 0 for ever.
    `linger_s`: how long a conversation that nobody watches stays joined. `joins_max`: conversations opened at once, and
    `joins_waiting_max` more may wait for that. `channels_max`: a watched conversation costs about 10 KB and its transcript
    twice. `reads_max`: channels that look into the log at once.

    A channel is compared with the log `check_first_s` after its join, then when it has been silent for `check_active_s`
    while a run is active or for `check_idle_s` otherwise; after a reconnect of the broker within `reconnect_spread_s`.
    """

    partitions: int = 1
    ring_bytes_max: int = 128 * 1024
    connection_s_max: float = 0.0
    linger_s: float = 5.0
    joins_max: int = 32
    joins_waiting_max: int = 2048
    channels_max: int = 20_000
    reads_max: int = 16
    check_first_s: float = 0.3
    check_active_s: float = 3.0
    check_idle_s: float = 30.0
    reconnect_spread_s: float = 1.0


DEFAULTS = HubSettings()


class Socket(Protocol):
    """An open WebSocket, as the hub needs it when the gateway goes away."""

    def go_away(self, after_ms: int, reason: str) -> None:
        """Say `reconnect`, close with 4000, without waiting."""


class Hub:
    """Use as `async with Hub(broker, archive) as hub`: the context owns all tasks of its channels."""

    def __init__(self, broker: Broker, archive: ArchiveReader, settings: HubSettings = DEFAULTS) -> None:
        self._broker = broker
        self._archive = archive
        self._settings = settings
        self._channels: dict[tuple[str, str], Channel] = {}
        self._idle_since: dict[tuple[str, str], float] = {}
        self._sockets: set[Socket] = set()
        self._dirty: list[Channel] = []
        self.counts = Counts()
        self._draining = False
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[Any]] = set()
        self._reconnects: Subscription | None = None
        self._joins = Flights(self.spawn)
        self._joining = asyncio.Semaphore(settings.joins_max)
        self.reading = asyncio.Semaphore(settings.reads_max)
        self.stretches = Flights(self.spawn)
        self.on_checked: Callable[[Channel], Awaitable[None]] | None = None
        """Called each time a channel has been compared with the log."""

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self.spawn(self._watch_channels())
        self._reconnects = self._broker.on_reconnect(self._on_reconnect)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
        await self._tasks.__aexit__(kind, error, trace)

    # --- channels

    @asynccontextmanager
    async def channel(self, tenant: str, conversation: str, *, deleted: bool = False) -> AsyncIterator[Channel]:
        """The conversation, read to the present and live. Shared, counted, and kept a few seconds after the last user.
        `deleted`: also one that was deleted, as long as something of it is left.

        Entering it raises Invalid (not an id), NotFound, Deleted, Unavailable, or Overloaded (too many joins wait already).
        """
        channel = await self.acquire(tenant, conversation, deleted=deleted)
        try:
            yield channel
        finally:
            self.release(channel)

    async def acquire(self, tenant: str, conversation: str, *, deleted: bool = False) -> Channel:
        """As entering `channel`; every call needs one of `release`."""
        key = (check_id(tenant, "tenant"), check_id(conversation, "conversation"))
        while True:
            if self._draining:
                raise Closed("this gateway is going away")
            channel = self._channels.get(key)
            if channel is None or channel.closed:
                channel = await self._join(key)
            if channel.fold.deleted and not deleted:
                raise Deleted(conversation)
            if not channel.closed and not self._draining:
                channel.users += 1
                self._idle_since.pop(key, None)
                return channel

    def release(self, channel: Channel) -> None:
        channel.users -= 1
        key = (channel.tenant, channel.conversation)
        if channel.users == 0 and self._channels.get(key) is channel:
            self._idle_since[key] = asyncio.get_running_loop().time()

    async def _join(self, key: tuple[str, str]) -> Channel:
        if key not in self._joins:
            if len(self._joins) >= self._settings.joins_max + self._settings.joins_waiting_max:
                raise Overloaded("too many conversations are being opened just now")
            if len(self._channels) >= self._settings.channels_max:
                raise Overloaded("this gateway watches as many conversations as it may")
        return await self._joins.share(key, lambda: self._open(key))

    async def _open(self, key: tuple[str, str]) -> Channel:
        begun = asyncio.get_running_loop().time()
        async with self._joining:
            history = History(self._broker, self._archive, *key, partitions=self._settings.partitions)
            channel = Channel(self, history, *key)
            await channel.open()
        now = asyncio.get_running_loop().time()
        self.counts.join_s.observe(now - begun)
        channel.follower.check_at = now + self._settings.check_first_s
        self._channels[key] = channel
        self._idle_since[key] = now
        return channel

    @property
    def channels(self) -> int:
        """How many conversations are watched, or were until lately."""
        return len(self._channels)

    @property
    def joining(self) -> int:
        """How many conversations are being opened, or wait for that."""
        return len(self._joins)

    def viewers(self) -> tuple[int, int]:
        """How many are level and share a feed, and how many read for themselves: who catches up, SSE, requests."""
        level = sum(channel.level_viewers for channel in self._channels.values())
        return level, sum(channel.users for channel in self._channels.values()) - level

    @property
    def sockets(self) -> int:
        """How many WebSockets are open."""
        return len(self._sockets)

    # --- what channels ask of their host

    @property
    def ring_bytes_max(self) -> int:
        return self._settings.ring_bytes_max

    def lifetime_s(self) -> float | None:
        """How long a connection that begins now may last: 80 to 100 % of the maximum. None: for ever."""
        return self._settings.connection_s_max * random.uniform(1 - LIFETIME_SPREAD, 1) or None

    def dirty(self, channel: Channel) -> None:
        """Call `channel.flush` at the end of this turn: all frames that one read of the broker's socket brought are in."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(channel)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for channel in dirty:
            channel.flush()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    # --- watching over them

    def _on_reconnect(self) -> None:
        now = asyncio.get_running_loop().time()
        for channel in self._channels.values():
            channel.follower.distrust()
            soon = now + random.random() * self._settings.reconnect_spread_s
            channel.follower.check_at = min(channel.follower.check_at, soon)

    async def _watch_channels(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_S)
            now = loop.time()
            self._close_idle(now)
            for key, channel in list(self._channels.items()):
                if channel.closed:
                    self._forget(key)
                elif channel.fold.deleted:
                    channel.close()  # its readers tell those who watch why
                elif channel.follower.check_at <= now:
                    self._check_when_due(channel, now)

    def _check_when_due(self, channel: Channel, now: float) -> None:
        settings, follower = self._settings, channel.follower
        silent_at = channel.flushed_at + settings.check_active_s
        if silent_at > now and follower.checked_at + settings.check_idle_s > now:
            follower.check_at = silent_at  # what has come proves what was before it
            return
        pause = settings.check_active_s if channel.fold.active_runs else settings.check_idle_s
        follower.check_at = now + pause * random.uniform(0.8, 1.2)
        follower.checked_at = now
        self.spawn(self._check(channel))

    async def _check(self, channel: Channel) -> None:
        follower = channel.follower
        async with self.reading:
            try:
                await follower.check()
                if self.on_checked is not None and not channel.closed:
                    await self.on_checked(channel)
            except AnabranchError as error:
                _log.info(
                    "could not compare a conversation with its log",
                    conversation=channel.conversation,
                    error=error.message,
                )
                follower.check_at = asyncio.get_running_loop().time() + self._settings.check_active_s

    def _close_idle(self, now: float) -> None:
        for key, since in list(self._idle_since.items()):
            if since + self._settings.linger_s <= now:
                self._channels[key].close()
                self._forget(key)

    def _forget(self, key: tuple[str, str]) -> None:
        self._channels.pop(key, None)
        self._idle_since.pop(key, None)

    # --- the end

    @property
    def draining(self) -> bool:
        """True once `drain` was called: readiness says no."""
        return self._draining

    def enter(self, socket: Socket) -> None:
        """Have the socket told when the gateway goes away. Raises Closed if it is going away already."""
        if self._draining:
            raise Closed("this gateway is going away")
        self._sockets.add(socket)

    def leave(self, socket: Socket) -> None:
        self._sockets.discard(socket)

    async def drain(self, after_ms_max: int, *, within_s: float = DRAIN_S) -> None:
        """Refuse new channels and WebSockets (Closed), send every WebSocket `reconnect` with a random delay up to
        `after_ms_max` and close it with 4000, in batches; then end every waiting `Reader` with `Closed`, by channels, in
        batches. Returns when done, within about `within_s`.
        """
        self._draining = True
        async for socket in _paced(self._sockets, within_s / 2):
            socket.go_away(random.randint(0, after_ms_max), "this gateway is going away")
        async for channel in _paced(self._channels.values(), within_s / 2):
            channel.close()

    async def close(self) -> None:
        """End everything at once: what `__aexit__` does."""
        self._draining = True
        if self._reconnects is not None:
            self._reconnects.close()
        for channel in self._channels.values():
            channel.close()
        for task in self._running:
            task.cancel()
        self._channels.clear()
        self._idle_since.clear()


async def _paced(those: Collection[T], within_s: float) -> AsyncIterator[T]:
    """All of them in a random order, with a pause after every batch, in which those who were told can leave."""
    size = max(DRAIN_BATCH, math.ceil(len(those) * DRAIN_BATCH_PAUSE_S / within_s))
    shuffled = random.sample(list(those), len(those))
    for start in range(0, len(shuffled), size):
        for one in shuffled[start : start + size]:
            yield one
        await asyncio.sleep(DRAIN_BATCH_PAUSE_S)
