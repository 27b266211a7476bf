"""The publisher on a broker that loses requests and answers: the log is whole, in order, and has everything once."""

from __future__ import annotations

import asyncio

import pytest

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame, encode_frame
from schemas.errors import Fenced, Invalid, Unavailable
from schemas.fold import fold_all
from services.agent_worker import lane as lanes
from services.agent_worker.lane import BUFFER_EVENTS_MAX
from services.agent_worker.publisher import Publisher
from services.broker.memory import MemoryBroker
from tests.agent_worker.faults import FaultyBroker, at_random


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    """Repeats come at once: it is their number that matters here."""
    monkeypatch.setattr(lanes, "RETRY_PAUSE_S", 0.001)
    monkeypatch.setattr(lanes, "RETRY_PAUSE_S_MAX", 0.002)


def open_lane(publisher: Publisher, run: str = "r1", *, lost=None, stored=None, last_n=0, last_seq=0, attempt=1):
    return publisher.open(
        subjects.EventSubject(0, "default", "c1", run),
        attempt,
        last_n=last_n,
        last_seq=last_seq,
        on_stored=stored.append if stored is not None else lambda frame: None,
        on_lost=lost.append if lost is not None else lambda error: None,
    )


async def log_of(broker: MemoryBroker) -> list[ev.Frame]:
    frames: list[ev.Frame] = []
    after = 0
    while (batch := await broker.read(0, "ab.evt.0.default.c1.*", after)).records:
        frames += [decode_frame(record.data, record.seq) for record in batch.records]
        after = frames[-1].seq
    return frames


def speak(writer, count: int, start: int = 0) -> None:
    at = start
    for _ in range(count):
        writer.emit(ev.MessageDelta(id="m1-1", at=at, text="x", ns="main"))
        at += 1


@pytest.mark.parametrize("seed", range(6))
async def test_everything_is_stored_once_and_in_order_whatever_is_lost(seed):
    broker = FaultyBroker(fate=at_random(seed, 0.4))
    stored: list[ev.Frame] = []
    async with Publisher(broker) as publisher:
        writers = [open_lane(publisher, f"r{number}", stored=stored) for number in range(5)]
        for writer in writers:
            writer.emit(ev.MessageStarted(id=f"{writer.address.lane}-m", ns="main"))
        at = 0
        for _ in range(60):
            for writer in writers:
                writer.emit(ev.MessageDelta(id=f"{writer.address.lane}-m", at=at, text="ab", ns="main"))
            at += 2
            await asyncio.sleep(0)
        for writer in writers:
            writer.emit(ev.MessageEnded(id=f"{writer.address.lane}-m", ns="main"))
        await asyncio.gather(*(writer.flush() for writer in writers))
    log = await log_of(broker)
    assert sorted(frame.seq for frame in stored) == [frame.seq for frame in log]
    for item in fold_all("c1", log).items:
        assert item.content == "ab" * 60


async def test_the_first_event_of_an_idle_lane_is_sent_in_the_same_turn_of_the_loop():
    broker = FaultyBroker()
    async with Publisher(broker) as publisher:
        writer = open_lane(publisher)
        writer.emit(ev.MessageStarted(id="m1-1", ns="main"))
        writer.emit(ev.MessageDelta(id="m1-1", at=0, text="x", ns="main"))
        assert broker.sent == []
        await asyncio.sleep(0)
        assert broker.sent == ["r1:1:1"]
        await writer.flush()
    (frame,) = await log_of(broker)
    assert len(frame.events) == 2


async def test_a_lane_that_somebody_else_writes_is_lost_at_once_and_says_so_to_whoever_waits():
    broker = FaultyBroker()
    lost: list[Exception] = []
    async with Publisher(broker) as publisher:
        writer = open_lane(publisher, lost=lost)
        other = ev.Frame(run="r1", attempt=2, n=1, ts=1, events=[ev.RunStarted(agent="a")])
        broker.core.append(writer.subject, encode_frame(other), "other", 0)
        speak(writer, 1)
        with pytest.raises(Fenced):
            await writer.flush()
        speak(writer, 1, start=1)
        with pytest.raises(Fenced):
            await writer.room()
    assert len(lost) == 1
    assert len(await log_of(broker)) == 1


async def test_a_lane_is_fenced_by_an_attempt_that_began_while_its_own_frame_was_unheard():
    broker = FaultyBroker(fate=lambda number: "unheard" if number == 0 else "ok")
    lost: list[Exception] = []
    async with Publisher(broker) as publisher:
        writer = open_lane(publisher, lost=lost)
        speak(writer, 1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        other = ev.Frame(run="r1", attempt=2, n=2, ts=1, events=[ev.RunStarted(agent="a")])
        broker.core.append(writer.subject, encode_frame(other), "other", 1)
        with pytest.raises(Fenced):
            await writer.flush()
    assert [frame.attempt for frame in await log_of(broker)] == [1, 2]


async def test_a_lane_is_given_up_when_the_broker_is_silent_for_too_long():
    broker = FaultyBroker(fate=lambda number: "lost")
    lost: list[Exception] = []
    async with Publisher(broker, retry_s=0.02) as publisher:
        writer = open_lane(publisher, lost=lost)
        speak(writer, 1)
        with pytest.raises(Unavailable):
            await writer.flush()
    assert len(lost) == 1
    assert set(broker.sent) == {"r1:1:1"}


async def test_a_full_lane_holds_back_its_source_until_frames_are_stored():
    fates = {"now": "lost"}
    broker = FaultyBroker(fate=lambda number: fates["now"])
    async with Publisher(broker) as publisher:
        writer = open_lane(publisher)
        writer.emit(ev.MessageStarted(id="m1-1", ns="main"))
        await asyncio.sleep(0)
        speak(writer, BUFFER_EVENTS_MAX)
        assert writer.full
        room = asyncio.ensure_future(writer.room())
        await asyncio.sleep(0.01)
        assert not room.done()
        fates["now"] = "ok"
        async with asyncio.timeout(2):
            await room
        await writer.flush()
    assert fold_all("c1", await log_of(broker)).items[0].content == "x" * BUFFER_EVENTS_MAX


async def test_a_closed_lane_sends_nothing_more():
    broker = FaultyBroker()
    async with Publisher(broker) as publisher:
        writer = open_lane(publisher)
        speak(writer, 1)
        writer.close()
        speak(writer, 1, start=1)
        await asyncio.sleep(0.02)
    assert broker.sent == []


async def test_a_busy_lane_makes_fewer_frames_than_events():
    broker = FaultyBroker()
    async with Publisher(broker) as publisher:
        writer = open_lane(publisher)
        writer.emit(ev.MessageStarted(id="m1-1", ns="main"))
        for number in range(100):
            speak(writer, 1, start=number)
            await asyncio.sleep(0.001)
        await writer.flush()
    assert len(broker.sent) < 30


async def test_an_event_that_cannot_be_encoded_loses_its_own_lane_and_no_other():
    broker = MemoryBroker()
    lost: list = []
    async with Publisher(broker) as publisher:
        bad, good = open_lane(publisher, "r1", lost=lost), open_lane(publisher, "r2")
        bad.emit(ev.MessageDelta(id="m1-1", at=0, text="\ud83d", ns="main"))
        speak(good, 1)
        await good.flush()
        with pytest.raises(Invalid):
            await bad.flush()
    assert [error.code for error in lost] == ["invalid_event"]
    assert [frame.run for frame in await log_of(broker)] == ["r2"]
