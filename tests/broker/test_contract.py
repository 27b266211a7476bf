"""What every broker must do: in memory, on one node, and on a cluster of three."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import pytest

from schemas.commands import AgentCard, CancelRun, DeadLetter, RunCommand
from schemas.cursor import Cursor, parse
from schemas.errors import Fenced, NotFound, TooLarge, Unavailable
from schemas.seal import SEAL_BYTES_MAX, ConversationDeletion, ConversationRecord
from services.broker.port import READ_BYTES_MAX, READ_MESSAGES_MAX, Appended, Record
from tests.broker.conftest import ACK_WAIT_S
from tests.broker.place import Place, append, read_all
from tests.broker.waiting import eventually

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

# --- the log


async def test_what_is_appended_is_read_back_in_order_with_its_lane(broker, place):
    seqs = await append(broker, place.lane("in"), b"one")
    seqs += await append(broker, place.lane("r1"), b"two", b"three")
    assert seqs == sorted(seqs)
    expected = [Record(seqs[0], "in", b"one"), Record(seqs[1], "r1", b"two"), Record(seqs[2], "r1", b"three")]
    assert await read_all(broker, place, 0, seqs[-1]) == expected
    assert await read_all(broker, place, seqs[0], seqs[-1]) == expected[1:]


async def test_an_append_with_the_right_last_sequence_is_stored(broker, place):
    (first,) = await append(broker, place.lane(), b"1", expected_last=0)
    (second,) = await append(broker, place.lane(), b"2", expected_last=first)
    assert second > first


async def test_an_append_with_a_wrong_last_sequence_is_fenced(broker, place):
    (first,) = await append(broker, place.lane(), b"1")
    with pytest.raises(Fenced):
        await append(broker, place.lane(), b"2", expected_last=0)
    assert (await broker.last_message(0, place.lane())).seq == first


async def test_a_fence_is_about_its_own_lane_only(broker, place):
    await append(broker, place.lane("r1"), b"1")
    assert await append(broker, place.lane("r2"), b"2", expected_last=0)


async def test_of_racing_appends_one_wins(broker, other, place):
    async def race(one, data: bytes) -> int:
        with contextlib.suppress(Fenced, Unavailable):
            return len(await append(one, place.lane(), data, expected_last=0))
        return 0

    wins = await asyncio.gather(*(race(one, b"%d" % n) for n, one in enumerate([broker, other] * 5)))
    assert sum(wins) == 1
    last = await broker.last_message(0, place.lane())
    assert await read_all(broker, place, 0, last.seq) == [last]


async def test_a_repeated_message_id_is_stored_once(broker, place):
    first = await broker.append(place.lane(), b"1", msg_id=f"{place.conversation}:1")
    again = await broker.append(place.lane(), b"1", msg_id=f"{place.conversation}:1")
    assert again == Appended(first.seq, True)
    assert await broker.next_message(0, place.lane(), first.seq) is None


async def test_a_repeat_with_its_old_fence_is_a_duplicate_or_fenced_and_never_a_second_message(broker, place):
    first = await broker.append(place.lane(), b"1", msg_id=f"{place.conversation}:1", expected_last=0)
    try:
        again = await broker.append(place.lane(), b"1", msg_id=f"{place.conversation}:1", expected_last=0)
        assert again == Appended(first.seq, True)
    except Fenced:
        pass
    assert await broker.last_message(0, place.lane()) == Record(first.seq, "in", b"1")


async def test_a_message_over_the_payload_limit_is_refused_and_harms_nothing(broker, place):
    with pytest.raises(TooLarge):
        await broker.append(place.lane(), bytes(1024 * 1024), msg_id="big")
    assert broker.connected
    assert await append(broker, place.lane(), b"small")


async def test_the_last_and_the_next_message_of_a_lane_are_found(broker, place):
    lane = place.lane("r1")
    seqs = await append(broker, lane, b"1")
    await append(broker, place.lane("r2"), b"x")
    seqs += await append(broker, lane, b"2")
    assert await broker.last_message(0, lane) == Record(seqs[1], "r1", b"2")
    assert await broker.next_message(0, lane, 0) == Record(seqs[0], "r1", b"1")
    assert await broker.next_message(0, lane, seqs[0]) == Record(seqs[1], "r1", b"2")
    assert await broker.next_message(0, lane, seqs[1]) is None


async def test_a_lane_with_nothing_on_it_has_no_last_message(broker, place):
    assert await broker.last_message(0, place.lane("none")) is None
    batch = await broker.read(0, place.all, 7)
    assert (list(batch.records), batch.pending, batch.last_seq) == ([], 0, 7)


async def test_a_read_is_bounded_in_messages_and_says_what_is_pending(broker, place):
    seqs = await append(broker, place.lane(), *(b"%d" % n for n in range(READ_MESSAGES_MAX + 5)))
    assert len(await read_all(broker, place, 0, seqs[-1])) == len(seqs)
    batch = await broker.read(0, place.all, 0, messages=10_000)
    assert [record.seq for record in batch.records] == seqs[:READ_MESSAGES_MAX]
    assert (batch.pending, batch.last_seq) == (5, seqs[READ_MESSAGES_MAX - 1])
    assert len((await broker.read(0, place.all, 0, messages=3)).records) == 3


async def test_a_read_is_bounded_in_bytes(broker, place):
    seqs = await append(broker, place.lane(), *[bytes(60_000)] * 12)
    await read_all(broker, place, 0, seqs[-1])
    batch = await broker.read(0, place.all, 0)
    size = sum(len(record.data) for record in batch.records)
    assert READ_BYTES_MAX - 60_000 < size < READ_BYTES_MAX + 60_000
    assert batch.pending == len(seqs) - len(batch.records)


async def test_partitions_are_separate(broker):
    here, there = Place(0), Place(1)
    await append(broker, here.lane(), b"0")
    await append(broker, there.lane(), b"1")
    assert (await broker.last_message(1, there.lane())).data == b"1"
    with pytest.raises(NotFound):
        await broker.last_message(9, "ab.evt.9.t.c.in")


async def test_bounds_name_the_epoch_as_a_cursor_can_and_the_last_sequence(broker, other, place):
    (seq,) = await append(broker, place.lane(), b"1")
    bounds = await broker.bounds(0)
    assert bounds.first == 1
    assert bounds.last == seq
    assert parse(str(Cursor(bounds.epoch, seq))) == Cursor(bounds.epoch, seq)
    assert (await other.bounds(0)).epoch == bounds.epoch
    with pytest.raises(NotFound):
        await broker.bounds(9)


async def test_a_message_of_the_log_is_read_back_by_itself_with_the_trace_it_was_stored_in(broker, place):
    traced = await broker.append(place.lane(), b"1", msg_id=f"{place.conversation}:traced", trace=TRACE)
    await append(broker, place.lane("r1"), b"2")

    assert (await broker.last_message(0, place.lane())).trace == TRACE
    assert (await broker.next_message(0, place.lane(), traced.seq - 1)).trace == TRACE
    assert (await broker.last_message(0, place.lane("r1"))).trace == ""


# --- live


async def test_who_follows_hears_what_is_stored_from_then_on(broker, other, place):
    await append(broker, place.lane(), b"before")
    heard: list[Record] = []
    await other.follow(place.live, lambda *record: heard.append(Record(*record)))
    # In a cluster the leader may learn of the subscription a moment later: probe until it has.
    await eventually(lambda: _heard_a_probe(broker, place, heard))
    heard.clear()
    seqs = await append(broker, place.lane("in"), b"1") + await append(broker, place.lane("r1"), b"2", b"3")
    await eventually(lambda: len(heard) >= 3)
    assert heard == [Record(seqs[0], "in", b"1"), Record(seqs[1], "r1", b"2"), Record(seqs[2], "r1", b"3")]


async def _heard_a_probe(broker, place: Place, heard: list) -> bool:
    await append(broker, place.lane("probe"), b"probe")
    await asyncio.sleep(0)
    return bool(heard)


async def test_a_closed_subscription_is_silent_at_once(broker, place):
    heard: list[int] = []
    still: list[int] = []
    subscription = await broker.follow(place.live, lambda seq, lane, data: heard.append(seq))
    await broker.follow(place.live, lambda seq, lane, data: still.append(seq))
    subscription.close()
    subscription.close()
    await eventually(lambda: _heard_a_probe(broker, place, still))
    assert heard == []


async def test_a_callback_that_raises_harms_nobody(broker, place):
    heard: list[int] = []

    def bad(seq: int, lane: str, data: bytes) -> None:
        raise ValueError("on purpose")

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    await broker.follow(place.live, bad)
    await broker.follow(place.live, lambda seq, lane, data: heard.append(seq))
    await eventually(lambda: _heard_a_probe(broker, place, heard))
    assert await append(broker, place.lane(), b"and on")


# --- work queues


async def next_command(broker, place: Place, timeout_s: float = 5.0):
    """The next command of this test's conversation; what other tests left is acknowledged away."""
    while True:
        delivery = await broker.fetch_command(timeout_s)
        if delivery is None or msgspec.json.decode(delivery.data)["conversation"] == place.conversation:
            return delivery
        await delivery.ack()


