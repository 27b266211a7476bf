"""What a connection to JetStream survives: a server that is killed, restarted, frozen, or was never there."""

from __future__ import annotations

import asyncio
import socket
import time

import msgspec
import pytest

from schemas.commands import RunCommand
from schemas.errors import Unavailable
from schemas.seal import SEAL_BYTES_MAX, ConversationRecord, SealReference
from services.broker import api, jetstream
from services.broker.port import Record
from services.broker.stream_file import layout
from tests.broker.place import Place, append, read_all
from tests.broker.waiting import eventually
from tests.nats_server import NatsServer


@pytest.fixture
async def server(tmp_path):
    async with NatsServer(tmp_path) as server:
        await jetstream.provision(server.url, layout(ack_wait_s=1.0))
        yield server


@pytest.fixture
async def broker(server):
    broker = await jetstream.connect(server.url, "test")
    yield broker
    await broker.close()


async def regained(broker) -> bool:
    return await eventually(lambda: broker.connected)


async def answered(read):
    """What `read` returns once it is answered: the connection for replays may notice a death only when it is used."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await read()
            except Unavailable:
                await asyncio.sleep(0.02)


async def test_a_queue_that_does_not_deliver_leaves_no_listener_behind(broker):
    await api.call(broker._connection, "CONSUMER.DELETE.AB_COMMANDS.workers")
    before = len(broker._connection._listeners)
    for _ in range(3):
        with pytest.raises(Unavailable, match="does not deliver"):
            await broker.fetch_command(0.5)
    assert len(broker._connection._listeners) == before


async def test_a_seal_whose_object_is_damaged_holds_up_no_other(broker):
    def record(conversation: str, title: str) -> ConversationRecord:
        return ConversationRecord(
            tenant="t",
            conversation=conversation,
            partition=0,
            epoch="1",
            input_seq=1,
            title=title,
            created=1,
            updated=1,
        )

    await broker.publish_seal(record("c1", "x" * (SEAL_BYTES_MAX + 1)), "large")
    await broker.publish_seal(record("c2", "x"), "small")
    await api.call(broker._connection, "STREAM.PURGE.OBJ_AB_SEALED", {"filter": "$O.AB_SEALED.C.>"})
    large, small = await broker.fetch_seals(2, 5.0)
    assert msgspec.json.decode(large.data, type=SealReference).ref == "large"
    assert msgspec.json.decode(small.data, type=ConversationRecord).conversation == "c2"


async def test_where_nothing_listens_connecting_fails_with_one_clear_line():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(Unavailable) as failure:
        await jetstream.connect(f"nats://user:secret@127.0.0.1:{port}", "test", deadline_s=0.3)
    assert f"nats://127.0.0.1:{port}" in str(failure.value)
    assert "secret" not in str(failure.value)
    assert "\n" not in str(failure.value)


async def test_a_client_may_start_before_the_server(tmp_path):
    server = NatsServer(tmp_path)
    async with server:
        url = server.url
    async with asyncio.TaskGroup() as tasks:
        connecting = tasks.create_task(jetstream.connect(url, "test"))
        await server.start()
    assert connecting.result().connected
    await connecting.result().close()
    server.kill()


async def test_after_a_crash_of_the_server_everything_works_again_and_the_epoch_is_the_same(server, broker):
    place = Place()
    heard: list[Record] = []
    back: list[bool] = []
    broker.on_reconnect(lambda: back.append(broker.connected))
    await broker.follow(place.live, lambda *record: heard.append(Record(*record)))
    (before,) = await append(broker, place.lane(), b"before")
    await broker.publish_command(place.command("r1"))
    await broker.put_object("o", b"content")
    epoch = (await broker.bounds(0)).epoch
    assert (await broker.read(0, place.all, 0)).records  # opens the second connection, too

    server.kill()
    await eventually(lambda: not broker.connected)
    await server.start()
    await regained(broker)

    assert back == [True]
    assert (await broker.bounds(0)).epoch == epoch
    assert (await broker.last_message(0, place.lane())).seq == before
    (after,) = await append(broker, place.lane(), b"after", expected_last=before)
    await eventually(lambda: Record(after, "in", b"after") in heard)
    batch = await answered(lambda: broker.read(0, place.all, 0))
    assert [record.seq for record in batch.records] == [before, after]
    delivery = await broker.fetch_command(5.0)
    assert msgspec.json.decode(delivery.data, type=RunCommand).run == "r1"
    await delivery.ack()
    assert await broker.get_object("o") == b"content"


async def test_a_call_made_while_the_server_is_away_waits_for_it(server, broker):
    server.stop()
    await eventually(lambda: not broker.connected)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(broker.bounds(0))
        await server.start()
    assert waiting.result().first == 1


async def test_a_call_in_flight_when_the_server_dies_is_unavailable_at_once(server, broker):
    waiting = asyncio.create_task(broker.fetch_command(5.0))
    await eventually(lambda: len(broker._connection._listeners) > 1)
    begun = time.monotonic()
    server.kill()
    with pytest.raises(Unavailable):
        await waiting
    assert time.monotonic() - begun < 4.0  # not the time-out of the fetch


async def test_a_server_that_says_nothing_is_found_out(server, broker, monkeypatch):
    monkeypatch.setattr("services.broker.connection.WATCH_S", 0.1)
    monkeypatch.setattr("services.broker.connection.ECHO_S", 0.3)
    assert (await broker.bounds(0)).first == 1
    server.pause()
    try:
        await eventually(lambda: not broker.connected)
    finally:
        server.resume()
    await regained(broker)
    assert (await broker.bounds(0)).first == 1


async def test_a_dead_read_loop_is_found_out(broker, monkeypatch):
    monkeypatch.setattr("services.broker.connection.ECHO_S", 0.3)
    assert (await broker.bounds(0)).first == 1
    dead = broker._connection._client
    dead._reading_task.cancel()
    assert dead.is_connected  # the trap: nats-py has noticed nothing
    await eventually(lambda: broker._connection._client is not dead)
    await regained(broker)
    assert (await broker.bounds(0)).first == 1


async def test_a_cancelled_call_leaves_the_connection_whole(server, broker):
    client = broker._connection._client
    for _ in range(20):
        task = asyncio.create_task(broker.follow(Place().live, print))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert (await broker.bounds(0)).first == 1
    assert broker._connection._client is client


async def test_an_append_without_a_quorum_is_unavailable_and_stored_once_when_it_is_repeated(three_nodes, monkeypatch):
    monkeypatch.setattr("services.broker.appender.REQUEST_S", 0.5)
    broker = await jetstream.connect(three_nodes.url, "test")
    place = Place()
    await append(broker, place.lane("r0"), b"0")
    leader = await _leader(broker)
    results: list = []
    appender = broker.appender(lambda key, result: results.append(result))
    followers = [node for node in three_nodes.nodes if node.name != leader]
    try:
        for node in followers:
            node.pause()
        appender.send(1, place.lane(), b"1", msg_id=place.conversation, expected_last=0)
        await eventually(lambda: results)
        assert isinstance(results[0], Unavailable)
    finally:
        for node in followers:
            node.resume()
    await three_nodes.start()
    assert await eventually(lambda: _appended(broker, place, b"1"), within_s=20.0)
    appender.close()
    await broker.close()


async def _leader(broker, stream: str = "AB_EVENTS_0") -> str:
    answer = await api.call(broker._connection, f"STREAM.INFO.{stream}")
    return answer.cluster.leader


async def _appended(broker, place: Place, data: bytes) -> bool:
    """Repeat an append of `data` until it is known; then it must be there once."""
    try:
        await broker.append(place.lane(), data, msg_id=place.conversation)
        last = await broker.last_message(0, place.lane())
        assert last.data == data
        assert await broker.next_message(0, place.lane(), 0) == last
    except Unavailable:
        return False
    return True


async def test_the_death_of_one_node_of_three_loses_nothing(three_nodes):
    broker = await jetstream.connect(three_nodes.url, "test")
    place = Place()
    (first,) = await append(broker, place.lane(), b"1")
    victim = three_nodes.node(await _leader(broker))
    victim.kill()
    try:
        other = Place()
        await eventually(lambda: _appended(broker, other, b"2"), within_s=30.0)
        assert await broker.last_message(0, place.lane()) == Record(first, "in", b"1")
    finally:
        await victim.start()
        await broker.close()


async def test_replay_goes_on_when_the_only_copies_of_the_mirrors_die_with_their_node(three_nodes):
    """All of them: a server places every stream of one copy on the node that was emptiest when it last heard."""
    broker = await jetstream.connect(three_nodes.url, "test", replay_mirror=True)
    places = [Place(0), Place(1)]
    for place in places:  # a stream may have lost its leader with an earlier test
        await answered(lambda place=place: broker.bounds(place.p))
    lasts = [(await append(broker, place.lane(), b"1", b"2"))[-1] for place in places]
    for place, last in zip(places, lasts, strict=True):
        await read_all(broker, place, 0, last)
    victims = {await _leader(broker, f"AB_REPLAY_{place.p}") for place in places}
    victim = three_nodes.node(victims.pop())
    victim.kill()
    try:
        for place, last in zip(places, lasts, strict=True):
            batch = await answered(lambda place=place, last=last: broker.read(place.p, place.all, 0, holds=last))
            assert [record.data for record in batch.records] == [b"1", b"2"]
    finally:
        await victim.start()
        await broker.close()
