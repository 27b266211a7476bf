import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import events as ev
from schemas.cursor import Cursor
from schemas.errors import Invalid
from schemas.fold import Fold, fold_all
from schemas.transcript import Transcript
from services.gateway.coalesce import coalesce
from services.gateway.encoding import encoder
from services.gateway.project import HELD_FRAMES_MAX, Projection, view_of
from services.gateway.snapshots import Snapshots
from tests.gateway.stream import kit
from tests.schemas import logs

CONVERSATIONS = st.integers(0, 2**32).map(random.Random).map(logs.conversation)


@given(CONVERSATIONS)
def test_coalescing_changes_nothing_but_the_number_of_frames(frames):
    merged = coalesce(frames)
    assert fold_all("c", merged) == fold_all("c", frames)
    assert len(merged) <= len(frames)
    assert merged[-1].seq == frames[-1].seq


def test_deltas_of_agents_that_speak_at_once_become_one_each():
    frames = [
        ev.Frame(run="r", n=1, ts=1, events=[ev.MessageDelta(id="a", at=0, text="1")]),
        ev.Frame(run="r", n=2, ts=2, ns="main/x:1", events=[ev.MessageDelta(id="b", at=0, text="2")]),
        ev.Frame(run="r", n=3, ts=4, events=[ev.MessageDelta(id="a", at=1, text="3")], seq=9),
    ]
    (merged,) = coalesce(frames)
    assert (merged.n, merged.count, merged.seq) == (1, 3, 9)
    assert merged.events == [
        ev.MessageDelta(id="a", at=0, text="13"),
        ev.MessageDelta(id="b", at=0, text="2", ns="main/x:1", dt=1),
    ]


@given(CONVERSATIONS, st.randoms(use_true_random=False), st.sampled_from(["deltas", "messages"]), st.booleans())
def test_what_is_left_out_of_frames_is_what_is_left_out_of_the_transcript(frames, rng, granularity, filtered):
    spaces = sorted({event.ns or frame.ns for frame in frames for event in frame.events})
    view = view_of([rng.choice(spaces)] if filtered else [], granularity)
    fold, viewer = Fold(Transcript(conversation="c")), Fold(Transcript(conversation="c"), dense=not filtered)
    projection = Projection(view)
    for frame in frames:
        fold.apply(frame)
        for seen in projection.take([frame], fold) or ():
            assert viewer.apply(seen)
    assert viewer.snapshot() == Snapshots(fold).message("", view, Cursor("0", 0)).transcript


def test_the_numbers_of_frames_not_shown_come_with_the_next_that_is():
    fold = Fold(Transcript(conversation="c"))
    frames = [kit.created(), kit.asked(), kit.started(), *map(kit.delta, range(3)), kit.ended(3)]
    projection = Projection(view_of([], "messages"))
    for frame in frames:
        fold.apply(frame)
    assert projection.take(frames[:3], fold) == frames[:3]
    assert projection.take(frames[3:6], fold) is None
    (end,) = projection.take(frames[6:], fold)
    assert (end.n, end.last) == (frames[3].n, frames[6].last)


def test_a_viewer_who_sees_nothing_for_long_is_moved_on_all_the_same():
    fold = Fold(Transcript(conversation="c"))
    for frame in (kit.created(), kit.asked(), kit.started()):
        fold.apply(frame)
    projection = Projection(view_of(["main/other:1"], "deltas"))
    outcomes = [projection.take([kit.delta(number)], fold) for number in range(HELD_FRAMES_MAX)]
    assert outcomes[:-1] == [None] * (HELD_FRAMES_MAX - 1)
    assert outcomes[-1] == []


@pytest.mark.parametrize("ns", ["", "other", "main/", "main/a", "main/a:b:c", "main/" + "/".join(["a:1"] * 8)])
def test_what_is_no_namespace_is_refused(ns):
    with pytest.raises(Invalid):
        view_of([ns], "deltas")


@given(CONVERSATIONS, st.sampled_from(["anabranch.v1.json", "anabranch.v1.msgpack"]))
def test_an_encoded_snapshot_is_the_message_encoded_whatever_was_cached_before(frames, protocol):
    fold = Fold(Transcript(conversation="c"))
    snapshots = Snapshots(fold)
    for frame in frames:
        fold.apply(frame)
        cursor = Cursor("ab", frame.seq)
        for view in (view_of([], "deltas"), view_of([], "messages")):
            message = snapshots.message("s", view, cursor)
            assert snapshots.encoded(protocol, "s", view, cursor) == encoder(protocol)(message)


def test_the_same_snapshot_is_encoded_once():
    fold = Fold(Transcript(conversation="c"))
    fold.apply(kit.created("t"))
    snapshots, view = Snapshots(fold), view_of([], "deltas")
    first = snapshots.encoded("anabranch.v1.json", "s", view, Cursor("ab", 1))
    assert snapshots.encoded("anabranch.v1.json", "s", view, Cursor("ab", 1)) is first