async def test_a_command_is_fetched_by_one_and_gone_when_acknowledged(broker, other, place):
    await broker.publish_command(place.command(f"r{place.conversation}"))
    delivery = await next_command(other, place)
    assert msgspec.json.decode(delivery.data, type=RunCommand).run == f"r{place.conversation}"
    assert delivery.subject == f"ab.cmd.a.t.{place.conversation}"
    assert delivery.attempt == 1
    assert await broker.fetch_command(0.1) is None
    await delivery.ack()
    assert await broker.fetch_command(1.2 * ACK_WAIT_S) is None


async def test_a_command_published_twice_is_delivered_once(broker, place):
    command = place.command(f"r{place.conversation}")
    await broker.publish_command(command)
    await broker.publish_command(command)
    await (await next_command(broker, place)).ack()
    await broker.publish_command(command)
    assert await next_command(broker, place, 0.2) is None


async def test_a_delivery_comes_again_after_its_ack_wait_and_counts_its_attempts(broker, place):
    await broker.publish_command(place.command(f"r{place.conversation}"))
    await next_command(broker, place)
    again = await next_command(broker, place)
    assert again.attempt == 2
    await again.ack()


async def test_a_delivery_in_progress_does_not_come_again(broker, place):
    await broker.publish_command(place.command(f"r{place.conversation}"))
    delivery = await next_command(broker, place)
    for _ in range(4):
        assert await broker.fetch_command(0.4 * ACK_WAIT_S) is None
        await delivery.in_progress()
    await delivery.ack()


