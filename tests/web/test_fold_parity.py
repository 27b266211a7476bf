"""The two folds, schemas/fold.py and the page's, agree: on logs as they are written, cut, merged, repeated and taken over,
and on logs that contradict themselves.

Numbers in what tools and states carry are doubles in the page: an integer beyond 2^53 is the nearest one there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from schemas import events as ev
from schemas.codec import KNOWN_TYPES, decode_frame
from schemas.errors import Invalid
from schemas.fold import fold_all
from schemas.merge import merge_deltas
from services.gateway.web import build
from tests.schemas import logs
from tests.web import chaos
from tests.web.folding import Log, Page, folded_here, log

rngs = st.integers(0, 2**32).map(random.Random)
slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    page = Page(build.of_the_machine() or build.of_a_wheel(), tmp_path_factory.mktemp("fold"))
    yield page
    page.close()


@slow
@given(rngs)
def test_both_folds_agree_on_a_log_cut_and_merged_anyhow(page: Page, rng: random.Random) -> None:
    frames = recut(rng, logs.split_deltas(logs.conversation(rng, runs=rng.randint(1, 3))))
    here = folded_here(log(frames))
    assert set(here.outcomes) == {"taken"}
    assert page.folded(log(frames)) == here


@slow
@given(rngs)
def test_both_folds_agree_on_a_log_with_repeats_and_frames_of_stale_attempts(page: Page, rng: random.Random) -> None:
    frames = with_echoes(rng, logs.conversation(rng))
    here = folded_here(log(frames))
    assert "refused" not in here.outcomes
    assert page.folded(log(frames)) == here


@slow
@given(rngs, st.data())
def test_both_folds_agree_on_the_rest_of_a_log_after_a_snapshot(
    page: Page, rng: random.Random, data: st.DataObject
) -> None:
    frames = logs.conversation(rng)
    cut = data.draw(st.integers(0, len(frames)))
    rest = log(frames[cut:], transcript=fold_all("c", frames[:cut]))
    assert page.folded(rest) == folded_here(rest)


@slow
@given(rngs, st.booleans())
def test_both_folds_agree_on_a_log_from_which_frames_are_lost(page: Page, rng: random.Random, dense: bool) -> None:
    torn = log([frame for frame in logs.conversation(rng) if rng.random() < 0.8], dense=dense)
    assert page.folded(torn) == folded_here(torn)


@settings(slow, max_examples=300)
@given(chaos.histories(), st.booleans())
def test_both_folds_agree_on_a_log_that_no_writer_would_write(page: Page, history: list[ev.Frame], dense: bool) -> None:
    wild = log(history, dense=dense)
    here = folded_here(wild)
    for outcome in set(here.outcomes):
        event(outcome)
    assert page.folded(wild) == here


@slow
@given(chaos.patched_states())
def test_both_folds_agree_on_what_a_json_patch_does(page: Page, patched: chaos.Patched) -> None:
    state, patches = patched
    changes = [ev.StateSnapshot(state=state), *(ev.StateDelta(patch=patch) for patch in patches)]
    given = log(ev.Frame(run="r", n=n, ts=n, events=[change]) for n, change in enumerate(changes, 1))
    here = folded_here(given)
    for outcome in set(here.outcomes):
        event(outcome)
    assert page.folded(given) == here


def test_the_wild_logs_have_every_event() -> None:
    assert {cls.__struct_config__.tag for cls in chaos.EVENTS} == KNOWN_TYPES


def test_an_integer_beyond_2_to_the_53_is_the_nearest_double_in_the_page(page: Page) -> None:
    big = [2**53 + 1, 2**64, 10**30, -(2**63)]
    given = log([ev.Frame(run="r", n=1, ts=1, events=[ev.StateSnapshot(state=big)])])
    assert page.folded(given) == folded_here(given)
    assert f'"value": [\n    {float(2**53)},' in page.folded(given).transcript


@pytest.mark.parametrize("text", [r"\ud83c", r"\udf0a", r"\udf0a\ud83c", r"a\ud83cb"])
def test_half_a_surrogate_pair_cannot_reach_a_fold_by_way_of_json(text: str) -> None:
    with pytest.raises(Invalid):
        decode_frame(
            b'{"run":"r","n":1,"ts":1,"events":[{"type":"log","id":"l","level":"info","text":"%s"}]}' % text.encode()
        )


def test_an_event_that_neither_knows_is_passed_over_by_both(page: Page) -> None:
    for name in ("dream.started", "constructor", "__proto__", "toString"):
        frame = b'{"run":"r","n":1,"ts":1,"events":[{"type":"%s","id":"d"},{"type":"log","id":"l","level":"info","text":""}]}'
        given = Log(b'{"conversation":"c"}', True, [frame % name.encode()])
        here = folded_here(given)
        assert here.outcomes == ["taken"]
        assert page.folded(given) == here


def recut(rng: random.Random, frames: list[ev.Frame]) -> list[ev.Frame]:
    """The log in other frames: cut anywhere, events merged before they are numbered, or after (`count`)."""
    last: dict[str, int] = {}
    cut = []
    for frame in frames:
        events = frame.events
        while events:
            size = rng.randint(1, 8)
            head, events = events[:size], events[size:]
            merged = merge_deltas(head)
            late = rng.random() < 0.3
            n = last.get(frame.in_lane, 0) + 1
            last[frame.in_lane] = n + (len(head) if late else len(merged)) - 1
            count = len(head) if late and len(merged) < len(head) else 0
            cut.append(logs.replace(frame, n=n, count=count, events=merged))
    return cut


def with_echoes(rng: random.Random, frames: list[ev.Frame]) -> list[ev.Frame]:
    """The log as a bad network tells it: frames come again, and a writer that was given up goes on for a while."""
    told: list[ev.Frame] = []
    for frame in frames:
        told.append(frame)
        if rng.random() < 0.3:
            told.append(rng.choice(told))
        if frame.attempt > 1 and rng.random() < 0.5:
            note = ev.Log(id=f"stale{len(told)}", level="info", text="still here")
            told.append(logs.replace(frame, n=frame.last + 1, attempt=frame.attempt - 1, events=[note], count=0))
    return told
