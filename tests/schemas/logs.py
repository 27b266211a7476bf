"""Random logs that obey the rules of the event model: what the property tests of fold, codec, archive and gateway run on."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable

from schemas import events as ev
from schemas.ids import item_id
from schemas.merge import merge_deltas

WORDS = ["river", " flows", "\n", "é", "🌊", " channel", "**bold**", " ", "x" * 40, "\u0000", "<b>", " Σ"]
AGENTS = ["analysis", "research", "writer"]


def frames_of(
    events: list[tuple[str, ev.KnownEvent]],
    rng: random.Random,
    *,
    run: str,
    n: int = 1,
    attempt: int = 1,
    ts: int = 1_000,
) -> list[ev.Frame]:
    """Cut (namespace, event) pairs into frames at random, merging adjacent deltas before they are numbered."""
    frames = []
    while events:
        size = rng.randint(1, 6)
        head, events = events[:size], events[size:]
        ns = head[0][0]
        named = [event if where == ns else _with_ns(event, where) for where, event in head]
        frame = ev.Frame(run=run, n=n, ts=ts, ns=ns, attempt=attempt, events=merge_deltas(named))
        n = frame.last + 1
        frames.append(frame)
    return frames


def _with_ns(event: ev.KnownEvent, ns: str) -> ev.KnownEvent:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return type(event)(**(fields | {"ns": ns}))


class RunWriter:
    """Writes the events of one run as an agent would: in random order, several things open at once, all of it closed."""

    def __init__(self, rng: random.Random, ordinal: int) -> None:
        self.rng = rng
        self.ordinal = ordinal
        self.counts: dict[str, int] = {}
        self.events: list[tuple[str, ev.KnownEvent]] = []

    def next_id(self, kind: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return item_id(self.ordinal, kind, self.counts[kind])

    def run(self, size: int) -> list[tuple[str, ev.KnownEvent]]:
        """Interleave the scripts of an agent and up to three children."""
        scripts = [self._script("main", size)]
        for index in range(self.rng.randint(0, 3)):
            ns = f"main/{self.rng.choice(AGENTS)}:{index + 1}"
            scripts.append(
                [
                    (ns, ev.AgentStarted(name="child", parent="main", cause=ev.Cause(kind="code"))),
                    *self._script(ns, size),
                    (ns, ev.AgentFinished(result="done")),
                ]
            )
        while scripts:
            script = self.rng.choice(scripts)
            self.events.append(script.pop(0))
            if not script:
                scripts.remove(script)
        return self.events

    def _script(self, ns: str, size: int) -> list[tuple[str, ev.KnownEvent]]:
        parts = [self._message, self._reasoning, self._tool, self._artifact, self._step, self._others]
        script: list[ev.KnownEvent] = []
        for _ in range(size):
            script += self.rng.choice(parts)()
        return [(ns, event) for event in script]

    def _text(self, delta: type, item: str) -> tuple[list[ev.KnownEvent], str]:
        events, text = [], ""
        for _ in range(self.rng.randint(0, 5)):
            piece = self.rng.choice(WORDS)
            events.append(delta(id=item, at=len(text), text=piece))
            text += piece
        return events, text

    def _message(self) -> list[ev.KnownEvent]:
        item = self.next_id("m")
        deltas, _ = self._text(ev.MessageDelta, item)
        return [ev.MessageStarted(id=item, model="test"), *deltas, ev.MessageEnded(id=item)]

    def _reasoning(self) -> list[ev.KnownEvent]:
        item = self.next_id("r")
        deltas, _ = self._text(ev.ReasoningDelta, item)
        return [ev.ReasoningStarted(id=item), *deltas, ev.ReasoningEnded(id=item)]

    def _tool(self) -> list[ev.KnownEvent]:
        item = self.next_id("t")
        deltas, _ = self._text(ev.ToolArgsDelta, item)
        events: list[ev.KnownEvent] = [
            ev.ToolStarted(id=item, name="search"),
            *deltas,
            ev.ToolArgs(id=item, args={"q": 1}),
        ]
        events += [ev.ToolProgress(id=item, step="s", percent=p) for p in range(0, 100, 50)]
        if self.rng.random() < 0.3:
            return [*events, ev.ToolFailed(id=item, code="nope", message="it failed")]
        return [*events, ev.ToolResult(id=item, result={"rows": [1, 2.5, None, "x"]})]

    def _artifact(self) -> list[ev.KnownEvent]:
        item = self.next_id("a")
        events: list[ev.KnownEvent] = []
        for version in range(1, self.rng.randint(2, 3)):
            deltas, text = self._text(ev.ArtifactDelta, item)
            data = text.encode()
            events += [
                ev.ArtifactCreated(id=item, kind="report", name="r.md", media_type="text/markdown", version=version),
                *deltas,
                ev.ArtifactFinal(id=item, version=version, digest=hashlib.sha256(data).hexdigest(), size=len(data)),
            ]
        return events

    def _step(self) -> list[ev.KnownEvent]:
        item = self.next_id("s")
        return [ev.StepStarted(id=item, name="think"), ev.StepFinished(id=item)]

    def _others(self) -> list[ev.KnownEvent]:
        return [
            ev.SourceAdded(id=self.next_id("c"), url="https://example.org/", title="t"),
            ev.UsageUpdated(usage=ev.Usage(model="test", input=3, output=self.rng.randint(1, 9))),
            ev.PlanUpdated(id=self.next_id("p"), items=[ev.PlanItem(text="go", status="active")]),
            ev.StateSnapshot(state={"k": [1]}),
            ev.StateDelta(patch=[{"op": "add", "path": "/k/-", "value": 2}]),
            ev.Log(id=self.next_id("l"), level="info", text="note"),
            ev.InterruptRequested(id=(item := self.next_id("i")), kind="choice", prompt="?", options=["a", "b"]),
            ev.InterruptResolved(id=item, decision="expired"),
        ]


def conversation(rng: random.Random, *, runs: int = 2, size: int = 2, takeovers: bool = True) -> list[ev.Frame]:
    """The frames of a whole conversation in log order, with `seq`: messages queued while runs go on, some taken over."""
    frames: list[ev.Frame] = [
        ev.Frame(run="", lane="in", n=1, ts=900, events=[ev.ConversationCreated(title="")]),
    ]
    input_n = 2
    after = ""
    waiting: list[ev.Frame] = []
    for index in range(runs):
        run = f"run{index + 1}"
        waiting.append(
            ev.Frame(
                run=run,
                lane="in",
                n=input_n,
                ts=1_000 + index,
                events=[
                    ev.UserMessage(id=f"u{index + 1}", text=f"question {index + 1}", agent="team"),
                    ev.RunQueued(agent="team", message=f"u{index + 1}", after=after),
                ],
            )
        )
        input_n += 2
        after = run
    ordinal = 2
    for index in range(runs):
        if waiting and waiting[0].run == f"run{index + 1}":
            frames.append(waiting.pop(0))
        lane = _lane(rng, f"run{index + 1}", ordinal, size, takeovers)
        ordinal += 2
        for frame in lane:
            frames.append(frame)
            if waiting and rng.random() < 0.1:
                frames.append(waiting.pop(0))
    seq = 0
    numbered = []
    for frame in frames:
        seq += rng.randint(1, 3)  # other conversations share the stream
        numbered.append(replace(frame, seq=seq))
    return numbered


def _lane(rng: random.Random, run: str, ordinal: int, size: int, takeovers: bool) -> list[ev.Frame]:
    writer = RunWriter(rng, ordinal)
    start: list[tuple[str, ev.KnownEvent]] = [
        ("main", ev.RunStarted(agent="team", model="test")),
        ("main", ev.AgentStarted(name="team")),
    ]
    end: list[tuple[str, ev.KnownEvent]] = [
        ("main", ev.AgentFinished()),
        ("main", ev.RunCompleted(counts=ev.Counts(messages=1), duration_ms=5)),
    ]
    if not takeovers or rng.random() < 0.5:
        return frames_of([*start, *writer.run(size), *end], rng, run=run)
    first = frames_of([*start, *writer.run(size)], rng, run=run)
    first = first[: rng.randint(1, len(first))]  # killed here
    writer.events = []
    again: list[tuple[str, ev.KnownEvent]] = [("main", ev.RunRetrying(cause="worker_lost")), *start]
    second = frames_of([*again, *writer.run(size), *end], rng, run=run, n=first[-1].last + 1, attempt=2)
    return _without_reopened_agents(first, second)


def _without_reopened_agents(first: list[ev.Frame], second: list[ev.Frame]) -> list[ev.Frame]:
    """A second attempt does not start again, under the same name, an agent that the first attempt finished."""
    finished = {
        event.ns or frame.ns for frame in first for event in frame.events if isinstance(event, ev.AgentFinished)
    }
    started = {event.ns or frame.ns for frame in second for event in frame.events if isinstance(event, ev.AgentStarted)}
    return first + second if not finished & started else first + [_rename(frame, finished) for frame in second]


def _rename(frame: ev.Frame, finished: set[str]) -> ev.Frame:
    def fresh(ns: str) -> str:
        return ns + "b" if ns in finished else ns

    events = [_with_ns(event, fresh(event.ns)) if event.ns else event for event in frame.events]
    return replace(frame, ns=fresh(frame.ns), events=events)


def replace(frame: ev.Frame, **changes: object) -> ev.Frame:
    fields = {name: getattr(frame, name) for name in frame.__struct_fields__}
    return ev.Frame(**(fields | changes))


def split_deltas(frames: Iterable[ev.Frame]) -> list[ev.Frame]:
    """The same log with every delta cut into single characters: what merging must not be able to change."""
    last: dict[str, int] = {}
    result = []
    for frame in frames:
        events: list[ev.AnyEvent] = []
        for event in frame.events:
            if isinstance(event, ev.TEXT_DELTAS):
                fields = {name: getattr(event, name) for name in event.__struct_fields__}
                events += [type(event)(**(fields | {"at": event.at + i, "text": c})) for i, c in enumerate(event.text)]
            else:
                events.append(event)
        n = last.get(frame.in_lane, 0) + 1
        result.append(replace(frame, n=n, events=events))
        last[frame.in_lane] = result[-1].last
    return result