async def test_a_delivery_given_back_comes_again_at_once_or_after_the_delay(broker, place):
    await broker.publish_command(place.command(f"r{place.conversation}"))
    await (await next_command(broker, place)).nak()
    again = await next_command(broker, place, 0.8 * ACK_WAIT_S)
    assert again.attempt == 2
    await again.nak(0.5)
    assert await broker.fetch_command(0.2) is None
    third = await next_command(broker, place, 2.0)
    assert third.attempt == 3
    await third.ack()


async def test_a_fetch_that_waits_gets_what_comes(broker, other, place):
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(next_command(other, place))
        await broker.publish_command(place.command(f"r{place.conversation}"))
    await waiting.result().ack()


async def test_what_a_cancelled_fetch_would_have_got_goes_to_another(broker, other, place):
    waiting = [asyncio.create_task(broker.fetch_command(4.0)) for _ in range(3)]
    await asyncio.sleep(0.05)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    await other.publish_command(place.command(f"r{place.conversation}"))
    delivery = await next_command(other, place, 0.8 * ACK_WAIT_S)
    await delivery.ack()


def record(place: Place, title: str = "") -> ConversationRecord:
    return ConversationRecord(
        tenant="t", conversation=place.conversation, partition=place.p, epoch="1", input_seq=1, title=title, created=1, updated=1
    )  # fmt: skip


