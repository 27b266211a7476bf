"""Provisioning: the streams of a deployment come to be, and never at the cost of what they hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from schemas.errors import Conflict, Overloaded
from schemas.seal import ConversationDeletion
from services.broker import api, jetstream
from services.broker.connection import Connection
from services.broker.plan import Present, compare
from services.broker.port import AGENTS_AGE_S
from services.broker.provision import carry_out, plan
from services.broker.stream_file import layout
from services.broker.streams import Layout
from tests.archive.seals import small
from tests.broker.place import Place, append
from tests.broker.waiting import eventually
from tests.nats_server import NatsServer

SMALL = layout(partitions=2, mirror=True, events_bytes=10_000_000)


@pytest.fixture
async def connection(tmp_path):
    async with NatsServer(tmp_path) as server:
        connection = await Connection.open(server.url, "provision", 5.0)
        connection.url = server.url
        yield connection
        await connection.close()


def changed(**variables) -> Layout:
    return layout(**{"partitions": 2, "mirror": True, "events_bytes": 10_000_000, **variables})


def with_stream(name: str, **fields) -> Layout:
    """SMALL, with one stream that differs."""
    streams = [msgspec.structs.replace(stream, **fields) if stream.name == name else stream for stream in SMALL.streams]
    return SMALL._replace(streams=streams)


async def config(connection, name: str) -> dict:
    return (await api.call(connection, f"STREAM.INFO.{name}")).config


async def texts(connection, wanted: Layout) -> list[str]:
    """What would be done, one line each: with what is lost and what is warned of."""
    return [
        " | ".join(filter(None, (f"{change.kind} {change.name} {item.text}", item.loss, item.warning)))
        for change in await plan(connection, wanted)
        for item in change.items
    ]


async def test_everything_is_created_once_and_the_second_time_nothing_changes(connection):
    created = await carry_out(connection, SMALL)
    assert created == [stream.name for stream in SMALL.streams] + ["AB_COMMANDS.workers", "AB_SEALS.persisters"]
    assert await carry_out(connection, SMALL) == []
    assert await texts(connection, SMALL) == []


async def test_a_plan_says_what_will_be_made_and_makes_nothing(connection):
    lines = await texts(connection, SMALL)
    assert lines[0] == "create AB_EVENTS_0 ab.evt.0.>; limits; 1 copy; 9.54 MiB; 24 h"
    assert "create AB_REPLAY_0 mirror of AB_EVENTS_0; limits; 1 copy; 9.54 MiB; 24 h" in lines
    assert lines[-1] == "create AB_SEALS.persisters ack_wait 30 s, max_ack_pending 10000"
    assert await api.stream_names(connection) == []


async def test_the_streams_are_those_of_the_design(connection):
    await carry_out(connection, SMALL)
    events = await config(connection, "AB_EVENTS_1")
    assert events["subjects"] == ["ab.evt.1.>"]
    assert events["republish"] == {"src": "ab.evt.1.>", "dest": "ab.live.1.>"}
    assert (events["retention"], events["discard"], events["allow_direct"]) == ("limits", "old", True)
    assert events["duplicate_window"] == 120 * 10**9
    assert (await config(connection, "AB_REPLAY_1"))["mirror"] == {"name": "AB_EVENTS_1"}
    commands = await config(connection, "AB_COMMANDS")
    assert (commands["retention"], commands["duplicate_window"]) == ("workqueue", 3600 * 10**9)
    agents = await config(connection, "AB_AGENTS")
    assert (agents["max_msgs_per_subject"], agents["max_age"]) == (1, AGENTS_AGE_S * 10**9)
    consumer = await api.call(connection, "CONSUMER.INFO.AB_COMMANDS.workers")
    assert (consumer.config["ack_wait"], consumer.config["max_deliver"]) == (30 * 10**9, -1)


async def test_limits_and_consumers_can_be_changed_and_each_change_is_a_line(connection):
    await carry_out(connection, SMALL)
    larger = changed(partitions=3, events_bytes=20_000_000, ack_wait_s=5.0)
    assert "change AB_EVENTS_0 max_bytes: 9.54 MiB → 19.1 MiB" in await texts(connection, larger)
    assert "change AB_COMMANDS.workers ack_wait: 30 s → 5 s" in await texts(connection, larger)
    assert await carry_out(connection, larger) == [
        "AB_EVENTS_0", "AB_EVENTS_1", "AB_EVENTS_2", "AB_REPLAY_0", "AB_REPLAY_1", "AB_REPLAY_2",
        "AB_COMMANDS.workers", "AB_SEALS.persisters",
    ]  # fmt: skip
    assert (await config(connection, "AB_EVENTS_0"))["max_bytes"] == 20_000_000
    assert (await api.call(connection, "CONSUMER.INFO.AB_COMMANDS.workers")).config["ack_wait"] == 5 * 10**9
    assert await carry_out(connection, larger) == []


async def test_a_stream_that_would_lose_messages_may_not_shrink_and_then_nothing_at_all_changes(connection):
    await carry_out(connection, SMALL)
    await carry_out(connection, changed(events_bytes=5_000_000))  # empty ones may
    broker = await jetstream.connect(connection.url, "test")
    await append(broker, Place().lane(), *[bytes(60_000)] * 5)
    with pytest.raises(Conflict, match=r"AB_EVENTS_0: it holds 29\d KiB"):
        await carry_out(connection, changed(events_bytes=100_000, dead_bytes=2**30))
    assert (await config(connection, "AB_EVENTS_0"))["max_bytes"] == 5_000_000
    assert (await config(connection, "AB_DEAD"))["max_bytes"] == 128 * 2**20
    assert (await broker.bounds(0)).last == 5
    await broker.close()


async def test_what_would_be_lost_is_lost_only_when_its_stream_is_named(connection):
    await carry_out(connection, SMALL)
    broker = await jetstream.connect(connection.url, "test")
    await append(broker, Place().lane(), *[bytes(60_000)] * 5)
    smaller = with_stream("AB_EVENTS_0", max_bytes=100_000)
    with pytest.raises(Conflict):
        await carry_out(connection, smaller, ["AB_EVENTS_1"])
    assert await carry_out(connection, smaller, ["AB_EVENTS_0"]) == ["AB_EVENTS_0"]
    assert (await broker.bounds(0)).first > 1
    await broker.close()


async def test_messages_older_than_a_new_age_hold_it_up(connection):
    await carry_out(connection, SMALL)
    broker = await jetstream.connect(connection.url, "test")
    await append(broker, Place().lane(), b"old")
    now = datetime.now(UTC) + timedelta(hours=2)
    present = Present({"AB_EVENTS_0": await api.call(connection, "STREAM.INFO.AB_EVENTS_0")}, {})
    for age_s, loss in ((3600, ["it holds messages 2 h old"]), (3 * 3600, [])):
        [change] = [
            change
            for change in compare(with_stream("AB_EVENTS_0", max_age=age_s * 10**9), present, now)
            if change.name == "AB_EVENTS_0"
        ]
        assert change.losses == loss
    await broker.close()


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"retention": "limits"},
            "recreate AB_SEALS retention: workqueue → limits | it has to be made anew, without 1 mes",
        ),
        (
            {"subjects": ["ab.other.>"]},
            "change AB_SEALS subjects: ab.seal.> → ab.other.> | it would no longer take ab.seal.>",
        ),
        ({"discard": "old"}, "change AB_SEALS discard: new → old | full, it would drop what it holds"),
        ({"max_msgs_per_subject": 1}, "change AB_SEALS max_msgs_per_subject: -1 → 1 | it holds 1 messages"),
        ({"max_bytes": 100}, "change AB_SEALS max_bytes: 512 MiB → 100 B | it holds "),
    ],
)
async def test_every_change_that_loses_something_is_refused_and_says_what(connection, fields, line):
    await carry_out(connection, SMALL)
    broker = await jetstream.connect(connection.url, "test")
    await broker.publish_seal(small(), "r1")
    await broker.close()
    wanted = with_stream("AB_SEALS", **fields)
    [found] = await texts(connection, wanted)
    assert found.startswith(line)
    before = await config(connection, "AB_SEALS")
    with pytest.raises(Conflict, match="AB_SEALS"):
        await carry_out(connection, wanted)
    assert await config(connection, "AB_SEALS") == before


async def test_a_stream_of_another_kind_is_made_anew_when_it_is_named(connection):
    await carry_out(connection, with_stream("AB_SEALS", retention="limits"))
    assert await carry_out(connection, SMALL, ["AB_SEALS"]) == ["AB_SEALS"]
    assert (await config(connection, "AB_SEALS"))["retention"] == "workqueue"


async def test_what_is_not_in_the_file_stays_until_it_is_named(connection):
    await carry_out(connection, SMALL)
    mine = {"name": "ORDERS", "subjects": ["orders.>"], "storage": "file"}
    await api.call(connection, "STREAM.CREATE.ORDERS", mine)
    tool = {"durable_name": "tool", "ack_policy": "explicit"}
    await api.call(
        connection, "CONSUMER.DURABLE.CREATE.AB_EVENTS_0.tool", {"stream_name": "AB_EVENTS_0", "config": tool}
    )
    fewer = changed(partitions=1)
    assert await texts(connection, fewer) == [
        "keep AB_EVENTS_1 not in the file | 0 messages (0 B)",
        "keep AB_REPLAY_1 not in the file | 0 messages (0 B)",
        "keep AB_EVENTS_0.tool not in the file | what it has acknowledged",
    ]
    assert await carry_out(connection, fewer) == []
    assert await carry_out(connection, fewer, ["AB_EVENTS_1", "AB_EVENTS_0.tool"]) == [
        "AB_EVENTS_1",
        "AB_EVENTS_0.tool",
    ]
    left = await api.stream_names(connection)
    assert ("AB_EVENTS_1" in left, "AB_REPLAY_1" in left, "ORDERS" in left) == (False, True, True)


async def test_fewer_copies_are_a_warning_and_a_fixed_field_is_left_alone(connection):
    await carry_out(connection, SMALL)
    answer = await api.call(connection, "STREAM.INFO.AB_DEAD")
    three = msgspec.structs.replace(answer, config=answer.config | {"num_replicas": 3, "max_consumers": 99})
    streams = {stream.name: await api.call(connection, f"STREAM.INFO.{stream.name}") for stream in SMALL.streams}
    found = compare(SMALL, Present(streams | {"AB_DEAD": three}, {}), datetime.now(UTC))
    [change] = [change for change in found if change.name == "AB_DEAD"]
    assert [(item.text, item.loss, bool(item.warning)) for item in change.items] == [
        ("num_replicas: 3 copies → 1 copy", "", True),
        ("max_consumers: 99 → 16", "", True),
    ]
    assert (change.config["num_replicas"], change.config["max_consumers"]) == (1, 99)


async def test_a_full_work_queue_refuses_what_is_new_instead_of_dropping_what_it_holds(connection):
    await carry_out(connection, changed(commands_bytes=2000))
    broker = await jetstream.connect(connection.url, "test")
    with pytest.raises(Overloaded):
        for n in range(100):
            await broker.publish_command(Place().command(f"r{n}"))
    assert (await broker.fetch_command(1.0)).attempt == 1
    await broker.close()


async def test_old_messages_leave_the_log_and_bounds_say_where_it_begins(connection):
    await carry_out(connection, changed(events_bytes=200_000))
    broker = await jetstream.connect(connection.url, "test")
    place = Place()
    seqs = await append(broker, place.lane(), *[bytes(60_000)] * 6)
    bounds = await broker.bounds(0)
    assert 1 < bounds.first <= seqs[-1] == bounds.last
    assert (await broker.read(0, place.all, 0)).records[0].seq == bounds.first
    await broker.close()


async def test_replay_is_served_by_the_mirror_where_there_is_one(connection):
    await carry_out(connection, SMALL)
    broker = await jetstream.connect(connection.url, "test", replay_mirror=True)
    place = Place()
    (seq,) = await append(broker, place.lane(), b"1")
    records = await eventually(lambda: _read(broker, place))
    assert [(record.seq, record.lane, record.data) for record in records] == [(seq, "in", b"1")]
    await broker.close()


async def test_what_a_mirror_does_not_have_yet_is_read_from_the_primary(connection):
    await carry_out(connection, SMALL)
    await api.call(connection, "STREAM.DELETE.AB_REPLAY_0")
    stuck = {"name": "AB_REPLAY_0", "subjects": ["stuck"], "storage": "file", "allow_direct": True}
    await api.call(connection, "STREAM.CREATE.AB_REPLAY_0", stuck)  # a mirror that has copied nothing
    broker = await jetstream.connect(connection.url, "test", replay_mirror=True)
    place = Place()
    (seq,) = await append(broker, place.lane(), b"1")
    assert (await broker.read(0, place.all, 0)).records == []
    assert [record.seq for record in (await broker.read(0, place.all, 0, holds=seq)).records] == [seq]
    await broker.close()


async def test_a_deleted_conversation_leaves_the_mirror_too_and_replay_has_its_last_word(connection):
    await carry_out(connection, SMALL)
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
