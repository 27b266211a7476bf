"""The history checker finds what is planted, and nothing where nothing is."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import events as ev
from schemas.fold import fold_all
from services.gateway.coalesce import coalesce
from tests import history
from tests.golden.test_golden import LOGS, frames
from tests.history import History, View

LOG = frames(next(path for path in LOGS if path.name.startswith("every_event")))
CONVERSATION = "c"

Log = list[ev.Frame]


def accepted_of(log: Log) -> dict[str, tuple[str, str]]:
    return {
        event.id: (CONVERSATION, frame.run)
        for frame in log
        for event in frame.events
        if isinstance(event, ev.UserMessage)
    }


def whole(log: Log = LOG, shown: Log | None = None) -> History:
    """A history in which all is well, unless the viewer was shown something else than the log."""
    return History(
        accepted=accepted_of(LOG),
        logs={CONVERSATION: log},
        views=[View("ada", CONVERSATION, log if shown is None else shown)],
        archive={CONVERSATION: fold_all(CONVERSATION, log)},
    )


def without(frames: Log, index: int) -> Log:
    return frames[:index] + frames[index + 1 :]


def twice(frames: Log, index: int) -> Log:
    return frames[: index + 1] + frames[index:]


def swapped(frames: Log, index: int) -> Log:
    return [*frames[:index], frames[index + 1], frames[index], *frames[index + 2 :]]


def altered(frames: Log, index: int) -> Log:
    other = msgspec.structs.replace(
        frames[index], events=[*frames[index].events[:-1], ev.Log(id="x", text="x", level="info")]
    )
    return [*frames[:index], other, *frames[index + 1 :]]


def end_of(log: Log) -> int:
    return next(
        index for index, frame in enumerate(log) if any(isinstance(event, ev.RUN_ENDS) for event in frame.events)
    )


def test_a_history_without_a_fault_has_no_problem():
    assert history.check(whole()) == []


@given(st.integers(0, 2**32).map(random.Random))
def test_deltas_merged_for_a_viewer_that_lagged_are_no_problem(rng):
    first, last = sorted(rng.sample(range(len(LOG) + 1), 2))
    shown = [*LOG[:first], *coalesce(LOG[first:last]), *LOG[last:]]
    assert history.check(whole(shown=shown)) == []


@pytest.mark.parametrize("fault", [without, twice, swapped, altered])
def test_a_frame_that_a_viewer_did_not_see_once_in_its_place_is_found_wherever_it_was(fault: Callable[[Log, int], Log]):
    places = range(len(LOG) - (fault is swapped))
    assert [index for index in places if not history.check(whole(shown=fault(LOG, index)))] == []


def test_a_loss_in_a_merged_text_is_found():
    merged = coalesce(LOG)
    index, frame = next((i, frame) for i, frame in enumerate(merged) if frame.count)
    (delta, *rest) = frame.events
    assert isinstance(delta, ev.TEXT_DELTAS)
    shorter = msgspec.structs.replace(frame, events=[msgspec.structs.replace(delta, text=delta.text[:-1]), *rest])
    problems = history.check(whole(shown=[*merged[:index], shorter, *merged[index + 1 :]]))
    assert problems == [f"ada of c: {frame.in_lane}:{frame.n} has other texts than the log"]


def test_a_viewer_that_saw_nothing_is_found():
    assert any("were not shown" in problem for problem in history.check(whole(shown=[])))


def test_a_loss_in_the_log_itself_is_found_though_every_viewer_agrees_with_it():
    index = next(i for i, frame in enumerate(LOG) if any(isinstance(event, ev.Log) for event in frame.events))
    log = without(LOG, index)
    problems = history.check(whole(shown=log)._replace(logs={CONVERSATION: log}))
    assert any(problem.startswith("log of c") and "are missing" in problem for problem in problems)


def test_a_run_that_ended_twice_is_found():
    end = LOG[end_of(LOG)]
    again = msgspec.structs.replace(end, n=LOG[-1].last + 1, seq=LOG[-1].seq + 1)
    problems = history.check(whole()._replace(logs={CONVERSATION: [*LOG, again]}))
    assert f"run {end.run} ended 2 times" in problems


def test_a_run_that_never_ended_is_found():
    log = LOG[: end_of(LOG)]
    assert any(problem.endswith("ended 0 times") for problem in history.check(whole(log)))


def test_an_accepted_message_that_is_not_in_the_log_is_found():
    lost = whole()._replace(accepted=accepted_of(LOG) | {"m_lost": (CONVERSATION, "r_lost")})
    assert "message m_lost was accepted as run r_lost, and in the log it made none" in history.check(lost)


def test_a_run_that_nobody_asked_for_is_found():
    run = LOG[end_of(LOG)].run
    assert f"run {run} of c was not asked for" in history.check(whole()._replace(accepted={}))


def test_a_conversation_that_is_not_in_the_archive_is_found():
    assert history.check(whole()._replace(archive={})) == ["archive of c: there is none"]


def test_an_archive_that_differs_in_one_item_is_found():
    archived = fold_all(CONVERSATION, LOG)
    archived.items[-1] = msgspec.structs.replace(archived.items[-1], status="failed")
    problems = history.check(whole()._replace(archive={CONVERSATION: archived}))
    assert problems == [f"archive of c: items differ in {archived.items[-1].id}"]


def test_an_archive_in_another_order_is_found():
    archived = fold_all(CONVERSATION, LOG)
    archived.items.reverse()
    problems = history.check(whole()._replace(archive={CONVERSATION: archived}))
    assert problems == ["archive of c: items stand in another order than in the log"]
