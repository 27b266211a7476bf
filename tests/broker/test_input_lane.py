"""Appending to the `in` lane: many writers, unclear outcomes, and what is found there."""

from __future__ import annotations

import asyncio

import pytest

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame, encode_frame
from schemas.errors import Conflict, Unavailable
from services import tracing
from services.broker import input_lane
from services.broker.input_lane import append_input, find_successor, lane_is_over, read_inputs
from services.broker.memory import MemoryBroker

ADDRESS = (0, "default", "c1")


async def renamed(last):
    return [ev.ConversationRenamed(title="t")]


def queued(run: str, *, external: bool = False):
    async def decide(last):
        message = ev.UserMessage(id=f"m-{run}", text="?", agent="a")
        return [message, ev.RunQueued(agent="a", message=f"m-{run}", external=external)]

    return decide


async def test_frames_are_numbered_one_after_the_other_by_any_number_of_writers():
    first = MemoryBroker()
    brokers = [first, *(MemoryBroker(first.core) for _ in range(9))]
    stored = await asyncio.gather(*(append_input(broker, *ADDRESS, "", renamed) for broker in brokers))
    assert sorted(appended.n for appended in stored) == list(range(1, 11))
    frames = [frame for _, frame in await read_inputs(first, *ADDRESS, 0)]
    assert [frame.n for frame in frames] == list(range(1, 11))


async def test_a_decision_is_made_again_when_another_writer_was_faster():
    broker = MemoryBroker()
    seen = []

    async def decide(last):
        seen.append(last)
        if len(seen) == 1:
            await append_input(broker, *ADDRESS, "", renamed)
        if last is not None:
            raise Conflict("too late")
        return await renamed(last)

    with pytest.raises(Conflict):
        await append_input(broker, *ADDRESS, "", decide)
    assert [record and record.seq for record in seen] == [None, 1]


async def test_a_queued_run_is_found_with_the_trace_its_message_was_stored_in():
    broker = MemoryBroker()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with tracing.continued(trace):
        await append_input(broker, *ADDRESS, "r1", queued("r1"))
    await append_input(broker, *ADDRESS, "r2", queued("r2"))

    first = await find_successor(broker, *ADDRESS, 0)
    second = await find_successor(broker, *ADDRESS, first.seq)
    assert (first.run, first.trace, second.run, second.trace) == ("r1", trace, "r2", "")


class Unheard(MemoryBroker):
    """Stores, or does not, and does not answer, the first `times`."""

    def __init__(self, times: int, *, stores: bool, then=None) -> None:
        super().__init__()
        self.times = times
        self.stores = stores
        self.then = then

    async def append(self, subject, data, *, msg_id, expected_last=None, trace=""):
        if self.times == 0:
            return await super().append(subject, data, msg_id=msg_id, expected_last=expected_last)
        self.times -= 1
        if self.stores:
            await super().append(subject, data, msg_id=msg_id, expected_last=expected_last)
        if self.then is not None:
            then, self.then = self.then, None
            frame = ev.Frame(run="", lane="in", n=decode_frame(data).last + 1, ts=1, events=await renamed(None))
            await super().append(subject, encode_frame(frame), msg_id=then, expected_last=self.core.logs[0].last)
        raise Unavailable("no answer")


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    monkeypatch.setattr(input_lane, "RETRY_PAUSE_S", 0.001)


@pytest.mark.parametrize("stores", [True, False])
async def test_an_append_whose_answer_was_lost_is_stored_once(stores):
    broker = Unheard(2 if not stores else 1, stores=stores)
    stored = await append_input(broker, *ADDRESS, "r1", queued("r1"))
    assert (stored.seq, stored.n) == (1, 1)
    assert len(await read_inputs(broker, *ADDRESS, 0)) == 1


async def test_an_append_whose_answer_was_lost_is_recognised_behind_that_of_another_writer():
    broker = Unheard(1, stores=True, then="other")
    stored = await append_input(broker, *ADDRESS, "r1", queued("r1"))
    assert (stored.seq, stored.n) == (1, 1)
    assert len(await read_inputs(broker, *ADDRESS, 0)) == 2


async def test_silence_is_reported_in_the_end(monkeypatch):
    monkeypatch.setattr(input_lane, "RETRY_S", 0.01)
    with pytest.raises(Unavailable):
        await append_input(Unheard(1000, stores=False), *ADDRESS, "", renamed)


async def test_the_successor_is_the_next_message_and_not_one_of_an_external_run():
    broker = MemoryBroker()
    one = await append_input(broker, *ADDRESS, "r1", queued("r1"))
    await append_input(broker, *ADDRESS, "", renamed)
    assert await find_successor(broker, *ADDRESS, one.seq) is None
    two = await append_input(broker, *ADDRESS, "r2", queued("r2"))
    await append_input(broker, *ADDRESS, "r3", queued("r3", external=True))
    await append_input(broker, *ADDRESS, "r4", queued("r4"))
    found = await find_successor(broker, *ADDRESS, one.seq)
    assert (found.run, found.seq, found.n, found.message.id) == ("r2", two.seq, 4, "m-r2")
    assert await find_successor(broker, *ADDRESS, two.seq) is None


async def test_a_lane_is_over_when_its_last_event_is_terminal():
    broker = MemoryBroker()
    subject = subjects.event(*ADDRESS, "r1")
    assert not await lane_is_over(broker, *ADDRESS, "r1")
    for n, event in enumerate([ev.RunStarted(agent="a"), ev.RunCompleted()], 1):
        frame = ev.Frame(run="r1", n=n, ts=1, events=[event])
        await broker.append(subject, encode_frame(frame), msg_id=str(n))
        assert await lane_is_over(broker, *ADDRESS, "r1") == isinstance(event, ev.RunCompleted)
