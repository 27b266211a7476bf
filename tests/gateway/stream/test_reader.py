import asyncio
import contextlib
import random
from unittest import mock

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import cursor as cursors
from schemas import wire
from schemas.cursor import Cursor
from schemas.errors import Invalid, NotFound, Unavailable
from schemas.fold import Fold
from schemas.transcript import Transcript
from services.archive.port import Archived
from services.broker.memory import MemoryBroker, MemoryCore
from services.gateway import follower
from services.gateway.encoding import encoder
from services.gateway.hub import Hub, HubSettings
from services.gateway.project import view_of
from services.gateway.snapshots import Snapshots
from tests.gateway.stream import kit
from tests.gateway.stream.kit import CONVERSATION, TENANT, Client, Log
from tests.schemas import logs

DEADLINE_S = 10.0

decode = msgspec.json.Decoder(wire.AnyServerMessage).decode


async def drain(reader, client, *, until_seq=0):
    """Read until level (and at `until_seq`), all of it within a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not (client.caught_up and cursors.parse(client.cursor).seq >= until_seq):
            client.take(decode(await reader.next_encoded(wire.JSON_PROTOCOL)))


def shown(transcript, view):
    """What `view` shows of a transcript, by the function that makes snapshots."""
    fold = Fold(transcript)
    return Snapshots(fold).message("", view, Cursor("0", 0)).transcript


@given(st.integers(0, 2**32).map(random.Random))
@settings(max_examples=60, deadline=None)
def test_whatever_is_cut_wherever_each_viewer_has_every_event_once_and_in_order(rng):
    with mock.patch.object(follower, "MEND_PAUSE_S", 0.001):
        asyncio.run(scenario(rng))


async def scenario(rng):
    core = MemoryCore()
    frames = logs.conversation(rng, runs=rng.randint(1, 3), size=rng.randint(1, 3))
    other = Log(MemoryBroker(core), "other")
    log = Log(MemoryBroker(core))
    await other.write(kit.created())
    await log.write(frames.pop(0))
    tight = msgspec.structs.replace(kit.QUICK, ring_bytes_max=rng.choice([1, 500, 128 * 1024]))
    brokers = [MemoryBroker(core), MemoryBroker(core)]
    async with Hub(brokers[0], kit.Archive(), tight) as one, Hub(brokers[1], kit.Archive(), tight) as two:
        viewers = [Viewer(rng, [one, two], frames) for _ in range(4)]
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
            for viewer in viewers:
                tasks.create_task(viewer.run())
            while frames:
                disturb(rng.choice(brokers), rng)
                await log.write(frames.pop(0))
                await asyncio.sleep(rng.choice([0, 0, 0.001]))
            for broker in brokers:
                broker.restore()
            for viewer in viewers:
                viewer.end = shown(log.transcript(), viewer.view)
    for viewer in viewers:
        assert viewer.client.gaps == []


def disturb(broker, rng):
    if rng.random() < 0.1:
        broker.interrupt()
    elif rng.random() < 0.3 and not broker.connected:
        broker.restore()


class Viewer:
    """Comes and goes at random, to any gateway, always with its cursor."""

    def __init__(self, rng, hubs, frames):
        spaces = sorted({event.ns or frame.ns for frame in frames for event in frame.events})
        self.rng = rng
        self.hubs = hubs
        self.namespaces = tuple(rng.sample(spaces, 1)) if rng.random() < 0.4 else ()
        self.granularity = rng.choice(["deltas", "messages"])
        self.view = view_of(self.namespaces, self.granularity)
        self.client = Client(dense=not self.namespaces)
        self.end = None  # what its fold must come to be

    async def run(self):
        while not self.done():
            with contextlib.suppress(Unavailable):
                await self.visit(self.rng.choice(self.hubs))
            await asyncio.sleep(0)

    def done(self):
        return self.end is not None and self.client.fold.snapshot() == self.end

    async def visit(self, hub):
        async with hub.channel(TENANT, CONVERSATION) as channel:
            reader = channel.reader(
                after=cursors.parse(self.client.cursor) if self.client.cursor else None,
                mode=self.rng.choice(["auto", "replay", *([] if self.client.cursor else ["snapshot"])]),
                namespaces=self.namespaces,
                granularity=self.granularity,
            )
            for _ in range(self.rng.choice([1, 3, 10, 1000])):
                try:
                    async with asyncio.timeout(0.02):
                        message = await reader.next()
                except TimeoutError:
                    if self.done():
                        return
                else:
                    self.client.take(decode(encoder(wire.JSON_PROTOCOL)(message)))


@pytest.fixture
def core():
    return MemoryCore()


@pytest.fixture
def log(core):
    return Log(MemoryBroker(core))


async def ops(reader):
    """The operations up to `caught_up`, and the client that took them."""
    client = Client(dense=False)  # a cursor may come without what was before it
    await drain(reader, client)
    return client.ops, client


async def test_without_a_cursor_one_gets_a_snapshot_and_the_tail(core, log):
    await log.write_all([kit.created("title"), kit.asked(), kit.started(), kit.delta(0)])
    async with kit.hub_on(core) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        reader = channel.reader()
        said, client = await ops(reader)
        assert said == ["subscribed", "snapshot", "caught_up"]
        seq = await log.write(kit.delta(1))
        await drain(reader, client, until_seq=seq)
        assert client.ops[-1] == "events"
        assert client.fold.snapshot() == log.transcript()


@pytest.mark.parametrize("mode", ["snapshot", "replay"])
async def test_who_subscribes_is_told_how_many_events_there_are_to_have(core, log, mode):
    await log.write_all([kit.created(), kit.asked(), kit.started(), *map(kit.delta, range(5))])
    async with kit.hub_on(core) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        reader, client = channel.reader(after=Cursor(channel.cursor.epoch, 0), mode=mode), Client()
        await drain(reader, client)
        assert client.promised == client.fold.events == sum(len(frame.events) for frame in log.stored) == 10


async def test_tail_gives_nothing_of_before(core, log):
    await log.write_all([kit.created(), kit.asked(), kit.started()])
    async with kit.hub_on(core) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        said, _ = await ops(channel.reader(mode="tail"))
        assert said == ["subscribed", "caught_up"]


async def test_replay_gives_every_frame_after_the_cursor_as_it_was_stored(core, log):
    await log.write_all([kit.created(), kit.asked(), kit.started(), *map(kit.delta, range(250)), kit.ended(250)])
    for ring_bytes_max in (1, 128 * 1024):
        async with (
            kit.hub_on(core, settings=HubSettings(ring_bytes_max=ring_bytes_max)) as hub,
            hub.channel(TENANT, CONVERSATION) as channel,
        ):
            for cut in range(0, len(log.stored), 41):
                after = Cursor(channel.cursor.epoch, log.stored[cut].seq)
                reader = channel.reader(after=after, mode="replay")
                frames = []
                while not isinstance(message := await reader.next(), wire.CaughtUp):
                    frames += message.frames if isinstance(message, wire.Events) else []
                assert frames == log.stored[cut + 1 :]


async def test_auto_replays_what_is_short_and_sends_a_snapshot_for_what_is_long(core, log):
    await log.write_all([kit.created(), kit.asked(), kit.started(), *map(kit.delta, range(300))])
    async with kit.hub_on(core) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        epoch = channel.cursor.epoch
        assert (await ops(channel.reader(after=Cursor(epoch, log.stored[-3].seq))))[0][1] == "events"
        assert (await ops(channel.reader(after=Cursor(epoch, log.stored[2].seq))))[0][1] == "snapshot"


async def test_a_cursor_of_another_epoch_gets_a_gap_and_a_snapshot(core, log):
    await log.write_all([kit.created(), kit.asked()])
    async with kit.hub_on(core) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        said, client = await ops(channel.reader(after=Cursor("abc", 1), mode="replay"))
        assert said == ["subscribed", "gap", "snapshot", "caught_up"]
        assert client.gaps == ["epoch"]


async def test_a_cursor_older_than_the_log_gets_a_gap_and_a_snapshot_from_the_archive(core, log):
    await log.write_all([kit.created(), kit.asked(), kit.started(), kit.delta(0), kit.ended(1)])
    archive = kit.Archive()
    end = Cursor(core.epoch, log.stored[-1].seq)
    archive.rows[CONVERSATION] = Archived(0, end, log.transcript())
    core.forget_before(0, log.stored[3].seq)
    async with kit.hub_on(core, archive) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        said, client = await ops(channel.reader(after=Cursor(core.epoch, log.stored[0].seq), mode="replay"))
        assert said == ["subscribed", "gap", "snapshot", "caught_up"]
        assert client.gaps == ["retention"]
        assert client.fold.snapshot() == log.transcript()
        said, _ = await ops(channel.reader(after=end, mode="replay"))
        assert said == ["subscribed", "caught_up"]


async def test_a_conversation_born_after_the_logs_head_left_is_replayed_whole(core, log):
    await Log(MemoryBroker(core), "older").write(kit.created())
    core.forget_before(0, 2)
    await log.write_all([kit.created(), kit.asked(), kit.started()])
    async with (
        kit.hub_on(core, settings=HubSettings(ring_bytes_max=1)) as hub,
        hub.channel(TENANT, CONVERSATION) as channel,
    ):
        said, client = await ops(channel.reader(mode="replay"))
        assert said[0:2] == ["subscribed", "events"]
        assert client.fold.snapshot() == log.transcript()


async def test_a_replay_comes_to_its_end_also_where_the_last_record_is_no_frame(core, log):
    await log.write_all([kit.created(), kit.asked(), kit.started()])
    core.append(f"ab.evt.0.{kit.TENANT}.{CONVERSATION}.r1", b"not a frame", "x", None)
    async with kit.hub_on(core) as hub, hub.channel(kit.TENANT, CONVERSATION) as channel:
        reader, client = channel.reader(mode="replay"), Client()
        while not client.caught_up:
            client.take(await reader.next())
        assert client.fold.item("m2-1") is not None
        assert client.cursor == str(channel.cursor)


async def test_a_cursor_from_the_future_is_an_error(core, log):
    await log.write(kit.created())
    async with kit.hub_on(core) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        with pytest.raises(Invalid) as caught:
            await channel.reader(after=Cursor(core.epoch, 1000), mode="replay").next()
        assert caught.value.code == "cursor_from_future"


async def test_an_unknown_conversation_is_not_found(core):
    async with kit.hub_on(core) as hub:
        with pytest.raises(NotFound):
            async with hub.channel(TENANT, "nobody"):
                pass


async def test_a_cancelled_next_loses_nothing(core, log):
    await log.write_all([kit.created(), kit.asked(), kit.started()])
    async with kit.hub_on(core) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        reader = channel.reader(mode="replay")
        client = Client()
        for number in range(60):
            if number % 2:
                await log.write(kit.delta(number // 2))
            try:
                async with asyncio.timeout(0):
                    client.take(decode(await reader.next_encoded(wire.JSON_PROTOCOL)))
            except TimeoutError:
                continue
        await drain(reader, client, until_seq=log.stored[-1].seq)
        assert client.fold.snapshot() == log.transcript()


async def test_identical_replays_share_one_read(core, log, monkeypatch):
    await log.write_all([kit.created(), kit.asked(), kit.started(), *map(kit.delta, range(90))])
    async with (
        kit.hub_on(core, settings=HubSettings(ring_bytes_max=1, check_first_s=60)) as hub,
        hub.channel(TENANT, CONVERSATION) as channel,
    ):
        reads = []
        read = MemoryBroker.read

        async def counted(self, partition, subject, after, **options):
            reads.append(after)
            await asyncio.sleep(0)
            return await read(self, partition, subject, after, **options)

        monkeypatch.setattr(MemoryBroker, "read", counted)
        readers = [channel.reader(mode="replay") for _ in range(20)]
        said = await asyncio.gather(*(ops(reader) for reader in readers))
        assert all(client.fold.snapshot() == log.transcript() for _, client in said)
        assert len(reads) == 1


def test_an_empty_transcript_is_shown_as_it_is():
    assert shown(Transcript(conversation="c"), view_of((), "deltas")) == Transcript(conversation="c")
