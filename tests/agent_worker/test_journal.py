"""The journal: in whatever order own and `in` frames become known, it is the fold of the log."""

from __future__ import annotations

from itertools import combinations

import pytest

from schemas import events as ev
from schemas.fold import Fold
from schemas.transcript import Transcript
from services.agent_worker.journal import Journal

ANSWER = ev.InterruptResolved(id="i2-1", decision="answered", value=1)
OWN = [
    [ev.RunStarted(agent="a")],
    [ev.InterruptRequested(id="i2-1", kind="input", prompt="?"), ev.RunWaiting(interrupts=["i2-1"])],
    [ev.InterruptResolved(id="i2-1", decision="expired", by="timeout")],
    [ev.Log(id="l2-1", level="info", text="x")],
    [ev.RunCompleted()],
]
QUESTION = [ev.UserMessage(id="u1", text="?", agent="a"), ev.RunQueued(agent="a", message="u1")]


def log_with_answer_at(place: int) -> list[ev.Frame]:
    """The log in which the answer is stored just before own frame `place`; a place behind the last one means after it."""
    frames = [ev.Frame(run="r1", lane="in", n=1, ts=1, events=list(QUESTION))]
    n = 1
    for number, events in enumerate(OWN):
        if number == place:
            frames.append(ev.Frame(run="r1", lane="in", n=3, ts=5, events=[ANSWER]))
        frames.append(ev.Frame(run="r1", n=n, ts=number, events=list(events)))
        n += len(events)
    if place == len(OWN):
        frames.append(ev.Frame(run="r1", lane="in", n=3, ts=5, events=[ANSWER]))
    return [_at(frame, seq) for seq, frame in enumerate(frames, 1)]


def _at(frame: ev.Frame, seq: int) -> ev.Frame:
    return ev.Frame(run=frame.run, lane=frame.lane, n=frame.n, ts=frame.ts, seq=seq, events=frame.events)


@pytest.mark.parametrize("place", range(2, len(OWN) + 1))
def test_the_journal_is_the_fold_of_the_log_whenever_the_in_lane_is_read(place):
    log = log_with_answer_at(place)
    own = [frame for frame in log if not frame.is_input]
    truth = Fold(Transcript(conversation="c1"))
    for frame in log:
        truth.apply(frame)
    for reads in [choice for size in range(len(own) + 1) for choice in combinations(range(len(own)), size)]:
        journal = Journal("c1", input_last=0)
        journal.input([log[0]], upto=1)
        read = 1
        for number, frame in enumerate(own):
            journal.own(frame)
            if number in reads:
                new = [found for found in log if found.is_input and read < found.seq <= frame.seq + 1]
                read = max([read, *(found.seq for found in new)])
                journal.input(new, upto=frame.seq)
        journal.input([found for found in log if found.is_input and found.seq > read], upto=log[-1].seq)
        assert journal.fold.snapshot() == truth.snapshot()
        assert [frame.seq for frame in journal.inputs] == [frame.seq for frame in log if frame.is_input]
