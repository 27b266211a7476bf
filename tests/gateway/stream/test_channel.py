import asyncio

import msgspec
import pytest

from schemas import wire
from schemas.cursor import Cursor
from schemas.errors import Invalid, Overloaded, Unavailable
from services.archive.port import Archived
from services.broker.memory import MemoryBroker, MemoryCore
from services.gateway import follower
from services.gateway.hub import Hub
from services.gateway.reader import Closed
from tests.broker.waiting import eventually
from tests.gateway.stream import kit
from tests.gateway.stream.kit import CONVERSATION, TENANT, Client, Log


@pytest.fixture
def core():
    return MemoryCore()


@pytest.fixture
def broker(core):
    return MemoryBroker(core)


@pytest.fixture
def log(core):
    return Log(MemoryBroker(core))


@pytest.fixture
async def hub(broker):
    async with Hub(broker, kit.Archive(), kit.QUICK) as hub:
        yield hub


async def follow(reader, client, log, within_s=10.0):
    """Read until the client has what the log has."""
    async with asyncio.timeout(within_s):
        while client.fold.snapshot() != log.transcript():
            client.take(await reader.next())


async def test_the_fold_is_live_and_stands_at_the_cursor(hub, log):
    await log.write(kit.created("title"))
    async with hub.channel(TENANT, CONVERSATION) as channel:
        for frame in [kit.asked(), kit.started(), *map(kit.delta, range(5)), kit.ended(5)]:
            seq = await log.write(frame)
            assert await channel.reached(seq, 5)
            assert channel.fold.snapshot() == log.transcript()
            assert channel.cursor.seq == seq


async def test_reached_gives_up_when_its_time_is_over(hub, log):
    await log.write(kit.created())
    async with hub.channel(TENANT, CONVERSATION) as channel:
        assert not await channel.reached(99, 0.01)


async def test_two_hubs_on_one_broker_show_the_same(core, log):
    await log.write_all([kit.created(), kit.asked()])
    async with (
        kit.hub_on(core) as one,
        kit.hub_on(core) as two,
        one.channel(TENANT, CONVERSATION) as first,
        two.channel(TENANT, CONVERSATION) as second,
    ):
        seq = await log.write_all([kit.started(), *map(kit.delta, range(20))])
        assert await first.reached(seq, 5)
        assert await second.reached(seq, 5)
        assert first.fold.snapshot() == second.fold.snapshot() == log.transcript()


async def test_a_lost_frame_is_fetched_from_the_log_when_the_next_one_shows_it(core, hub, log):
    await log.write_all([kit.created(), kit.asked(), kit.started()])
    async with hub.channel(TENANT, CONVERSATION) as channel:
        reader, client = channel.reader(), Client()
        await follow(reader, client, log)
        core.drop_live(3)
        await log.write_all(map(kit.delta, range(4)))
        await follow(reader, client, log)
        assert client.gaps == []


async def test_a_lost_last_frame_is_found_by_looking(core, hub, log):
    await log.write_all([kit.created(), kit.asked(), kit.started()])
    async with hub.channel(TENANT, CONVERSATION) as channel:
        reader, client = channel.reader(), Client()
        core.drop_live(1)
        await log.write(kit.ended(0))
        await follow(reader, client, log)


async def test_a_message_lost_while_a_run_goes_on_is_found_and_said(core, hub, log, monkeypatch):
    monkeypatch.setattr(follower, "INTEREST_S", 0.0)
    await log.write_all([kit.created(), kit.asked(), kit.started(), kit.delta(0)])
    async with hub.channel(TENANT, CONVERSATION) as channel:
        reader, client = channel.reader(), Client()
        await follow(reader, client, log)
        seq = await log.write(kit.delta(1))  # after it the run's lane is trusted again
        assert await channel.reached(seq, 5)
        core.drop_live(1)
        await log.write(kit.asked("r2", n=4))
        await log.write_all([kit.delta(2), kit.delta(3)])
        client.dense = False  # until it is said, its own numbers could tell it too
        await follow(reader, client, log)
        assert client.gaps in ([], ["lost"])


