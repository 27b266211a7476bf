"""Plain output: one line for each thing that is finished, told once. Made to be read by `grep` as well as by a person.

[user] How do rivers branch?
[main/analysis:1] tool measure(reach="upper") -> {"bends":7}
[main/analysis:1] The upper reach bends seven times.
[main/visualisation:1] artifact chart "Bends" v1 final, 1,204 bytes
[run run4k2…] completed in 4.2 s
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.fold import Fold
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
from services.viewer.client import Changes


class Lines:
    def __init__(self) -> None:
        self._told: set[str] = set()

    def update(self, fold: Fold, changes: Changes) -> list[str]:
        """The lines for what has changed. Runs begin before, and end after, what happened in them."""
        if changes.reset:
            items = list(fold.items())
            runs = list(fold.runs.values())
        else:
            found = (fold.item(item_id) for item_id in changes.items)
            items = sorted((item for item in found if item is not None), key=_when)
            runs = [fold.runs[run] for run in fold.runs.keys() & changes.runs]
        lines = [line for item in items if _is_question(item) for line in self._once(item.id, _text(item))]
        lines += [line for run in runs for line in self._begun(run)]
        lines += [line for item in items if not _is_question(item) for line in self._item(item)]
        lines += [line for run in runs if run.over for line in self._once(f"{run.id} over", _run(run))]
        return lines

    def _once(self, key: str, line: str) -> Iterator[str]:
        if key not in self._told:
            self._told.add(key)
            yield line

    def _begun(self, run: RunState) -> Iterator[str]:
        if not run.over:
            yield from self._once(f"{run.id} {run.status} {run.attempt} {run.retrying}", _run(run))

    def _item(self, item: AnyItem) -> Iterator[str]:
        match item:
            case Agent(status="open"):
                yield from self._once(f"{item.id} begun", f"[{item.ns}] agent {words.one_line(item.name)} started")
            case Interrupt(status="open"):
                yield from self._once(
                    f"{item.id} asked", f"[{item.ns}] asks ({item.kind}) {words.one_line(item.prompt)}"
                )
            case Artifact():
                for version in item.versions:
                    if version.status == "final" or item.status == "interrupted":
                        line = f"[{item.ns}] artifact {words.artifact(item, version)}"
                        yield from self._once(f"{item.id} {version.version} {version.status}", line)
            case State():
                pass
            case _ if item.status != "open":
                yield from self._once(item.id, _text(item))


def _when(item: AnyItem) -> tuple[int, int]:
    return item.ended or item.started, item.seq


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
