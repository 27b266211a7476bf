"""Which runs count as stuck, on values made by hand."""

from __future__ import annotations

import pytest

from schemas import events as ev
from services.admin.stalling import Conversation, Finding, stalled
from services.broker.input_lane import QueuedRun

NOW = 1_000_000


def asked(run: str, after: str = "", sent: int = 0) -> QueuedRun:
    message = ev.UserMessage(id=f"m_{run}", text="x", agent="a")
    return QueuedRun(run, 1, 1, sent, message, after)


def last(run: str, *events: ev.AnyEvent, ts: int = 0) -> dict[str, ev.Frame]:
    return {run: ev.Frame(run=run, n=1, ts=ts, events=list(events))}


BEGUN = ev.RunStarted(agent="a", worker="w", model="m")
ENDED = ev.RunCompleted()


def looked(queued, lasts, archived=(), for_s=60.0) -> list[Finding]:
    return stalled(Conversation(queued, lasts, frozenset(archived)), NOW, for_s)


def test_a_run_that_began_and_says_nothing_is_silent():
    assert looked([asked("r1")], last("r1", BEGUN, ts=900_000)) == [Finding("silent", "r1", 100.0)]
    assert looked([asked("r1")], last("r1", BEGUN, ts=950_000)) == []


def test_a_run_that_ended_is_unsealed_until_the_archive_has_it():
    ended = last("r1", BEGUN, ENDED)
    assert looked([asked("r1")], ended) == [Finding("unsealed", "r1", 1000.0)]
    assert looked([asked("r1")], ended, ["r1"]) == []


def test_a_queued_run_is_stuck_once_its_predecessor_is_over_and_not_before():
    runs = [asked("r1"), asked("r2", "r1"), asked("r3", "r2")]
    assert looked(runs, last("r1", BEGUN, ts=NOW)) == []
    assert looked(runs, last("r1", ENDED, ts=900_000), ["r1"]) == [Finding("queued", "r2", 100.0)]
    assert looked(runs, last("r1", ENDED, ts=950_000), ["r1"]) == []


def test_a_first_run_that_never_began_is_stuck_since_it_was_asked_for():
    assert looked([asked("r1", sent=900_000)], {}) == [Finding("queued", "r1", 100.0)]
    assert looked([asked("r1", sent=900_000)], {}, ["r1"]) == []


@pytest.mark.parametrize("archived", [["r0"], []])
def test_a_predecessor_that_has_left_the_log_is_over(archived):
    assert looked([asked("r1", "r0", sent=900_000)], {}, archived) == [Finding("queued", "r1", 100.0)]
