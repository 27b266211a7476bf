"""A rehearsed conversation: what a `team` run looks like on the wire, as frames in the order of the log."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from schemas import events as ev

EPOCH = "e0"
CONVERSATION = "c1"
CHART = '{"mark":"bar"}'

Said = tuple[str, ev.KnownEvent]


def said(ns: str, kind: str, item: str, *pieces: str) -> list[Said]:
    """A message (`m`) or a reasoning (`r`) in pieces."""
    started, delta, ended = {
        "m": (ev.MessageStarted, ev.MessageDelta, ev.MessageEnded),
        "r": (ev.ReasoningStarted, ev.ReasoningDelta, ev.ReasoningEnded),
    }[kind]
    events: list[Said] = [(ns, started(id=item))]
    at = 0
    for piece in pieces:
        events.append((ns, delta(id=item, at=at, text=piece)))
        at += len(piece)
    return [*events, (ns, ended(id=item))]


ANALYSIS, NESTED, RESEARCH, DRAWING = (
    "main/analysis:1",
    "main/analysis:1/measure:1",
    "main/research:1",
    "main/drawing:1",
)

OPENING: list[Said] = [
    ("main", ev.RunStarted(agent="team", worker="w1", model="demo")),
    ("main", ev.AgentStarted(name="team")),
    *said("main", "m", "m2-1", "Two of us ", "look into it."),
]
AT_WORK: list[Said] = [
    (ANALYSIS, ev.AgentStarted(name="analysis", description="measures what can be measured", parent="main")),
    (RESEARCH, ev.AgentStarted(name="research", description="reads", parent="main")),
    *said(ANALYSIS, "r", "r2-1", "Which reach ", "bends most?"),
    (RESEARCH, ev.ToolStarted(id="t2-1", name="search")),
    (RESEARCH, ev.ToolArgsDelta(id="t2-1", at=0, text='{"query":')),
    (RESEARCH, ev.ToolArgs(id="t2-1", args={"query": "anabranching rivers"})),
    (NESTED, ev.AgentStarted(name="measure", parent=ANALYSIS, cause=ev.Cause(kind="tool", id="t2-2"))),
    *said(NESTED, "m", "m2-2", "Seven bends", " in the upper reach."),
    (RESEARCH, ev.ToolProgress(id="t2-1", step="reading", percent=40, text="page 2 of 5")),
    (ANALYSIS, ev.MessageStarted(id="m2-3")),
    (ANALYSIS, ev.MessageDelta(id="m2-3", at=0, text="The **upper** reach")),
]
REST: list[Said] = [
    (NESTED, ev.AgentFinished(result="7")),
    (ANALYSIS, ev.MessageDelta(id="m2-3", at=19, text=" bends 🌊 most.")),
    (ANALYSIS, ev.MessageEnded(id="m2-3")),
    (RESEARCH, ev.ToolResult(id="t2-1", result={"pages": 5})),
    (RESEARCH, ev.ToolStarted(id="t2-3", name="fetch")),
    (RESEARCH, ev.ToolArgs(id="t2-3", args={})),
    (RESEARCH, ev.ToolFailed(id="t2-3", code="unreachable", message="no route")),
    (ANALYSIS, ev.AgentFinished()),
    (RESEARCH, ev.AgentFinished()),
    (DRAWING, ev.AgentStarted(name="drawing", parent="main")),
    (
        DRAWING,
        ev.ArtifactCreated(id="a2-1", kind="chart", name="Bends", media_type="application/vnd.vegalite.v5+json"),
    ),
    (DRAWING, ev.ArtifactDelta(id="a2-1", at=0, text=CHART)),
    (
        DRAWING,
        ev.ArtifactFinal(
            id="a2-1", version=1, digest=hashlib.sha256(CHART.encode()).hexdigest(), size=len(CHART.encode())
        ),
    ),
    (DRAWING, ev.AgentFinished()),
    *said("main", "m", "m2-4", "Rivers branch where they bend."),
    ("main", ev.AgentFinished()),
    (
        "main",
        ev.RunCompleted(
            usage=[ev.Usage(model="demo", input=210, output=96)], counts=ev.Counts(messages=4), duration_ms=4200
        ),
    ),
]


def question(run: str = "run1", message: str = "u1", text: str = "Why do rivers branch?", *, n: int = 1) -> ev.Frame:
    return ev.Frame(
        run=run,
        lane="in",
        n=n,
        ts=1_000,
        seq=n,
        events=[ev.UserMessage(id=message, text=text, agent="team"), ev.RunQueued(agent="team", message=message)],
    )


def frames(events: Sequence[Said], *, run: str = "run1", n: int = 1, seq: int = 2) -> list[ev.Frame]:
    """One frame per event, 100 ms apart."""
    return [
        ev.Frame(run=run, n=n + index, ts=2_000 + 100 * index, ns=ns, seq=seq + index, events=[event])
        for index, (ns, event) in enumerate(events)
    ]


def team_run() -> list[ev.Frame]:
    return [question(), *frames([*OPENING, *AT_WORK, *REST])]


def at_work() -> list[ev.Frame]:
    """The log up to where all agents are in the middle of something."""
    return [question(), *frames([*OPENING, *AT_WORK])]


def cursor_of(frame: ev.Frame) -> str:
    return f"{EPOCH}-{frame.seq}"
