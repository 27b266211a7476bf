"""The opening of a channel: what is done at the same time, and what must not be."""

from __future__ import annotations

import asyncio

import pytest

from schemas.cursor import Cursor
from schemas.errors import Unavailable
from schemas.fold import Fold
from schemas.subjects import partition_of
from services.archive.port import Archived
from services.broker.memory import MemoryBroker, MemoryCore
from services.broker.port import Batch, Bounds, Subscription
from services.gateway.hub import Hub, HubSettings
from tests.broker.waiting import eventually
from tests.gateway.stream import kit
from tests.gateway.stream.kit import CONVERSATION, TENANT, Log


class Slow(MemoryBroker):
    """Writes down what it is asked; `confirm` is when the server has a subscription."""

    def __init__(self, core: MemoryCore) -> None:
        super().__init__(core)
        self.asked: list[str] = []
        self.confirm = asyncio.Event()
        self.failing = ""

    async def follow(self, subject: str, on_message) -> Subscription:
        self.asked.append(f"follow {subject.split('.')[2]}")
        await self.confirm.wait()
        return await super().follow(subject, on_message)

    async def bounds(self, partition: int) -> Bounds:
        self.asked.append(f"bounds {partition}")
        if self.failing == "bounds":
            raise Unavailable("on purpose")
        return await super().bounds(partition)

    async def read(self, partition: int, subject: str, after: int, **options) -> Batch:
        self.asked.append(f"read {partition} after {after}")
        return await super().read(partition, subject, after, **options)

    @property
    def followed(self) -> list[str]:
        return [subject for subject, followers in self.core.followers.items() if followers]


class Deaf(MemoryBroker):
    """Nothing comes live, and the mirror has only what came up to `mirrored`."""

    mirrored = 1000

    async def follow(self, subject: str, on_message) -> Subscription:
        return await super().follow(subject, lambda *_: None)

    async def read(self, partition: int, subject: str, after: int, *, holds: int = 0, **options) -> Batch:
        batch = await super().read(partition, subject, after, **options)
        copied = [record for record in batch.records if record.seq <= self.mirrored]
        last = copied[-1].seq if copied else after
        return Batch(copied, 0, last) if last >= holds else batch


HOME = partition_of(TENANT, CONVERSATION, 2)
CALM = HubSettings(partitions=2, check_first_s=60.0)


@pytest.fixture
def core():
    return MemoryCore(partitions=2)


@pytest.fixture
def broker(core):
    return Slow(core)


async def test_the_log_is_not_read_before_the_server_has_the_subscription(core, broker):
    await Log(MemoryBroker(core), partition=HOME).write_all([kit.created(), kit.asked()])
    async with Hub(broker, kit.Archive(), CALM) as hub:
        opening = asyncio.ensure_future(hub.acquire(TENANT, CONVERSATION))
        await eventually(lambda: len(broker.asked) == 2)
        for _ in range(100):
            await asyncio.sleep(0)  # turns in which a read would come, if one did
        assert sorted(broker.asked) == [f"bounds {HOME}", f"follow {HOME}"]
        broker.confirm.set()
        channel = await opening
        assert broker.asked[2:] == [f"read {HOME} after 0"]
        assert channel.cursor == Cursor(core.epoch, 2)


async def test_a_conversation_whose_row_names_another_partition_is_followed_and_read_there(core, broker):
    log = Log(MemoryBroker(core), partition=1 - HOME)
    await log.write_all([kit.created("here"), kit.asked()])
    archive = kit.Archive()
    archive.rows[CONVERSATION] = Archived(1 - HOME, None, Fold(log.transcript()).snapshot())
    broker.confirm.set()
    async with Hub(broker, archive, CALM) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        assert channel.partition == 1 - HOME
        seq = await log.write_all([kit.started(), kit.delta(0)])
        assert await channel.reached(seq, 0.2)
        assert channel.fold.snapshot() == log.transcript()
        assert [subject.split(".")[2] for subject in broker.followed] == [str(1 - HOME)]


async def test_the_log_is_looked_at_after_the_archive_which_is_so_never_beyond_its_end(core, broker):
    log = Log(MemoryBroker(core), partition=HOME)
    await log.write_all([kit.created(), kit.asked()])
    broker.confirm.set()

    class Growing(kit.Archive):
        async def conversation(self, tenant: str, conversation: str) -> Archived | None:
            for _ in range(100):
                await asyncio.sleep(0)  # turns in which the log would be looked at, if it were before
            last = await log.write_all([kit.started(), kit.ended(0)])
            return Archived(HOME, Cursor(core.epoch, last), log.transcript())

    async with Hub(broker, Growing(), CALM) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        assert broker.asked[-1] == f"read {HOME} after 4"
        assert channel.fold.snapshot() == log.transcript()


@pytest.mark.parametrize("confirmed", ["before it failed", "after it failed"])
async def test_an_opening_that_fails_leaves_no_subscription_behind(core, broker, confirmed):
    broker.failing = "bounds"
    async with Hub(broker, kit.Archive(), CALM) as hub:
        if confirmed == "before it failed":
            broker.confirm.set()
        opening = asyncio.ensure_future(hub.acquire(TENANT, CONVERSATION))
        await eventually(lambda: len(broker.asked) == 2)
        broker.confirm.set()
        with pytest.raises(Unavailable):
            await opening
        for _ in range(100):
            await asyncio.sleep(0)  # turns in which one that was left alone would be made
        assert broker.followed == []


async def test_what_the_leader_of_the_log_has_is_read_there_where_the_mirror_stands_still(core):
    broker = Deaf(core)
    log = Log(broker)
    broker.mirrored = await log.write_all([kit.created(), kit.asked()])
    async with Hub(broker, kit.Archive(), kit.QUICK) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        assert channel.state.seq == broker.mirrored
        assert await channel.reached(await log.write(kit.asked("r2", 3)), 5.0)


async def test_a_replay_has_what_the_channel_has_also_from_a_mirror_that_has_not(core):
    broker = Deaf(core)
    await Log(broker).write_all([kit.created(), kit.asked()])
    async with Hub(broker, kit.Archive(), kit.QUICK) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        broker.mirrored = 1
        stretch = await channel.stretch(0, 100).result()
        assert [record.seq for record in stretch.records] == [1, 2]
