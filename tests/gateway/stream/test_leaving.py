"""How viewers leave a gateway: told one after the other when it drains, and by themselves when their connection is old."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from schemas import wire
from services.broker.memory import MemoryBroker
from services.gateway import hub as hubs
from services.gateway.hub import Hub
from tests.gateway.stream import kit
from tests.gateway.stream.conftest import gateway_on


class Seat:
    """A socket as the hub knows it; `told` and `first` are shared by all."""

    def __init__(self, told: list[int], first: asyncio.Event) -> None:
        self._told = told
        self._first = first

    def go_away(self, after_ms: int, reason: str) -> None:
        self._told.append(after_ms)
        self._first.set()


async def test_a_draining_hub_tells_its_viewers_in_batches_and_each_its_own_delay(core):
    told: list[int] = []
    first = asyncio.Event()
    async with Hub(MemoryBroker(core), kit.Archive(), kit.QUICK) as hub:
        for _ in range(3 * hubs.DRAIN_BATCH):
            hub.enter(Seat(told, first))
        draining = asyncio.create_task(hub.drain(1000))
        await first.wait()
        assert len(told) == hubs.DRAIN_BATCH, "the others are served meanwhile"
        await draining
    assert len(told) == 3 * hubs.DRAIN_BATCH
    assert 0 <= min(told) < 300
    assert 700 < max(told) <= 1000


async def test_a_hub_with_very_many_viewers_still_drains_in_its_time(core, monkeypatch):
    monkeypatch.setattr(hubs, "DRAIN_BATCH_PAUSE_S", 0.01)
    told: list[int] = []
    first = asyncio.Event()
    async with Hub(MemoryBroker(core), kit.Archive(), kit.QUICK) as hub:
        for _ in range(10_000):
            hub.enter(Seat(told, first))
        begun = asyncio.get_running_loop().time()
        await hub.drain(1000, within_s=0.4)
        assert asyncio.get_running_loop().time() - begun < 1.0, "at the usual pace it would be 2 s"
    assert len(told) == 10_000


async def test_who_subscribes_while_the_gateway_drains_is_told_to_leave_at_once(gateway, log, monkeypatch):
    monkeypatch.setattr(hubs, "DRAIN_BATCH", 1)
    monkeypatch.setattr(hubs, "DRAIN_BATCH_PAUSE_S", 60.0)
    await log.write(kit.delta(1))
    async with gateway.connect() as first, gateway.connect() as second:
        for socket in (first, second):
            await socket.say(wire.Ping())
            assert isinstance(await socket.hear(), wire.Pong)
        draining = asyncio.create_task(gateway.hub.drain(0, within_s=1000))
        closed = {asyncio.create_task(one.connection.wait_closed()): one for one in (first, second)}
        gone, left = await asyncio.wait(closed, return_when=asyncio.FIRST_COMPLETED)
        assert len(gone) == 1
        stayed = closed[left.pop()]
        await stayed.say(wire.Subscribe(conversation=kit.CONVERSATION))
        assert isinstance(await stayed.hear(), wire.Reconnect)
        with pytest.raises(ConnectionClosed):
            await stayed.hear()
        assert stayed.connection.close_code == 4000
        draining.cancel()


async def test_a_connection_ends_at_its_own_moment_near_the_maximum_and_is_told_to_come_back(core):
    settings = msgspec.structs.replace(kit.QUICK, connection_s_max=1.0)
    async with gateway_on(core, settings=settings) as gateway:
        loop = asyncio.get_running_loop()

        async def lasted() -> float:
            begun = loop.time()
            async with gateway.connect() as socket:
                assert isinstance(await socket.hear(), wire.Reconnect)
                with pytest.raises(ConnectionClosed):
                    await socket.hear()
                assert socket.connection.close_code == 4000
                return loop.time() - begun

        times = await asyncio.gather(*(lasted() for _ in range(30)))
    assert 0.8 <= min(times) < 1.0, times
    assert max(times) - min(times) > 0.08, "not all in one moment"


async def test_without_a_maximum_a_connection_lasts_for_ever(core):
    async with Hub(MemoryBroker(core), kit.Archive(), kit.QUICK) as hub:
        assert hub.lifetime_s() is None
