"""What only the memory broker can do: the faults that a test asks of it."""

from __future__ import annotations

import asyncio

import pytest

from schemas.errors import Unavailable
from services.broker.memory import MemoryBroker, MemoryCore
from services.broker.port import Bounds
from tests.broker.place import Place, append


async def test_connections_without_a_common_core_are_separate_brokers():
    place = Place()
    first, second = MemoryBroker(), MemoryBroker()
    await append(first, place.lane(), b"1")
    assert await second.last_message(0, place.lane()) is None
    assert (await MemoryBroker(first.core).last_message(0, place.lane())).data == b"1"


async def test_what_retention_has_taken_is_gone_for_every_reader():
    place, broker = Place(), MemoryBroker(MemoryCore(epoch="e1"))
    await append(broker, place.lane(), b"1", b"2", b"3")
    broker.core.forget_before(0, 3)
    assert await broker.bounds(0) == Bounds("e1", 3, 3)
    assert [record.seq for record in (await broker.read(0, place.all, 0)).records] == [3]
    assert (await broker.next_message(0, place.lane(), 0)).seq == 3
    broker.core.forget_before(0, 99)
    assert await broker.bounds(0) == Bounds("e1", 4, 3)
    assert await broker.last_message(0, place.lane()) is None


async def test_a_dropped_live_message_is_stored_and_not_heard():
    place, broker = Place(), MemoryBroker()
    heard: list[int] = []
    await broker.follow(place.live, lambda seq, lane, data: heard.append(seq))
    broker.core.drop_live(1)
    await append(broker, place.lane(), b"1", b"2")
    await asyncio.sleep(0)
    assert heard == [2]
    assert len((await broker.read(0, place.all, 0)).records) == 2


async def test_a_cut_connection_is_unavailable_misses_what_is_live_and_says_when_it_is_back():
    place, broker = Place(), MemoryBroker()
    other = MemoryBroker(broker.core)
    heard: list[int] = []
    back: list[bool] = []
    await broker.follow(place.live, lambda seq, lane, data: heard.append(seq))
    hook = broker.on_reconnect(lambda: back.append(broker.connected))
    broker.interrupt()
    with pytest.raises(Unavailable):
        await broker.bounds(0)
    await append(other, place.lane(), b"1")
    await asyncio.sleep(0)
    broker.restore()
    await append(other, place.lane(), b"2")
    await asyncio.sleep(0)
    assert (heard, back) == ([2], [True])
    hook.close()
    broker.restore()
    assert back == [True]
