"""Plain output: one line for each thing that is finished, told once. Made to be read by `grep` as well as by a person.

[user] How do rivers branch?
[main/analysis:1] tool measure(reach="upper") -> {"bends":7}
[main/analysis:1] The upper reach bends seven times.
[main/visualisation:1] artifact chart "Bends" v1 final, 1,204 bytes
[run run4k2…] completed in 4.2 s
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.events import AgentFailed, AgentFinished, AgentStarted, Frame
from schemas.fold import Fold, agent_id
from schemas.transcript import (
    Agent,
    AnyItem,
    Artifact,
    Interrupt,
    LogEntry,
    Message,
    Plan,
    Reasoning,
    RunState,
    Source,
    State,
    Step,
    ToolCall,
)
from services.viewer import words


class Lines:
    """`observe` is an observer of a client. What is told depends on the log alone, not on how it came: in batches, cut and
    taken up again, or in part as a snapshot.
    """

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._lines: list[str] = []

    def take(self) -> list[str]:
        """The lines since the last call."""
        lines, self._lines = self._lines, []
        return lines

    def observe(self, fold: Fold, frame: Frame | None, changed: frozenset[str]) -> None:
        if frame is None:
            for run in fold.runs.values():
                self._tell(list(fold.items(run.id)), run)
            return
        found = [fold.item(item_id) for item_id in changed]
        places = _places(frame)
        items = [item for item in found if item is not None]
        items.sort(key=lambda item: (places.get(item.id, len(frame.events)), item.seq, item.id))
        self._tell(items, fold.runs.get(frame.run))

    def _tell(self, items: list[AnyItem], run: RunState | None) -> None:
        """A run begins before, and ends after, what happened in it."""
        lines = self._lines
        for item in items:
            if _is_question(item):
                lines += self._once(item.id, _text(item))
        if run is not None and not run.over:
            lines += self._once(f"{run.id} {run.status} {run.attempt} {run.retrying}", _run(run))
        for item in items:
            if not _is_question(item):
                lines += self._item(item)
        if run is not None and run.over:
            lines += self._once(f"{run.id} over", _run(run))

    def _once(self, key: str, line: str) -> Iterator[str]:
        if key not in self._told:
            self._told.add(key)
            yield line

    def _item(self, item: AnyItem) -> Iterator[str]:
        match item:
            case Agent():
                yield from self._once(f"{item.id} begun", f"[{item.ns}] agent {words.one_line(item.name)} started")
                if item.status in {"done", "failed"}:
                    yield from self._once(item.id, _text(item))
            case Interrupt(status="open"):
                yield from self._once(
                    f"{item.id} asked", f"[{item.ns}] asks ({item.kind}) {words.one_line(item.prompt)}"
                )
            case Artifact():
                for version in item.versions:
                    if version.status == "final" or item.status == "interrupted":
                        line = f"[{item.ns}] artifact {words.artifact(item, version)}"
                        yield from self._once(f"{item.id} {version.version} {version.status}", line)
            case Plan():
                yield from self._once(f"{item.id} {_text(item)}", _text(item))
            case State():
                pass
            case _ if item.status != "open":
                yield from self._once(item.id, _text(item))


def _places(frame: Frame) -> dict[str, int]:
    """For each item, which of the frame's events was the last about it."""
    places = {}
    for index, event in enumerate(frame.events):
        if isinstance(event, AgentStarted | AgentFinished | AgentFailed):
            places[agent_id(frame.run, event.ns or frame.ns)] = index
        else:
            places[getattr(event, "id", "")] = index
    return places


def _is_question(item: AnyItem) -> bool:
    return isinstance(item, Message) and item.role == "user"


def _run(run: RunState) -> str:
    agent = f" {words.one_line(run.agent)}" if run.agent else ""
    usage = f" ({words.usage(run)})" if run.over and run.usage else ""
    return f"[run {run.id}]{agent} {words.run_status(run)}{usage}"


def _text(item: AnyItem) -> str:
    return f"[{'user' if _is_question(item) else item.ns}] {_said(item)}{_broken_off(item)}"


def _broken_off(item: AnyItem) -> str:
    return " (interrupted)" if item.status == "interrupted" else ""


def _said(item: AnyItem) -> str:
    match item:
        case Message():
            return words.one_line(item.content)
        case Reasoning():
            return f"thinking: {words.one_line(item.content)}"
        case ToolCall() if item.error is not None:
            return f"tool {words.call(item)} failed {item.error.code}: {words.one_line(item.error.message)}"
        case ToolCall():
            return f"tool {words.call(item)} -> {words.value(item.result)}"
        case Agent() if item.error is not None:
            return f"agent {words.one_line(item.name)} failed {item.error.code}: {words.one_line(item.error.message)}"
        case Agent():
            result = f": {words.clip(words.one_line(item.result))}" if item.result else ""
            return f"agent {words.one_line(item.name)} finished{result}"
        case Step():
            return f"step {words.one_line(item.name)}"
        case Plan():
            return "plan " + "; ".join(f"{words.one_line(one.text)} ({one.status})" for one in item.items)
        case Interrupt():
            return f"answer {item.decision} {words.value(item.value) if item.value is not None else ''}".rstrip()
        case Source():
            return f"source {words.one_line(item.url)} {words.one_line(item.title)}".rstrip()
        case LogEntry():
            return f"{item.level}: {words.one_line(item.text)}"
    return ""
