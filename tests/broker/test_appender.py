"""The pipelined appender: order, exactly one result per send, fences, time-outs, and a server that dies in mid-stream."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import pytest

from schemas.errors import Fenced, TooLarge, Unavailable
from services.broker import jetstream
from services.broker.port import Appended
from services.broker.stream_file import layout
from tests.broker.place import Place, append, read_all
from tests.broker.waiting import eventually
from tests.nats_server import NatsServer


class Results:
    """What an appender has answered, by key."""

    def __init__(self) -> None:
        self.all: list[tuple] = []

    def __call__(self, key, result) -> None:
        self.all.append((key, result))

    def of(self, key) -> list:
        return [result for other, result in self.all if other == key]


@pytest.fixture
def results() -> Results:
    return Results()


@pytest.fixture
async def appender(broker, results):
    appender = broker.appender(results)
    yield appender
    appender.close()


async def test_every_send_has_one_result_and_none_from_inside_send(appender, broker, results, place):
    for key in range(50):
        appender.send(key, place.lane(f"r{key}"), b"%d" % key, msg_id=f"{place.conversation}:{key}", expected_last=0)
    assert results.all == []
    await eventually(lambda: len(results.all) == 50)
    assert {key for key, _ in results.all} == set(range(50))
    assert all(isinstance(result, Appended) and not result.duplicate for _, result in results.all)
    records = await read_all(broker, place, 0, max(result.seq for _, result in results.all))
    assert {(record.lane, record.data, record.seq) for record in records} == {
        (f"r{key}", b"%d" % key, result.seq) for key, result in results.all
    }


async def test_a_fenced_send_says_so_and_a_repeated_one_is_stored_once(appender, broker, results, place):
    (seq,) = await append(broker, place.lane(), b"1")
    appender.send("fenced", place.lane(), b"2", msg_id=f"{place.conversation}:a", expected_last=0)
    await eventually(lambda: results.all)
    assert isinstance(results.of("fenced")[0], Fenced)
    for key in ("first", "again"):
        appender.send(key, place.lane(), b"2", msg_id=f"{place.conversation}:b", expected_last=seq)
        await eventually(lambda key=key: results.of(key))
    assert isinstance(results.of("first")[0], Appended)
    again = results.of("again")[0]
    assert isinstance(again, Fenced) or again == Appended(results.of("first")[0].seq, True)
    assert (await broker.last_message(0, place.lane())).seq == results.of("first")[0].seq


async def test_a_send_over_the_payload_limit_is_refused_and_the_connection_goes_on(appender, broker, results, place):
    appender.send("big", place.lane(), bytes(1024 * 1024), msg_id="big", expected_last=0)
    appender.send("small", place.lane(), b"1", msg_id=f"{place.conversation}:1", expected_last=0)
    await eventually(lambda: len(results.all) == 2)
    assert isinstance(results.of("big")[0], TooLarge)
    assert isinstance(results.of("small")[0], Appended)


async def test_what_is_in_flight_when_it_is_closed_is_unavailable_once(broker, results, place):
    appender = broker.appender(results)
    appender.send(1, place.lane(), b"1", msg_id=f"{place.conversation}:1", expected_last=0)
    appender.close()
    appender.close()
    appender.send(2, place.lane(), b"2", msg_id=f"{place.conversation}:2", expected_last=0)
    await eventually(lambda: len(results.all) >= 2)
    await append(broker, place.lane("r9"), b"later")  # a late acknowledgement would be here by now
    assert len(results.all) == 2
    assert all(isinstance(result, Unavailable) for _, result in results.all)


# --- JetStream only


@pytest.fixture
async def own_server(tmp_path):
    async with NatsServer(tmp_path) as server:
        await jetstream.provision(server.url, layout())
        yield server


@pytest.fixture
async def jetstream_broker(own_server):
    broker = await jetstream.connect(own_server.url, "test")
    yield broker
    await broker.close()


async def test_an_append_that_nobody_acknowledges_times_out(own_server, jetstream_broker, results, monkeypatch):
    monkeypatch.setattr("services.broker.appender.REQUEST_S", 0.3)
    place = Place()
    appender = jetstream_broker.appender(results)
    own_server.pause()
    try:
        appender.send(1, place.lane(), b"1", msg_id="m", expected_last=0)
        await eventually(lambda: results.all)
    finally:
        own_server.resume()
    assert isinstance(results.of(1)[0], Unavailable)
    await append(jetstream_broker, place.lane("r9"), b"later")
    assert len(results.all) == 1
    appender.close()


async def test_a_subject_that_no_stream_takes_is_unavailable(jetstream_broker, results):
    appender = jetstream_broker.appender(results)
    appender.send(1, "ab.evt.77.t.c.in", b"1", msg_id="m", expected_last=0)
    await eventually(lambda: results.all)
    assert isinstance(results.of(1)[0], Unavailable)
    appender.close()


class Lane:
    """A writer as a worker is one: repeats the same id until it knows, and believes a fence only of another's message."""

    def __init__(self, broker, place: Place, lane: str, count: int) -> None:
        self.broker = broker
        self.subject = place.lane(lane)
        self.lane = lane
        self.count = count
        self.n = 1
        self.last = 0

    @property
    def data(self) -> bytes:
        return f"{self.lane}:{self.n}".encode()

    def stored(self, seq: int) -> None:
        self.n, self.last = self.n + 1, seq

    async def settle(self, result) -> None:
        """Take the result of the last send; on return the next one is due."""
        if isinstance(result, Appended):
            self.stored(result.seq)
        elif isinstance(result, Fenced):
            last = await self.broker.last_message(0, self.subject)
            assert last.data == self.data, "fenced by a message that is not ours"
            self.stored(last.seq)
        else:
            assert isinstance(result, Unavailable)
            await asyncio.sleep(0.05)


async def test_through_crashes_of_the_server_every_message_is_stored_once_and_in_order(own_server, jetstream_broker):
    place = Place()
    lanes = {f"r{n}": Lane(jetstream_broker, place, f"r{n}", 150) for n in range(20)}
    inbox: asyncio.Queue = asyncio.Queue()
    appender = jetstream_broker.appender(lambda key, result: inbox.put_nowait((key, result)))

    async def write(lane: Lane, mine: asyncio.Queue) -> None:
        while lane.n <= lane.count:
            msg_id = f"{place.conversation}:{lane.lane}:{lane.n}"
            appender.send(lane.lane, lane.subject, lane.data, msg_id=msg_id, expected_last=lane.last)
            with contextlib.suppress(Unavailable):
                await lane.settle(await mine.get())

    async def crash() -> None:
        for share in (0.2, 0.5):
            await eventually(lambda share=share: sum(lane.n for lane in lanes.values()) > share * 20 * 150)
            own_server.kill()
            await own_server.start()

    async def route(queues: dict[str, asyncio.Queue]) -> None:
        while True:
            key, result = await inbox.get()
            assert queues[key].empty(), "two results for one send"
            queues[key].put_nowait(result)

    queues = {name: asyncio.Queue() for name in lanes}
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        routing = tasks.create_task(route(queues))
        crashing = tasks.create_task(crash())
        writing = [tasks.create_task(write(lane, queues[name])) for name, lane in lanes.items()]
        await asyncio.wait([crashing, *writing])
        routing.cancel()
    appender.close()

    records = await read_all(jetstream_broker, place, 0, max(lane.last for lane in lanes.values()))
    for name in lanes:
        texts = [record.data.decode() for record in records if record.lane == name]
        assert texts == [f"{name}:{n}" for n in itertools.islice(itertools.count(1), 150)]
