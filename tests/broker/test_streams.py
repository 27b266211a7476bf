"""Provisioning: the streams of a deployment come to be, and never at the cost of what they hold."""

from __future__ import annotations

import msgspec
import pytest

from schemas.errors import Conflict, Overloaded
from schemas.seal import ConversationDeletion
from services.broker import api, jetstream
from services.broker.connection import Connection
from services.broker.streams import Deployment, provision, streams
from tests.broker.place import Place, append
from tests.broker.waiting import eventually
from tests.nats_server import NatsServer

SMALL = Deployment(partitions=2, mirror=True, events_bytes=10_000_000)


@pytest.fixture
async def connection(tmp_path):
    async with NatsServer(tmp_path) as server:
        connection = await Connection.open(server.url, "provision", 5.0)
        connection.url = server.url
        yield connection
        await connection.close()


def changed(**fields) -> Deployment:
    return msgspec.structs.replace(SMALL, **fields)


async def config(connection, name: str) -> dict:
    return (await api.call(connection, f"STREAM.INFO.{name}")).config


async def test_everything_is_created_once_and_the_second_time_nothing_changes(connection):
    created = await provision(connection, SMALL)
    assert created == [stream.name for stream in streams(SMALL)] + ["AB_COMMANDS.workers", "AB_SEALS.persisters"]
    assert await provision(connection, SMALL) == []


async def test_the_streams_are_those_of_the_design(connection):
    await provision(connection, SMALL)
    events = await config(connection, "AB_EVENTS_1")
    assert events["subjects"] == ["ab.evt.1.>"]
    assert events["republish"] == {"src": "ab.evt.1.>", "dest": "ab.live.1.>"}
    assert (events["retention"], events["discard"], events["allow_direct"]) == ("limits", "old", True)
    assert events["duplicate_window"] == 120 * 10**9
    assert (await config(connection, "AB_REPLAY_1"))["mirror"] == {"name": "AB_EVENTS_1"}
    commands = await config(connection, "AB_COMMANDS")
    assert (commands["retention"], commands["duplicate_window"]) == ("workqueue", 3600 * 10**9)
    agents = await config(connection, "AB_AGENTS")
    assert (agents["max_msgs_per_subject"], agents["max_age"]) == (1, 600 * 10**9)
    consumer = await api.call(connection, "CONSUMER.INFO.AB_COMMANDS.workers")
    assert (consumer.config["ack_wait"], consumer.config["max_deliver"]) == (30 * 10**9, -1)


async def test_limits_replicas_and_consumers_can_be_changed(connection):
    await provision(connection, SMALL)
    larger = changed(partitions=3, events_bytes=20_000_000, ack_wait_s=5.0)
    assert await provision(connection, larger) == [
        "AB_EVENTS_0", "AB_REPLAY_0", "AB_EVENTS_1", "AB_REPLAY_1", "AB_EVENTS_2", "AB_REPLAY_2",
        "AB_COMMANDS.workers", "AB_SEALS.persisters",
    ]  # fmt: skip
    assert (await config(connection, "AB_EVENTS_0"))["max_bytes"] == 20_000_000
    assert await provision(connection, larger) == []


async def test_an_empty_stream_may_shrink_and_one_that_would_lose_messages_may_not(connection):
    await provision(connection, SMALL)
    await provision(connection, changed(events_bytes=5_000_000))
    broker = await jetstream.connect(connection.url, "test")
    await append(broker, Place().lane(), *[bytes(60_000)] * 5)
    with pytest.raises(Conflict, match="AB_EVENTS_0: it holds"):
        await provision(connection, changed(events_bytes=100_000))
    assert (await config(connection, "AB_EVENTS_0"))["max_bytes"] == 5_000_000
    assert (await broker.bounds(0)).last == 5
    await broker.close()


async def test_a_stream_of_another_kind_or_with_more_subjects_is_refused_and_left_alone(connection):
    there = {"name": "AB_SEALS", "subjects": ["ab.seal.>"], "retention": "limits", "storage": "file"}
    await api.call(connection, "STREAM.CREATE.AB_SEALS", there)
    with pytest.raises(Conflict, match="AB_SEALS: its retention cannot change"):
        await provision(connection, SMALL)
    assert (await config(connection, "AB_SEALS"))["retention"] == "limits"
    more = {"name": "AB_DEAD", "subjects": ["ab.dead.>", "other.>"], "storage": "file"}
    await api.call(connection, "STREAM.DELETE.AB_SEALS")
    await api.call(connection, "STREAM.CREATE.AB_DEAD", more)
    with pytest.raises(Conflict, match=r"AB_DEAD: it would no longer take other\.>"):
        await provision(connection, SMALL)


async def test_a_full_work_queue_refuses_what_is_new_instead_of_dropping_what_it_holds(connection):
    await provision(connection, changed(commands_bytes=2000))
    broker = await jetstream.connect(connection.url, "test")
    with pytest.raises(Overloaded):
        for n in range(100):
            await broker.publish_command(Place().command(f"r{n}"))
    assert (await broker.fetch_command(1.0)).attempt == 1
    await broker.close()


async def test_old_messages_leave_the_log_and_bounds_say_where_it_begins(connection):
    await provision(connection, changed(events_bytes=200_000))
    broker = await jetstream.connect(connection.url, "test")
    place = Place()
    seqs = await append(broker, place.lane(), *[bytes(60_000)] * 6)
    bounds = await broker.bounds(0)
    assert 1 < bounds.first <= seqs[-1] == bounds.last
    assert (await broker.read(0, place.all, 0)).records[0].seq == bounds.first
    await broker.close()


async def test_replay_is_served_by_the_mirror_where_there_is_one(connection):
    await provision(connection, SMALL)
    broker = await jetstream.connect(connection.url, "test", replay_mirror=True)
    place = Place()
    (seq,) = await append(broker, place.lane(), b"1")
    records = await eventually(lambda: _read(broker, place))
    assert [(record.seq, record.lane, record.data) for record in records] == [(seq, "in", b"1")]
    await broker.close()


async def test_a_deleted_conversation_leaves_the_mirror_too_and_replay_has_its_last_word(connection):
    await provision(connection, SMALL)
    broker = await jetstream.connect(connection.url, "test", replay_mirror=True)
    place, other = Place(), Place()
    await append(broker, place.lane(), *[b"secret"] * 50)
    await append(broker, other.lane(), b"other")
    (seq,) = await append(broker, place.lane(), b"deleted")
    epoch = (await broker.bounds(0)).epoch
    await broker.forget(
        ConversationDeletion(tenant="t", conversation=place.conversation, partition=0, epoch=epoch, seq=seq, deleted=1)
    )
    assert [record.data for record in await _read(broker, place)] == [b"deleted"]
    assert [record.data for record in await _read(broker, other)] == [b"other"]
    for stream in ("AB_EVENTS_0", "AB_REPLAY_0"):
        assert (await api.call(connection, f"STREAM.INFO.{stream}")).state.messages == 2
    await broker.close()


async def _read(broker, place: Place) -> list:
    return (await broker.read(0, place.all, 0)).records


@pytest.mark.parametrize(
    ("created", "epoch"),
    [
        ("1970-01-01T00:00:00Z", "0"),
        ("1970-01-01T00:00:01.5Z", f"{1_500_000_000:x}"),
        ("2026-11-21T01:58:35.808003676Z", f"{1795226315808003676:x}"),
    ],
)
def test_an_epoch_is_the_time_of_creation_in_nanoseconds(created, epoch):
    assert jetstream.epoch_of(created) == epoch
