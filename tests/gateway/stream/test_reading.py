"""services/gateway/reading.py: what is asked for ahead changes the order of questions, never what comes out."""

from __future__ import annotations

import asyncio
import random

import pytest

from schemas.errors import Unavailable
from services.broker.port import READ_MESSAGES_MAX, Batch, Record
from services.gateway.reading import SPANS, Reading, Spans

FULL = READ_MESSAGES_MAX


class Log:
    """Answers reads of a log that holds `seqs`. `known`: how many of them the copy knows that answers the n-th question."""

    def __init__(self, seqs: list[int]) -> None:
        self.seqs = seqs
        self.asked: list[int] = []
        self.given = 0
        self.open = 0
        self.open_most = 0
        self.failing: set[int] = set()
        self.silent: set[int] = set()
        self.known: dict[int, int] = {}

    async def read(self, after: int) -> Batch:
        self.asked.append(after)
        self.open += 1
        self.open_most = max(self.open_most, self.open)
        known = self.known.get(len(self.asked), len(self.seqs))
        try:
            await (asyncio.Event().wait() if after in self.silent else asyncio.sleep(0))
            if after in self.failing:
                raise Unavailable("on purpose")
        finally:
            self.open -= 1
        found = [seq for seq in self.seqs[:known] if seq > after]
        records = [Record(seq, "r", b"") for seq in found[:FULL]]
        self.given += len(records)
        return Batch(records, len(found) - len(records), records[-1].seq if records else after)


async def read_all(log: Log, spans: Spans | None = None) -> list[int]:
    """As history does it: on from where the last batch ended, until nothing is pending."""
    out: list[int] = []
    position, pending = 0, 1
    async with Reading(log.read, spans or Spans()) as reading:
        while pending:
            batch = await reading.next(position)
            out += [record.seq for record in batch.records if record.seq > position]
            position, pending = max(position, batch.last_seq), batch.pending
    return out


def scattered(count: int, chance: float, seed: int) -> list[int]:
    """The sequences of one conversation among others."""
    draw = random.Random(seed)
    seqs, seq = [], 0
    while len(seqs) < count:
        seq += 1
        if draw.random() < chance:
            seqs.append(seq)
    return seqs


def bursts(count: int) -> list[int]:
    """Dense for a while, then far away: every guess is wrong."""
    return [index + 100_000 * (index // 130) + 1 for index in range(count)]


@pytest.mark.parametrize("count", [0, 1, FULL - 1, FULL, FULL + 1, 3 * FULL, 3 * FULL + 1, 17 * FULL + 5])
async def test_every_record_comes_once_in_order_however_the_conversation_lies_in_the_stream(count: int):
    logs = [list(range(1, count + 1)), bursts(count), *(scattered(count, 0.2, seed) for seed in range(5))]
    for seqs in logs:
        assert await read_all(Log(seqs)) == seqs


async def test_in_an_undisturbed_log_two_reads_are_under_way_and_nothing_comes_twice():
    log = Log(list(range(1, 20 * FULL + 1)))
    await read_all(log)
    assert log.open_most == 2
    assert log.given == 20 * FULL
    assert log.asked == [number * FULL for number in range(20)]


async def test_among_other_conversations_little_comes_twice():
    given, needed = 0, 0
    for seed in range(20):
        log = Log(scattered(60 * FULL, 0.1, seed))
        await read_all(log)
        given, needed = given + log.given, needed + 60 * FULL
        assert log.open_most == 2
    assert given < 1.35 * needed


async def test_nothing_is_asked_ahead_where_it_could_be_the_last():
    spans = Spans()
    spans.note(Batch([Record(seq, "r", b"") for seq in range(1, FULL + 1)], 0, FULL))
    log = Log(list(range(1, 3 * FULL + 1)))
    await read_all(log, spans)
    assert log.open_most == 1


async def test_only_a_read_asked_at_the_position_says_that_nothing_is_pending():
    log = Log(list(range(1, 10 * FULL + 1)))
    log.known = dict.fromkeys(range(3, 5), 4 * FULL)  # the copy that answers what is asked ahead is behind
    assert await read_all(log) == log.seqs


async def test_where_enough_is_known_to_be_there_two_reads_begin_at_once():
    spans = Spans()
    spans.note(Batch([Record(seq, "r", b"") for seq in range(1, FULL + 1)], 0, FULL))
    log = Log(list(range(1, 10 * FULL + 1)))
    async with Reading(log.read, spans, 9 * FULL) as reading:
        await reading.next(FULL)
    assert log.asked == [FULL, 2 * FULL]


async def test_what_is_not_asked_for_any_more_is_cancelled():
    log = Log(list(range(1, 10 * FULL + 1)))
    log.silent = {2 * FULL}
    async with asyncio.timeout(5):
        async with Reading(log.read, Spans()) as reading:
            first = await reading.next(0)
            await reading.next(first.last_seq)
            assert log.asked == [0, FULL, 2 * FULL]
    assert log.open == 0


async def test_who_will_not_come_again_has_nothing_asked_ahead():
    log = Log(list(range(1, 10 * FULL + 1)))
    async with Reading(log.read, Spans()) as reading:
        first = await reading.next(0, ahead=False)
        await reading.next(first.last_seq, ahead=False)
    assert log.asked == [0, FULL]


async def test_a_failure_of_what_was_asked_ahead_is_raised_to_who_takes_it():
    log = Log(list(range(1, 10 * FULL + 1)))
    log.failing = {2 * FULL}
    async with Reading(log.read, Spans()) as reading:
        assert (await reading.next(0)).last_seq == FULL
        assert (await reading.next(FULL)).last_seq == 2 * FULL
        with pytest.raises(Unavailable):
            await reading.next(2 * FULL)
        log.failing.clear()
        assert (await reading.next(2 * FULL)).last_seq == 3 * FULL


def test_the_guess_is_the_shortest_of_the_last_spans():
    spans = Spans()
    assert spans.after(7) is None
    for width in (150, 120, 200, 300, 400):
        records = [Record(1000 + min(index, FULL - 2), "r", b"") for index in range(FULL - 1)]
        spans.note(Batch([*records, Record(1000 + width - 1, "r", b"")], 9, 1000 + width - 1))
    assert spans.after(7) == 7 + 120
    spans.note(Batch([Record(1, "r", b"")], 0, 1))
    assert spans.after(7) == 7 + 120
    assert SPANS == 4
