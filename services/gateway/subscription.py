"""Subscription: one conversation on one WebSocket. Level: it shares a feed and has no task. Else: its own task reads for it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any, Protocol

from schemas import wire
from schemas.cursor import Cursor
from schemas.errors import AnabranchError, Unavailable
from services.gateway.channel import Channel
from services.gateway.encoding import encoder
from services.gateway.feed import FeedKey
from services.gateway.hub import Hub
from services.gateway.outlet import Gone, Outlet, Stalled
from services.gateway.project import View
from services.gateway.reader import Closed, Reader

AGAIN_S = 0.5
"""Before reading a log again that did not answer."""


class Owner(Protocol):
    """What a subscription needs of its session."""

    hub: Hub
    tenant: str
    outlet: Outlet
    protocol: str

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]: ...

    async def failed(self, sub: str, error: AnabranchError) -> None:
        """The subscription cannot go on: tell the client and forget it."""

    def stalled(self) -> None:
        """The socket takes nothing: close it."""


class Subscription:
    __slots__ = ("_channel", "_conversation", "_key", "_owner", "_task", "push")

    def __init__(self, owner: Owner, conversation: str, sub: str, view: View) -> None:
        self.push = owner.outlet.push
        self._owner = owner
        self._conversation = conversation
        self._key = FeedKey(owner.protocol, sub, view)
        self._channel: Channel | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, after: Cursor | None, mode: wire.Mode) -> None:
        self._task = self._owner.spawn(self._guard(self._join(after, mode)))

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._channel is not None:
            self._channel.dismiss(self, self._key)
            self._owner.hub.release(self._channel)
            self._channel = None

    def fall_behind(self, cursor: Cursor, generation: int, *, lagging: bool) -> None:
        if self._channel is not None:
            reader = Reader.resume(self._channel, cursor, generation, sub=self._key.sub, view=self._key.view)
            self._task = self._owner.spawn(self._guard(self._recover(self._channel, reader, lagging=lagging)))

    # --- its own task

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        owner = self._owner
        try:
            await work
        except Gone:
            return  # the session hears of it too
        except Stalled:
            owner.stalled()
        except AnabranchError as error:
            self._task = None
            await owner.failed(self._key.sub, error)

    async def _join(self, after: Cursor | None, mode: wire.Mode) -> None:
        owner = self._owner
        channel = self._channel = await owner.hub.acquire(owner.tenant, self._conversation)
        reader = Reader(channel, sub=self._key.sub, view=self._key.view, after=after, mode=mode)
        await self._serve(channel, reader)

    async def _recover(self, channel: Channel, reader: Reader, *, lagging: bool) -> None:
        if lagging:
            message = wire.Lagging(sub=self._key.sub, cursor=reader.cursor)
            await self._owner.outlet.write(encoder(self._key.protocol)(message))
        await self._serve(channel, reader)

    async def _serve(self, channel: Channel, reader: Reader) -> None:
        """Send what `reader` gives until the viewer is level and shares the feed: no await between seeing and doing that."""
        outlet = self._owner.outlet
        while True:
            data = await self._next(reader)
            if data is not None:
                await outlet.write(data)
            elif outlet.pushes and channel.admit(self, self._key, reader):
                self._task = None
                return
            elif not channel.closed:
                await channel.news()

    async def _next(self, reader: Reader) -> bytes | None:
        while True:
            try:
                return await reader.step_encoded(self._key.protocol)
            except Closed:
                raise
            except Unavailable:
                await asyncio.sleep(AGAIN_S * random.uniform(0.5, 1.5))
