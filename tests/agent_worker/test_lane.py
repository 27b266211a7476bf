"""The lane, without a broker: what becomes of any events, in any timing, with any fate of the frames."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import events as ev
from schemas.codec import decode_frame, encode_frame
from schemas.errors import Fenced, TooLarge, Unavailable
from schemas.fold import fold_all
from services.agent_worker.lane import BUFFER_EVENTS_MAX, DELTA_CHARS_MAX, Lane, Verdict, fitting_count, split_deltas
from services.broker.port import Record

NAMESPACES = ["main", "main/analysis:1", "main/research:1"]


def delta(at: int, text: str, *, ns: str = "main", item: str = "m1-1") -> ev.MessageDelta:
    return ev.MessageDelta(id=item, at=at, text=text, ns=ns)


def team_script(words: list[tuple[int, str]]) -> list[ev.AnyEvent]:
    """Three agents that speak in turn, from opening to end."""
    script: list[ev.AnyEvent] = [ev.RunStarted(agent="team", ns="main")]
    for index, ns in enumerate(NAMESPACES):
        script.append(ev.MessageStarted(id=f"m1-{index}", ns=ns))
    at = [0] * len(NAMESPACES)
    for index, text in words:
        script.append(delta(at[index], text, ns=NAMESPACES[index], item=f"m1-{index}"))
        at[index] += len(text)
    for index, ns in enumerate(NAMESPACES):
        script.append(ev.MessageEnded(id=f"m1-{index}", ns=ns))
    return [*script, ev.RunCompleted(ns="main")]


def fresh(events: list[ev.AnyEvent]) -> list[ev.AnyEvent]:
    """Copies, because a lane owns what it is given."""
    return [msgspec.structs.replace(event) for event in events]


def write(events: list[ev.AnyEvent], cuts: list[bool], *, step_ms: int = 0) -> list[ev.Frame]:
    """The frames, as a reader decodes them, of a lane that is cut after the events where `cuts` says so."""
    lane = Lane("r1", 1)
    frames = []
    seq = 0

    def send() -> None:
        nonlocal seq
        while lane.waiting:
            sending = lane.cut(0.0)
            assert sending.expected_last == seq
            seq += 1
            frames.append(decode_frame(sending.data, seq))
            lane.stored(seq)

    for number, event in enumerate(events):
        lane.add(event, 1_000 + number * step_ms)
        if cuts[number % len(cuts)]:
            send()
    send()
    assert lane.settled
    return frames


words = st.lists(st.tuples(st.integers(0, 2), st.text(min_size=1, max_size=30)), max_size=40)


@given(words=words, cuts=st.lists(st.booleans(), min_size=1, max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_timing_gives_the_same_transcript(words, cuts):
    script = team_script(words)
    whole = fold_all("c1", write(fresh(script), [False]))
    frames = write(fresh(script), cuts)
    parts = fold_all("c1", frames)
    assert [frame.n for frame in frames] == [1, *(frame.last + 1 for frame in frames[:-1])]
    assert all(len(encode_frame(frame)) <= ev.FRAME_BYTES_MAX for frame in frames)
    assert comparable(parts) == comparable(whole)


def comparable(transcript):
    """Without what timing is bound to change: where in the log things begin, and how many events there are."""
    for item in transcript.items:
        item.seq = 0
    for run in transcript.runs:
        run.seq = run.end_seq = run.last = 0
    return transcript


@given(
    texts=st.lists(st.text(alphabet=st.sampled_from('a"\\\x00é😀'), min_size=1, max_size=3), min_size=1, max_size=4),
    times=st.integers(1, 9_000),
)
@settings(max_examples=30, deadline=None)
def test_frames_stay_under_their_limit_whatever_the_text_and_its_escapes(texts, times):
    script = [ev.MessageStarted(id="m1-1", ns="main")]
    at = 0
    for text in texts:
        script.append(delta(at, text * times))
        at += len(text) * times
    frames = write(script, [False])
    assert all(len(encode_frame(frame)) <= ev.FRAME_BYTES_MAX for frame in frames)
    assert fold_all("c1", frames).items[0].content == "".join(text * times for text in texts)


def test_adjacent_deltas_of_one_text_become_one_before_they_are_numbered():
    (frame,) = write([ev.MessageStarted(id="m1-1", ns="main"), *(delta(n, "x") for n in range(5))], [False])
    assert [type(event) for event in frame.events] == [ev.MessageStarted, ev.MessageDelta]
    assert frame.last == 2


def test_deltas_of_two_namespaces_are_not_merged():
    lane = Lane("r1", 1)
    lane.add(delta(0, "a", ns="main/a:1"), 0)
    lane.add(delta(1, "b", ns="main/b:1"), 0)
    lane.cut(0.0)
    assert len(lane.stored(1).events) == 2


def test_the_frames_namespace_is_the_one_that_most_of_its_events_have():
    events = [delta(n, "x", ns=ns, item=f"m1-{n}") for n, ns in enumerate(["main", "main/a:1", "main/a:1"])]
    lane = Lane("r1", 1)
    for event in events:
        lane.add(event, 0)
    lane.cut(0.0)
    frame = lane.stored(1)
    assert frame.ns == "main/a:1"
    assert [event.ns for event in frame.events] == ["main", "", ""]


def test_events_that_are_no_deltas_say_how_much_later_they_are_in_steps():
    (frame,) = write([ev.StepStarted(id=f"s1-{n}", name="x", ns="main") for n in range(4)], [False], step_ms=9)
    assert frame.ts == 1_000
    assert [event.dt for event in frame.events] == [0, 0, 10, 20]


def test_a_message_id_names_run_attempt_and_number():
    lane = Lane("r1", 2, last_n=7, last_seq=30)
    lane.add(delta(0, "x"), 0)
    sending = lane.cut(0.0)
    assert (sending.msg_id, sending.expected_last) == ("r1:2:8", 30)


def sent(lane: Lane) -> bytes:
    lane.add(delta(0, "x"), 0)
    return lane.cut(0.0).data


def test_what_the_broker_did_not_answer_is_sent_again_unchanged_until_it_is_given_up():
    lane = Lane("r1", 1, retry_s=30.0)
    first = sent(lane)
    now = 0.0
    while lane.failed(Unavailable("?"), now, random.uniform(0.5, 1.5)) is Verdict.RETRY:
        assert lane.again().data == first
        assert now < lane.retry_at <= now + 3.0
        now = lane.retry_at
    assert now >= 30.0


def test_a_fence_on_the_first_try_is_believed():
    lane = Lane("r1", 1)
    sent(lane)
    assert lane.failed(Fenced("!"), 0.0, 1.0) is Verdict.LOST


def test_a_fence_on_a_repeat_is_compared_with_what_is_stored():
    lane = Lane("r1", 1)
    data = sent(lane)
    lane.failed(Unavailable("?"), 0.0, 1.0)
    assert lane.failed(Fenced("!"), 1.0, 1.0) is Verdict.COMPARE
    assert lane.compared(Record(9, "r1", data)).seq == 9
    assert lane.last_seq == 9
    assert lane.settled


@pytest.mark.parametrize("last", [None, Record(9, "r1", b"{}")])
def test_a_fence_on_a_repeat_by_somebody_elses_frame_is_believed(last):
    lane = Lane("r1", 1)
    sent(lane)
    lane.failed(Unavailable("?"), 0.0, 1.0)
    assert lane.compared(last) is None


def test_an_error_that_no_repeat_can_cure_loses_the_lane():
    lane = Lane("r1", 1)
    sent(lane)
    assert lane.failed(TooLarge("!"), 0.0, 1.0) is Verdict.LOST


def test_a_lane_is_full_at_its_limits_and_has_room_when_a_frame_was_cut():
    lane = Lane("r1", 1)
    for number in range(BUFFER_EVENTS_MAX):
        assert not lane.full
        lane.add(delta(number, "x"), 0)
    assert lane.full
    lane.cut(0.0)
    assert not lane.full


def test_a_large_event_fills_a_lane_as_a_long_text_does():
    lane = Lane("r1", 1)
    for number in range(8):
        assert not lane.full
        lane.add(ev.ToolResult(id=f"t1-{number}", result="x" * 32_768, ns="main"), 0, 32_768)
    assert lane.full


@given(words=words, sizes=st.lists(st.integers(1, 9_000), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_what_waits_counts_exactly_whatever_has_left_before(words, sizes):
    lane = Lane("r1", 1)
    for number, (index, text) in enumerate(words):
        lane.add(delta(number, text * 400, item=f"m1-{index}"), 0)
        size = sizes[number % len(sizes)]
        lane.add(ev.Log(id=f"l1-{number}", level="info", text="x" * size, ns="main"), 0, size)
    left = lane.chars
    while lane.waiting:
        lane.cut(0.0)
        left -= sum(len(event.text) for event in lane.stored(1).events)
        assert lane.chars == left


def test_a_lane_is_crowded_once_eight_times_as_much_waits_as_makes_it_full():
    lane = Lane("r1", 1)
    for number in range(8 * BUFFER_EVENTS_MAX):
        assert not lane.crowded
        lane.add(delta(number, "x"), 0)
    assert lane.crowded
    lane = Lane("r1", 1)
    lane.add(ev.Log(id="l1-1", level="info", text="x", ns="main"), 0, 8 * 256 * 1024)
    assert lane.crowded


def test_a_long_delta_is_cut_and_its_pieces_continue_each_other():
    pieces = split_deltas([delta(5, "x" * (2 * DELTA_CHARS_MAX + 1))])
    assert [(piece.at, len(piece.text)) for piece in pieces] == [
        (5, DELTA_CHARS_MAX),
        (5 + DELTA_CHARS_MAX, DELTA_CHARS_MAX),
        (5 + 2 * DELTA_CHARS_MAX, 1),
    ]


def test_at_least_one_event_fits():
    assert fitting_count([delta(0, "x" * 100)], 10) == 1


def test_a_team_at_the_busy_pace_costs_at_most_120_bytes_per_emitted_event():
    text = "The quick brown fox jumps over the lazy dog and asks what a token costs. " * 20
    tokens = [f" {word}" for word in text.split()]
    script = team_script([(number % 3, word) for number, word in enumerate(tokens)])
    frames = write(script, [False, False, True])  # what 16 ms make of 3 agents at 50 tokens/s: 2 to 3 events
    assert sum(len(encode_frame(frame)) for frame in frames) / len(script) <= 120
