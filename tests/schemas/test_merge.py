import random

from hypothesis import given
from hypothesis import strategies as st

from schemas import events as ev
from schemas.merge import merge_deltas
from tests.schemas import logs


def delta(item: str, at: int, text: str, ns: str = "") -> ev.MessageDelta:
    return ev.MessageDelta(id=item, at=at, text=text, ns=ns)


def test_deltas_that_continue_one_text_become_one():
    assert merge_deltas([delta("m", 0, "a"), delta("m", 1, "bc"), delta("m", 3, "d")]) == [delta("m", 0, "abcd")]


def test_deltas_of_two_texts_are_not_merged_across_each_other():
    log = [delta("m", 0, "a"), delta("n", 0, "x"), delta("m", 1, "b")]
    assert merge_deltas(log) == log


def test_deltas_of_two_namespaces_or_kinds_or_with_a_hole_are_not_merged():
    for second in (delta("m", 1, "b", ns="main/a:1"), ev.ReasoningDelta(id="m", at=1, text="b"), delta("m", 2, "b")):
        log = [delta("m", 0, "a"), second]
        assert merge_deltas(log) == log


@given(st.integers(0, 2**32).map(random.Random))
def test_merging_twice_is_merging_once_and_loses_no_character(rng):
    events = [event for frame in logs.split_deltas(logs.conversation(rng)) for event in frame.events]
    merged = merge_deltas(events)
    assert merge_deltas(merged) == merged

    def texts(log):
        found = {}
        for event in log:
            if isinstance(event, ev.TEXT_DELTAS):
                found[event.id] = found.get(event.id, "") + event.text
        return found

    assert texts(merged) == texts(events)
    others = [event for event in merged if not isinstance(event, ev.TEXT_DELTAS)]
    assert others == [event for event in events if not isinstance(event, ev.TEXT_DELTAS)]