async def seals_of(broker, place: Place, count: int) -> list:
    found = []
    while len(found) < count:
        for delivery in await broker.fetch_seals(10, 5.0):
            if delivery.subject == f"ab.seal.t.{place.conversation}.-":
                found.append(delivery)
            else:
                await delivery.ack()
    return found


async def test_seals_are_fetched_in_batches_and_once_per_message_id(broker, place):
    for n in (1, 2, 2, 3):
        await broker.publish_seal(record(place, f"title {n}"), f"{place.conversation}:{n}")
    found = await seals_of(broker, place, 3)
    titles = [msgspec.json.decode(delivery.data, type=ConversationRecord).title for delivery in found]
    assert titles == ["title 1", "title 2", "title 3"]
    for delivery in found:
        await delivery.ack()
    assert list(await broker.fetch_seals(10, 0.1)) == []


async def test_commands_and_seals_are_delivered_with_the_trace_they_were_published_in(broker, place):
    await broker.publish_command(place.command(f"r{place.conversation}"), trace=TRACE)
    await broker.publish_seal(record(place, "traced"), f"{place.conversation}:1", trace=TRACE)
    await broker.publish_seal(record(place, "not"), f"{place.conversation}:2")
    command, seals = await next_command(broker, place), await seals_of(broker, place, 2)
    for delivery in [command, *seals]:
        await delivery.ack()

    assert [delivery.trace for delivery in [command, *seals]] == [TRACE, TRACE, ""]


async def test_a_large_seal_arrives_whole(broker, place):
    title = "x" * (3 * SEAL_BYTES_MAX)
    await broker.publish_seal(record(place, title), f"{place.conversation}:1")
    (delivery,) = await seals_of(broker, place, 1)
    assert msgspec.json.decode(delivery.data, type=ConversationRecord).title == title
    await delivery.ack()


# --- control, objects, dead letters


async def test_control_reaches_who_runs_the_run_and_says_when_nobody_does(broker, other, place):
    run = f"r{place.conversation}"
    assert await other.control(run, CancelRun()) is False
    heard: list = []
    subscription = await broker.on_control(run, heard.append)
    await eventually(lambda: other.control(run, CancelRun(by="user", reason="why")))
    await eventually(lambda: heard)
    assert heard[0] == CancelRun(by="user", reason="why")
    subscription.close()

    async def nobody() -> bool:
        return not await other.control(run, CancelRun())

    await eventually(nobody)


@pytest.mark.parametrize("size", [0, 1, 128 * 1024, 1_000_001])
async def test_an_object_is_read_as_it_was_put(broker, other, place, size):
    data = bytes(n % 251 for n in range(size))
    await broker.put_object(f"{place.conversation}/a b.csv", data)
    assert await other.get_object(f"{place.conversation}/a b.csv") == data


async def test_an_object_put_again_is_replaced(broker, place):
    for data in (b"one", b"one", b"two"):
        await broker.put_object(place.conversation, data)
    assert await broker.get_object(place.conversation) == b"two"


async def test_an_object_that_was_never_put_is_not_found(broker, place):
    with pytest.raises(NotFound):
        await broker.get_object("never")


@pytest.mark.parametrize("size", [10, 2 * 1024 * 1024])
async def test_a_dead_letter_stays_until_it_is_dropped(broker, place, size):
    letter = DeadLetter(
        kind="seal", subject="s", code="c", reason="r", tenant="t", conversation=place.conversation, run="r1", ts=size,
        data=bytes(size),
    )  # fmt: skip
    await broker.publish_dead(letter)
    ((seq, found),) = await broker.dead_letters()
    assert found == letter
    await broker.drop_dead(seq)
    assert list(await broker.dead_letters()) == []
    with pytest.raises(NotFound):
        await broker.drop_dead(seq)


# --- deletion