async def test_after_the_broker_was_away_nothing_is_missing(broker, hub, log):
    await log.write_all([kit.created(), kit.asked(), kit.started()])
    async with hub.channel(TENANT, CONVERSATION) as channel:
        reader, client = channel.reader(), Client()
        await follow(reader, client, log)
        broker.interrupt()
        await log.write_all([kit.asked("r2", n=4), *map(kit.delta, range(5))])
        broker.restore()
        await log.write(kit.delta(5))
        await follow(reader, client, log)
        assert client.gaps == []


async def test_a_stream_made_anew_is_a_gap_and_a_snapshot(core, broker, hub, log):
    await log.write_all([kit.created(), kit.asked()])
    async with hub.channel(TENANT, CONVERSATION) as channel:
        reader, client = channel.reader(), Client()
        await follow(reader, client, log)
        broker.interrupt()
        anew = MemoryCore(epoch="beef")
        core.epoch, core.logs = anew.epoch, anew.logs
        fresh = Log(MemoryBroker(core))
        await fresh.write_all([kit.created("another")])
        broker.restore()
        await follow(reader, client, fresh)
        assert client.gaps == ["epoch"]
        assert client.cursor.startswith("beef-")


async def test_a_log_that_has_lost_its_head_is_shown_as_far_as_it_goes(core, hub, log):
    await log.write_all([kit.created(), kit.asked(), kit.started(), *map(kit.delta, range(3))])
    core.forget_before(0, log.stored[3].seq)
    async with hub.channel(TENANT, CONVERSATION) as channel:
        assert channel.cursor.seq == log.stored[-1].seq
        seq = await log.write(kit.ended(3))
        assert await channel.reached(seq, 5)
        assert [run.status for run in channel.fold.runs.values()] == ["completed"]


async def test_a_frame_that_is_none_does_not_end_the_conversation(core, broker, hub, log):
    await log.write_all([kit.created(), kit.asked(), kit.started()])
    async with hub.channel(TENANT, CONVERSATION) as channel:
        core.append(f"ab.evt.0.{TENANT}.{CONVERSATION}.r1", b"not a frame", "x", None)
        seq = await log.write(kit.delta(0))
        assert await channel.reached(seq, 5)
        assert channel.fold.item("m2-1").content == "x"


async def test_the_archive_is_where_the_fold_starts_and_the_log_goes_on(core, broker, log):
    archive = kit.Archive()
    await log.write_all([kit.created("t"), kit.asked(), kit.started(), kit.ended(0)])
    archive.rows[CONVERSATION] = Archived(0, Cursor(core.epoch, log.stored[-1].seq), log.transcript())
    core.forget_before(0, log.stored[-1].seq + 1)
    async with Hub(broker, archive, kit.QUICK) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        assert channel.fold.snapshot() == log.transcript()
        seq = await log.write_all([kit.asked("r2", n=4), kit.started("r2", "m4-1")])
        assert await channel.reached(seq, 5)
        assert channel.fold.snapshot() == log.transcript()


async def test_an_archive_of_another_epoch_is_kept_and_the_new_stream_read_from_its_beginning(core, broker, log):
    archive = kit.Archive()
    old = Log(MemoryBroker(MemoryCore()))
    await old.write_all([kit.created("t"), kit.asked(), kit.started(), kit.ended(0)])
    archive.rows[CONVERSATION] = Archived(0, Cursor("0", 1_000_000), old.transcript())
    await log.write(kit.asked("r2", n=4))
    async with Hub(broker, archive, kit.QUICK) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        assert list(channel.fold.runs) == ["r1", "r2"]
        assert channel.cursor.epoch == core.epoch


