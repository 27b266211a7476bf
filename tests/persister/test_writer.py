"""The persister on the memory broker: nothing is lost and nothing is written twice, whatever fails between."""

import random

import msgspec

from schemas.errors import Unavailable
from schemas.seal import Seal
from services.archive.migrate import migrate
from services.archive.reader import open_reader
from services.archive.writer import open_writer
from services.broker.memory import MemoryBroker, MemoryCore
from services.broker.memory_queue import MemoryDelivery
from tests import postgres
from tests.archive.logs import CONVERSATION, TENANT, archived_part, seals_of
from tests.archive.rows import all_rows
from tests.archive.seals import record, small
from tests.broker.waiting import eventually
from tests.persister.conftest import persisting
from tests.schemas import logs


def many(count: int, start: int = 0) -> list[Seal]:
    return [small(f"r{index}", seq=index * 10 + 1, conversation=f"c{index}") for index in range(start, start + count)]


async def publish(broker, *messages) -> None:
    for index, message in enumerate(messages):
        await broker.publish_seal(message, f"{index}-{random.random()}")


async def queue_is_empty(broker) -> None:
    await eventually(lambda: not broker.core.seals.jobs)


async def test_what_is_published_is_archived_and_leaves_the_queue(broker, archive, reader):
    log = logs.conversation(random.Random(3), runs=3)
    await publish(broker, record("early", 1), *seals_of(log))
    async with persisting(broker, archive):
        await queue_is_empty(broker)
    archived = await reader.conversation(TENANT, CONVERSATION)
    assert archived.transcript.items == archived_part(log, {"run1", "run2", "run3"}).items


async def test_what_cannot_be_archived_becomes_a_dead_letter_and_holds_up_nothing(broker, archive, reader):
    wrong = small("r2", conversation="c2", digest="0" * 64)
    broker.core.seals.put("ab.seal.t1.c9.r9", b"this is no seal")
    await publish(broker, small(), wrong, small("r3", conversation="c3"))
    async with persisting(broker, archive):
        await queue_is_empty(broker)
    letters = {letter.run: letter for _, letter in await broker.dead_letters()}
    assert {run: letter.code for run, letter in letters.items()} == {"r9": "seal_unreadable", "r2": "seal_digest"}
    assert letters["r9"].data == b"this is no seal"
    assert msgspec.json.decode(letters["r2"].data, type=Seal) == wrong
    assert await reader.run(TENANT, "r1") and await reader.run(TENANT, "r3")


async def test_a_batch_whose_acknowledgement_is_lost_comes_again_and_changes_no_row(broker, archive, database_url):
    deaf = Deaf(broker.core, losses=7)
    await publish(broker, *many(5))
    async with persisting(deaf, archive):
        await eventually(lambda: deaf.losses < 7)
        before = await all_rows(database_url)
        await queue_is_empty(broker)
    assert deaf.losses == 0
    assert len(before["runs"]) == 5
    assert await all_rows(database_url) == before


class Deaf(MemoryBroker):
    """A broker that does not hear the first acknowledgements."""

    def __init__(self, core: MemoryCore, losses: int) -> None:
        super().__init__(core)
        self.losses = losses

    async def fetch_seals(self, limit, timeout_s):
        return [DeafDelivery(self, delivery) for delivery in await super().fetch_seals(limit, timeout_s)]


class DeafDelivery:
    def __init__(self, broker: Deaf, delivery: MemoryDelivery) -> None:
        self.broker = broker
        self.delivery = delivery
        self.data = delivery.data
        self.subject = delivery.subject
        self.trace = delivery.trace

    async def ack(self) -> None:
        if self.broker.losses:
            self.broker.losses -= 1
            raise Unavailable("no answer")
        await self.delivery.ack()

    async def in_progress(self) -> None:
        await self.delivery.in_progress()


async def test_seals_wait_for_an_archive_that_is_down_and_are_not_given_to_another(broker, archive, reader):
    down = Down(archive)
    await publish(broker, *many(20))
    async with persisting(broker, down):
        await eventually(lambda: down.tries > 2)
        assert not await broker.fetch_seals(20, timeout_s=2 * broker.core.seals.ack_wait_s)
        down.down = False
        await queue_is_empty(broker)
    assert len((await reader.conversations(TENANT)).conversations) == 20
    assert not await broker.dead_letters()


class Down:
    """An archive that does not answer until `down` is False."""

    def __init__(self, archive) -> None:
        self.archive = archive
        self.down = True
        self.tries = 0

    async def ping(self) -> None:
        self.tries += 1
        if self.down:
            raise Unavailable("down")

    async def write(self, messages):
        await self.ping()
        return await self.archive.write(messages)


async def test_a_message_that_upsets_the_archive_does_not_hold_up_the_others(broker, archive, reader):
    upset = Upset(archive, run="r3")
    await publish(broker, *many(6))
    async with persisting(broker, upset):
        await eventually(lambda: [job.subject for job in broker.core.seals.jobs.values()] == ["ab.seal.t1.c3.r3"])
        upset.run = ""  # it is mended
        await queue_is_empty(broker)
    assert len((await reader.conversations(TENANT)).conversations) == 6


class Upset:
    """An archive that answers, but breaks off every transaction with one run in it."""

    def __init__(self, archive, run: str) -> None:
        self.archive = archive
        self.run = run

    async def ping(self) -> None:
        await self.archive.ping()

    async def write(self, messages):
        if any(message.run.id == self.run for message in messages):
            raise Unavailable("broken off")
        return await self.archive.write(messages)


async def test_a_stop_while_the_archive_is_down_gives_the_seals_back(broker, archive):
    down = Down(archive)
    await publish(broker, *many(3))
    async with persisting(broker, down):
        await eventually(lambda: down.tries >= 2)
    assert len(await broker.fetch_seals(10, timeout_s=5)) == 3


async def test_the_server_of_the_archive_may_crash_and_come_back_without_a_loss(broker):
    cluster = postgres.Cluster()
    try:
        await cluster.start()
        url = await cluster.new_database()
        await migrate(url)
        archive, reader = open_writer(url), open_reader(url)
        seals = many(60)
        async with persisting(broker, archive, batch_max=7):
            await publish(broker, *seals[:30])
            await eventually(lambda: len(broker.core.seals.jobs) < 20)
            cluster.crash()
            await publish(broker, *seals[30:])
            await cluster.start()
            await queue_is_empty(broker)
        listed = (await reader.conversations(TENANT, limit=200)).conversations
        assert {one.id for one in listed} == {seal.conversation for seal in seals}
        assert not await broker.dead_letters()
        await archive.close()
        await reader.close()
    finally:
        cluster.remove()