def deletion(place: Place, seq: int, *refs: str, epoch: str) -> ConversationDeletion:
    return ConversationDeletion(
        tenant="t", conversation=place.conversation, partition=place.p, epoch=epoch, seq=seq, deleted=1, refs=list(refs)
    )


async def test_a_deleted_conversation_leaves_its_last_word_and_nothing_else_and_others_stay(broker, place):
    other = Place()
    await append(broker, place.lane("in"), b"hello")
    (kept,) = await append(broker, other.lane("in"), b"other")
    await append(broker, place.lane("r1"), b"answer")
    (seq,) = await append(broker, place.lane("in"), b"deleted")
    for name in ("gone", "kept"):
        await broker.put_object(f"{place.conversation}/{name}", name.encode())
    for one in (place, other):
        await broker.publish_command(one.command(f"r-{one.conversation}"))
        letter = DeadLetter(
            kind="seal", subject="s", code="c", reason="r", tenant="t", conversation=one.conversation, run="r1", ts=1, data=b""
        )  # fmt: skip
        await broker.publish_dead(letter)

    epoch = (await broker.bounds(place.p)).epoch
    for _ in range(2):
        await broker.forget(deletion(place, seq, f"{place.conversation}/gone", epoch=epoch))

    assert await read_all(broker, place, 0, seq) == [Record(seq, "in", b"deleted")]
    assert await broker.last_message(place.p, place.lane("r1")) is None
    assert await broker.last_message(place.p, other.lane("in")) == Record(kept, "in", b"other")
    with pytest.raises(NotFound):
        await broker.get_object(f"{place.conversation}/gone")
    assert await broker.get_object(f"{place.conversation}/kept") == b"kept"
    delivery = await broker.fetch_command(5.0)
    assert delivery.subject == f"ab.cmd.a.t.{other.conversation}"
    await delivery.ack()
    ((number, letter),) = await broker.dead_letters()
    assert letter.conversation == other.conversation
    await broker.drop_dead(number)


async def test_a_deletion_in_a_stream_that_was_made_anew_leaves_the_new_one_alone(broker, place):
    (seq,) = await append(broker, place.lane("in"), b"hello")
    await broker.forget(deletion(place, seq + 1, epoch="another"))
    assert await broker.last_message(place.p, place.lane("in")) == Record(seq, "in", b"hello")


async def test_a_name_whose_object_was_deleted_can_be_used_again(broker, place):
    for content in (b"one", b"two"):
        await broker.put_object(place.conversation, content)
        assert await broker.get_object(place.conversation) == content
        await broker.forget(deletion(place, 1, place.conversation, epoch=""))


# --- agents


async def test_an_agent_is_known_once_whoever_announced_it_and_by_its_last_words(broker, other, place):
    mine, late = f"{place.conversation}b", f"{place.conversation}a"
    await broker.announce_agents([AgentCard(name=mine, description="once"), AgentCard(name="z" + mine)])
    await other.announce_agents([AgentCard(name=mine, description="Says it again: ä\n"), AgentCard(name=late)])

    async def known():
        return [card for card in await broker.agents() if place.conversation in card.name]

    expected = [
        AgentCard(name=late),
        AgentCard(name=mine, description="Says it again: ä\n"),
        AgentCard(name="z" + mine),
    ]
    await eventually(lambda: _equals(known, expected))


async def _equals(read, expected) -> bool:
    return await read() == expected


async def test_more_agents_than_one_read_gives_are_all_known(broker, place):
    cards = [AgentCard(name=f"{place.conversation}-{number:03}") for number in range(READ_MESSAGES_MAX + 5)]
    await broker.announce_agents(cards)

    async def known():
        return [card for card in await broker.agents() if card.name.startswith(f"{place.conversation}-")]

    await eventually(lambda: _equals(known, cards))


# --- life


async def test_after_close_every_call_is_unavailable(connect, place):
    broker = await connect()
    await broker.close()
    assert not broker.connected
    with pytest.raises(Unavailable):
        await broker.append(place.lane(), b"1", msg_id="x")
    await broker.close()
