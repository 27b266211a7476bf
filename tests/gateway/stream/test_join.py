"""Every way in which history and live can meet, for logs of 0 to 7 records: no loop is left out, and it takes a second."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from services.broker.port import READ_MESSAGES_MAX, Batch, Record
from services.gateway.join import Join

RECORDS_MAX = 7


def record(index: int) -> Record:
    """The index-th record of the conversation; another conversation's lies between any two."""
    return Record(index * 2, "lane", b"x")


class World(NamedTuple):
    """`stored` records are in the log, those of `pending` were published live and have not arrived."""

    join: Join
    stored: int
    pending: tuple[int, ...]
    taken: tuple[int, ...]

    def key(self) -> object:
        join = self.join
        live = frozenset(join._live)
        return self.stored, self.pending, self.taken, join.position, join.needed, join._highest, live, join.caught_up


def clone(join: Join) -> Join:
    other = copy.copy(join)
    other._live = dict(join._live)
    return other


class Rules(NamedTuple):
    """`subscribed`: records that were stored before the subscription. `lags`: by how many records after those a copy of
    the log may be behind. `in_flight`: live records that can be under way at once, to arrive in any order.
    """

    total: int
    after: int
    subscribed: int
    batch: int = READ_MESSAGES_MAX
    lags: tuple[int, ...] = (0, 1, 2)
    in_flight: int = 1
    twice: bool = False
    live_bytes_max: int = 1000


def worlds(rules: Rules) -> Iterator[World]:
    """Every world that can come about, each once."""
    start = Join(record(rules.after).seq, live_bytes_max=rules.live_bytes_max)
    todo = [World(start, rules.subscribed, (), ())]
    seen = set()
    while todo:
        world = todo.pop()
        if world.key() in seen:
            continue
        seen.add(world.key())
        yield world
        if not world.join.caught_up:
            todo += stores(world, rules)
            todo += arrivals(world, rules)
            todo += reads(world, rules)


def stores(world: World, rules: Rules) -> Iterator[World]:
    if world.stored < rules.total and len(world.pending) < rules.in_flight:
        stored = world.stored + 1
        yield world._replace(join=clone(world.join), stored=stored, pending=(*world.pending, stored))


def arrivals(world: World, rules: Rules) -> Iterator[World]:
    for index in world.pending:
        join = clone(world.join)
        for _ in range(2 if rules.twice else 1):
            join.live(record(index))
        yield world._replace(join=join, pending=tuple(other for other in world.pending if other != index))


def reads(world: World, rules: Rules) -> Iterator[World]:
    """A read: the copy answers, being behind or not; meanwhile live records may be stored and arrive."""
    for lag in rules.lags:
        known = max(min(world.stored, rules.subscribed), world.stored - lag)
        for more in range(rules.total - world.stored + 1):
            join = clone(world.join)
            after = join.ask()
            for index in range(world.stored + 1, world.stored + more + 1):
                join.live(record(index))
            matching = [record(index) for index in range(1, known + 1) if record(index).seq > after]
            found = matching[: rules.batch]
            batch = Batch(found, len(matching) - len(found), found[-1].seq if found else after)
            taken = tuple(found.seq for found in join.answer(batch))
            yield World(join, world.stored + more, world.pending, world.taken + taken)


def all_rules() -> Iterator[Rules]:
    for total in range(RECORDS_MAX + 1):
        for after in range(total + 1):
            for subscribed in range(after, total + 1):
                yield Rules(total, after, subscribed)


def outcome(world: World) -> list[int]:
    return [*world.taken, *(record.seq for record in world.join.rest())]


@pytest.mark.parametrize("batch", [1, 3, READ_MESSAGES_MAX])
def test_whatever_arrives_when_every_record_comes_out_once_and_in_order(batch):
    for rules in all_rules():
        finished = 0
        for world in worlds(rules._replace(batch=batch)):
            if world.join.caught_up:
                finished += 1
                arrived = [i for i in range(rules.after + 1, world.stored + 1) if i not in world.pending]
                got = outcome(world)
                assert set(got) >= {record(i).seq for i in arrived}, (rules, world)
                assert got == sorted(set(got)), (rules, world)
        assert finished


def test_live_records_out_of_order_and_twice_come_out_once_and_in_order():
    for rules in all_rules():
        if rules.total <= 5:
            for world in worlds(rules._replace(in_flight=2, twice=True)):
                if world.join.caught_up:
                    arrived = [i for i in range(rules.after + 1, world.stored + 1) if i not in world.pending]
                    got = outcome(world)
                    assert set(got) >= {record(i).seq for i in arrived}, (rules, world)
                    assert got == sorted(set(got))


def test_a_buffer_that_overflows_is_read_from_the_log_instead():
    for rules in all_rules():
        for world in worlds(rules._replace(live_bytes_max=2)):
            if world.join.caught_up:
                arrived = [i for i in range(rules.after + 1, world.stored + 1) if i not in world.pending]
                assert set(outcome(world)) >= {record(i).seq for i in arrived}, (rules, world)


def test_nothing_before_the_base_ever_comes_out():
    for rules in all_rules():
        for world in worlds(rules):
            assert all(seq > record(rules.after).seq for seq in outcome(world))


def test_a_copy_that_does_not_know_what_was_seen_live_is_asked_again():
    join = Join(0)
    join.live(Record(4, "lane", b""))
    join.ask()
    join.answer(Batch([Record(2, "lane", b"")], 0, 2))
    assert not join.caught_up
    join.ask()
    assert join.answer(Batch([Record(4, "lane", b"")], 0, 4)) == [Record(4, "lane", b"")]
    assert join.caught_up


def test_what_comes_live_while_the_log_answers_does_not_hold_up_the_join():
    join = Join(0)
    join.ask()
    join.live(Record(9, "lane", b""))
    join.answer(Batch([Record(8, "lane", b"")], 0, 8))
    assert join.caught_up
    assert join.rest() == [Record(9, "lane", b"")]


def test_a_join_begun_again_keeps_what_is_buffered_and_what_is_needed():
    join = Join(10, needed=12)
    join.live(Record(20, "lane", b""))
    join.begin(0)
    assert join.ask() == 0
    join.answer(Batch([Record(12, "lane", b"")], 0, 12))
    assert not join.caught_up
    join.answer(Batch([Record(20, "lane", b"")], 0, 20))
    assert join.caught_up
    assert join.rest() == []


def test_what_has_left_the_log_is_not_waited_for():
    join = Join(0, needed=5)
    join.ask()
    join.answer(Batch([], 0, 0))
    join.give_up_before(5)
    assert not join.caught_up
    join.give_up_before(6)
    assert join.caught_up