async def test_an_archive_that_is_ahead_of_a_log_that_lost_its_end_is_kept_and_the_log_goes_on(core, broker, log):
    archive = kit.Archive()
    before = Log(MemoryBroker(MemoryCore()))
    await before.write_all([kit.created("t"), kit.asked(), kit.started(), kit.ended(0)])
    archive.rows[CONVERSATION] = Archived(0, Cursor(core.epoch, 1_000_000), before.transcript())
    await log.write_all([kit.created("t"), kit.asked(), kit.started(), kit.asked("r2", n=4)])
    async with Hub(broker, archive, kit.QUICK) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        assert {run.id: run.status for run in channel.fold.runs.values()} == {"r1": "completed", "r2": "queued"}
        seq = await log.write(kit.started("r2", "m4-1"))
        assert await channel.reached(seq, 5)
        assert channel.fold.runs["r2"].status == "running"


# --- the hub


async def test_a_channel_is_shared_and_kept_a_moment_after_its_last_user(core, hub, log):
    await log.write(kit.created())
    async with hub.channel(TENANT, CONVERSATION) as one, hub.channel(TENANT, CONVERSATION) as two:
        assert one is two
    async with hub.channel(TENANT, CONVERSATION) as three:
        assert three is one
    await eventually(lambda: hub.channels == 0)
    assert core.followers == {}


async def test_many_who_come_at_once_share_one_join(hub, log, broker, monkeypatch):
    await log.write(kit.created())
    follows = []
    follow = MemoryBroker.follow

    async def counted(self, *args):
        follows.append(args)
        await asyncio.sleep(0)
        return await follow(self, *args)

    monkeypatch.setattr(MemoryBroker, "follow", counted)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(50):
            tasks.create_task(touch(hub))
    assert len(follows) == 1


async def touch(hub, conversation=CONVERSATION):
    async with hub.channel(TENANT, conversation):
        pass


async def test_who_is_cancelled_while_joining_takes_nothing_from_the_others(hub, log):
    await log.write(kit.created())
    first = asyncio.ensure_future(touch(hub))
    second = asyncio.ensure_future(touch(hub))
    await asyncio.sleep(0)
    first.cancel()
    await second


async def test_joins_beyond_what_may_wait_are_refused(broker, log):
    settings = msgspec.structs.replace(kit.QUICK, joins_max=1, joins_waiting_max=1)
    async with Hub(broker, kit.Archive(), settings) as hub:
        joining = [asyncio.ensure_future(touch(hub, f"c{number}")) for number in range(3)]
        outcomes = await asyncio.gather(*joining, return_exceptions=True)
        assert [isinstance(outcome, Overloaded) for outcome in outcomes] == [False, False, True]


async def test_what_is_no_id_is_refused(hub):
    for name in ("", "a.b", "*", "x" * 65):
        with pytest.raises(Invalid):
            await touch(hub, name)


async def test_while_the_broker_is_away_joining_is_unavailable(broker, hub, log):
    await log.write(kit.created())
    broker.interrupt()
    with pytest.raises(Unavailable):
        await touch(hub)
    broker.restore()
    await touch(hub)


async def test_who_is_joining_while_the_gateway_drains_is_told_to_go_elsewhere(hub, log, broker, monkeypatch):
    await log.write(kit.created())
    asked, answer, follow = asyncio.Event(), asyncio.Event(), broker.follow

    async def slow_follow(subject, on_message):
        asked.set()
        await answer.wait()
        return await follow(subject, on_message)

    monkeypatch.setattr(broker, "follow", slow_follow)
    joining = asyncio.ensure_future(touch(hub))
    await asked.wait()
    await hub.drain(0)
    answer.set()
    with pytest.raises(Closed):
        await joining


async def test_draining_ends_waiting_readers_and_refuses_new_channels(hub, log):
    await log.write(kit.created())
    async with hub.channel(TENANT, CONVERSATION) as channel:
        reader = channel.reader(mode="tail")
        assert isinstance(await reader.next(), wire.Subscribed)
        assert isinstance(await reader.next(), wire.CaughtUp)
        waiting = asyncio.ensure_future(reader.next())
        await asyncio.sleep(0)
        await hub.drain(0)
        with pytest.raises(Closed):
            await waiting
        with pytest.raises(Closed):
            await touch(hub)
        assert hub.draining
