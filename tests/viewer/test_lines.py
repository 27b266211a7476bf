import random

from hypothesis import given
from hypothesis import strategies as st

from schemas import events as ev
from schemas.fold import Fold
from schemas.transcript import Transcript
from services.viewer.lines import Lines
from tests.schemas import logs
from tests.viewer import demo

rngs = st.integers(0, 2**32).map(random.Random)


def told(frames: list[ev.Frame], *, reset_at: int = -1) -> list[str]:
    """The lines as frame after frame comes; before frame `reset_at` the fold is replaced by a snapshot of itself."""
    fold, lines = Fold(Transcript(conversation="c1")), Lines()
    for index, frame in enumerate(frames):
        if index == reset_at:
            fold = Fold(fold.snapshot())
            lines.observe(fold, None, frozenset())
        fold.apply(frame)
        lines.observe(fold, frame, frozenset(fold.changed))
        fold.changed.clear()
    return lines.take()


def test_a_team_run_reads_as_one_line_for_each_finished_thing():
    assert told(demo.team_run()) == [
        "[user] Why do rivers branch?",
        "[run run1] team queued",
        "[run run1] team running",
        "[main] agent team started",
        "[main] Two of us look into it.",
        "[main/analysis:1] agent analysis started",
        "[main/research:1] agent research started",
        "[main/analysis:1] thinking: Which reach bends most?",
        "[main/analysis:1/measure:1] agent measure started",
        "[main/analysis:1/measure:1] Seven bends in the upper reach.",
        "[main/analysis:1/measure:1] agent measure finished: 7",
        "[main/analysis:1] The **upper** reach bends 🌊 most.",
        '[main/research:1] tool search(query="anabranching rivers") -> {"pages":5}',
        "[main/research:1] tool fetch() failed unreachable: no route",
        "[main/analysis:1] agent analysis finished",
        "[main/research:1] agent research finished",
        "[main/drawing:1] agent drawing started",
        '[main/drawing:1] artifact chart "Bends" v1 final, 14 bytes',
        "[main/drawing:1] agent drawing finished",
        "[main] Rivers branch where they bend.",
        "[main] agent team finished",
        "[run run1] team completed in 4.1 s (demo: 210 in, 96 out)",
    ]


@given(rngs, st.data())
def test_nothing_is_told_twice_even_when_a_snapshot_comes_in_between(rng, data):
    log = logs.conversation(rng)
    reset_at = data.draw(st.integers(0, len(log)))
    assert told(log, reset_at=reset_at) == told(log)


@given(rngs)
def test_a_thing_is_a_line_whatever_is_in_it(rng):
    for line in told(logs.conversation(rng)):
        assert len(line.splitlines()) == 1
        assert line.startswith("[")
        assert line.isprintable() or not set(line) & set("\x00\x1b\r")


def test_what_broke_off_is_told_as_interrupted():
    frames = demo.at_work()
    end = ev.Frame(run="run1", n=frames[-1].last + 1, ts=9_000, seq=99, events=[ev.RunCancelled(by="user")])
    lines = told([*frames, end])
    assert "[main/analysis:1] The **upper** reach (interrupted)" in lines
    assert lines[-1] == "[run run1] team cancelled by user in 7.0 s"
