import random

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from schemas import events as ev
from schemas.fold import Fold
from schemas.transcript import Transcript
from services.viewer.client import Changes
from services.viewer.paint import Room, Tail, colour_of, paint_live, paint_run
from services.viewer.view import Index, Node, RunView, view_run
from tests.schemas import logs
from tests.viewer import demo

rngs = st.integers(0, 2**32).map(random.Random)


def folded(frames: list[ev.Frame]) -> Fold:
    fold = Fold(Transcript(conversation="c1"))
    for frame in frames:
        fold.apply(frame)
    return fold


def view_of(frames: list[ev.Frame], run: str = "run1") -> RunView:
    fold = folded(frames)
    return view_run(fold.runs[run], fold.items(run))


def drawn(renderable, *, width: int = 100) -> str:
    console = Console(record=True, width=width, height=50, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    with console.file:
        console.print(renderable)
        return console.export_text()


def depth_of_bars(text: str, what: str) -> int:
    """How many panels stand around a text."""
    line = next(line for line in text.splitlines() if what in line)
    return line.partition(what)[0].count("│")


def test_namespaces_nest_where_they_were_first_heard_of():
    root = view_of(demo.team_run()).root
    nested = [part.ns for part in root.content if isinstance(part, Node)]
    assert nested == [demo.ANALYSIS, demo.RESEARCH, demo.DRAWING]
    assert [node.ns for node in root.walk()] == ["main", demo.ANALYSIS, demo.NESTED, demo.RESEARCH, demo.DRAWING]
    assert [getattr(part, "id", part) for part in (root.content[0], root.content[-1])] == ["m2-1", "m2-4"]


def test_a_namespace_whose_parents_were_never_seen_is_nested_all_the_same():
    deep = "main/a:1/b:1/c:1"
    fold = Fold(Transcript(conversation="c1"), dense=False)
    fold.apply(ev.Frame(run="r", n=40, ts=1, ns=deep, seq=9, events=[ev.MessageStarted(id="m2-9")]))
    root = view_run(fold.runs["r"], fold.items("r")).root
    assert [node.ns for node in root.walk()] == ["main", "main/a:1", "main/a:1/b:1", deep]


@given(rngs)
def test_every_item_of_a_run_is_in_its_tree_once_except_those_for_programs(rng):
    fold = folded(logs.conversation(rng))
    for run in fold.runs.values():
        items = list(fold.items(run.id))
        nodes = list(view_run(run, items).root.walk())
        shown = [part.id for node in nodes for part in node.content if not isinstance(part, Node)]
        shown += [node.agent.id for node in nodes if node.agent is not None]
        shown += [item.id for item in items if item.ns == "main" and getattr(item, "role", "") == "user"]
        assert sorted(shown) == sorted(item.id for item in items if type(item).__name__ != "State")


@given(rngs, st.data())
def test_an_index_kept_from_changes_shows_what_the_whole_fold_shows(rng, data):
    log = logs.conversation(rng)
    fold, index = Fold(Transcript(conversation="c1")), Index()
    while log:
        size = data.draw(st.integers(1, 4))
        batch, log = log[:size], log[size:]
        for frame in batch:
            fold.apply(frame)
        index.update(fold, Changes(False, frozenset(fold.changed), frozenset()))
        fold.changed.clear()
    for run in fold.runs.values():
        assert index.view(fold, run) == view_run(run, fold.items(run.id))


def test_agents_at_work_are_drawn_as_panels_in_panels():
    text = drawn(paint_live([view_of(demo.at_work())], 40))
    assert [depth_of_bars(text, what) for what in ("Two of us", "Which reach", "Seven bends", "reading page 2")] == [
        1,
        2,
        3,
        2,
    ]
    for name in ("team", "analysis:1", "measure:1", "research:1", "measures what can be measured"):
        assert name in text
    assert "The **upper** reach▌" in text
    assert "running" in text


def test_a_tool_shows_its_progress_and_then_its_result_or_failure_on_one_line():
    working = drawn(paint_live([view_of(demo.at_work())], 40))
    assert ' 40 % search(query="anabranching rivers")' in working
    done = drawn(paint_run(view_of(demo.team_run()), Room()))
    assert 'search(query="anabranching rivers")  ✓ {"pages":5}' in done
    assert "fetch()  ✗ unreachable: no route" in done


def test_an_artifact_is_intermediate_until_it_is_final():
    frames = demo.team_run()
    created = next(i for i, frame in enumerate(frames) if isinstance(frame.events[0], ev.ArtifactDelta))
    assert 'chart "Bends" v1 intermediate, 14 characters' in drawn(paint_live([view_of(frames[: created + 1])], 40))
    whole = drawn(paint_run(view_of(frames), Room()))
    assert 'chart "Bends" v1 final, 14 bytes' in whole
    assert demo.CHART in whole


def test_a_run_that_is_over_shows_how_it_ended_and_what_it_used():
    text = drawn(paint_run(view_of(demo.team_run()), Room()))
    assert "completed in 4.1 s" in text
    assert "demo: 210 in, 96 out" in text
    assert "> Why do rivers branch?" in text


def test_while_others_work_an_agent_that_is_done_takes_one_line():
    frames = demo.team_run()
    drawing = next(i for i, frame in enumerate(frames) if frame.ns == demo.DRAWING)
    text = drawn(paint_live([view_of(frames[: drawing + 1])], 40))
    assert "▸ analysis:1 ✓ 2.4 s · 2 messages" in text
    assert "Seven bends" not in text
    assert "╭─ drawing:1" in text


def test_a_run_that_fails_or_is_taken_over_says_so():
    lost = [
        *demo.at_work(),
        ev.Frame(run="run1", n=50, ts=9_000, attempt=2, seq=60, events=[ev.RunRetrying(cause="worker_lost")]),
    ]
    lost[-1] = logs.replace(lost[-1], n=lost[-2].last + 1)
    assert "attempt 2 (taken over), retrying after worker_lost" in drawn(paint_live([view_of(lost)], 40))
    failed = [
        *demo.at_work(),
        logs.replace(lost[-1], attempt=1, events=[ev.RunFailed(code="model_error", message="it is silent")]),
    ]
    assert "failed model_error: it is silent" in drawn(paint_run(view_of(failed), Room()))


def test_a_run_that_waits_for_another_takes_two_lines():
    text = drawn(paint_live([view_of([demo.question(text="And deltas?")])], 40))
    assert text.splitlines() == ["> And deltas?", "  … waits for the run before it"]


@given(st.integers(1, 60), st.integers(20, 200))
def test_what_is_live_never_outgrows_its_room(lines, width):
    frames = demo.at_work()
    frames.append(
        ev.Frame(
            run="run1",
            n=frames[-1].last + 1,
            ts=9_000,
            ns=demo.ANALYSIS,
            seq=99,
            events=[ev.MessageDelta(id="m2-3", at=19, text="many words\n" * 500)],
        )
    )
    assert len(drawn(paint_live([view_of(frames)], lines), width=width).splitlines()) <= lines


def test_twelve_agents_that_talk_at_once_are_all_seen():
    events = [*demo.OPENING]
    for index in range(12):
        ns = f"main/writer:{index}"
        text = "".join(f"line {line} of {index}\n" for line in range(50)) + f"end {index}"
        events += [(ns, ev.AgentStarted(name="writer")), (ns, ev.MessageStarted(id=f"m9-{index}"))]
        events.append((ns, ev.MessageDelta(id=f"m9-{index}", at=0, text=text)))
    text = drawn(paint_live([view_of([demo.question(), *demo.frames(events)])], 60))
    assert [f"end {index}▌" in text for index in range(12)] == [True] * 12


def test_what_a_model_says_cannot_steer_the_terminal():
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\rgone"
    events = [*demo.OPENING, *demo.said("main", "m", "m2-9", evil), *demo.said("main", "r", "r2-9", evil)]
    events += [("main", ev.ToolStarted(id="t2-9", name="x")), ("main", ev.ToolArgs(id="t2-9", args={evil: evil}))]
    events += [("main", ev.ToolFailed(id="t2-9", code="c", message=evil))]
    events += [("main", ev.ArtifactCreated(id="a2-9", kind=evil, name=evil, media_type="text/plain"))]
    events += [
        ("main", ev.ArtifactDelta(id="a2-9", at=0, text=evil)),
        ("main", ev.Log(id="l2-9", level="info", text=evil)),
    ]
    events += [("main/x:1", ev.AgentStarted(name="x", description=evil))]
    view = view_of([demo.question(text=evil), *demo.frames(events)])
    for renderable in (paint_run(view, Room()), paint_live([view], 60)):
        text = drawn(renderable)
        assert not set("\x1b\x07\x9b\r") & set(text)
        assert "gone" in text


def test_an_agent_keeps_its_colour():
    assert colour_of("analysis") == colour_of("analysis")
    assert len({colour_of(name) for name in ("analysis", "research", "visualisation", "team", "writer")}) > 2


def test_a_tail_is_the_end_of_what_is_drawn():
    assert drawn(Tail("\n".join(str(n) for n in range(9)), 3)).split() == ["6", "7", "8"]
