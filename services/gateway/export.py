"""Export: a conversation as a file to keep: JSON for programs, Markdown for people. Pure.

What was said is Markdown itself, and may be broken or hostile. So it stands in a block quote, which ends whatever a text
leaves open (CommonMark §5.1), or in a fence longer than any in it; names are escaped. No text can end the place it was put in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from schemas import namespace
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
    Transcript,
)

Format = Literal["json", "markdown"]

_LINE_END = re.compile(r"\r\n|\n|\r")
"""What ends a line in CommonMark. Python's `splitlines` knows more, which are characters of a line there."""

_SPACES = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_SPECIAL = re.compile(r"([\\`*_\[\]<>&#~|!$])")

_LANGUAGES = {
    "application/json": "json",
    "image/svg+xml": "svg",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "markdown",
}
_BOXES = {"pending": " ", "active": " ", "done": "x", "dropped": " "}


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """`version` is that of this form. `objects` has the contents that are no text, in base64, by the `ref` of the artifact's
    version; one that is neither there nor text was too large, or is gone.
    """

    version: Literal[1] = 1
    id: str
    cursor: str
    exported: int
    transcript: Transcript
    objects: dict[str, bytes] = {}


def markdown(transcript: Transcript) -> str:
    """The conversation in the order of its log: who speaks as headings, agents that were called as quotes."""
    agents = {run.id: run.agent for run in transcript.runs}
    lines = [f"# {inline(transcript.title) or transcript.conversation}", ""]
    if transcript.created:
        lines += [f"Conversation {transcript.conversation}, begun {_time(transcript.created)}.", ""]
    for item in transcript.items:
        depth = item.ns.count("/")
        lines += [*quoted(_item(item, agents.get(item.run, "")), depth), ""]
    if transcript.runs:
        lines += ["## Runs", "", *map(_run, transcript.runs), ""]
    return "\n".join(lines)


def inline(text: str) -> str:
    """`text` within a line, as itself."""
    return _SPECIAL.sub(r"\\\1", _SPACES.sub(" ", text).strip())


def quoted(lines: Iterable[str], depth: int = 1) -> Iterator[str]:
    """The lines in as many block quotes."""
    return ("> " * depth + line if line else ">" * depth for line in lines)


def fenced(text: str, language: str = "") -> list[str]:
    """A block that shows `text` as it stands, whatever fences are in it. `language` is one of ours."""
    longest = max((len(ticks) for ticks in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    lines = _LINE_END.split(text)
    return [fence + language, *(lines if lines[-1] else lines[:-1]), fence]


def _item(item: AnyItem, agent: str) -> list[str]:
    who = inline(_speaker(item.ns, agent))
    by = "" if item.ns == namespace.ROOT else f"{who} · "  # several at once take turns in the log
    match item:
        case Message(role="user"):
            return [f"## You{_at(item)}", "", *_said(item.content)]
        case Message():
            return [f"{'##' if item.ns == namespace.ROOT else '###'} {who}{_at(item)}", "", *_said(item.content)]
        case Reasoning():
            return [f"**{who}, thinking**", "", *_said(item.content)]
        case ToolCall():
            return _tool(item, by)
        case Agent():
            about = f": {inline(item.description)}" if item.description else ""
            return [f"**Agent {inline(item.name)}**{about} ({_status(item)})", *_error(item.error)]
        case Artifact():
            return _artifact(item, by)
        case Interrupt():
            return _interrupt(item, by)
        case Step():
            return [f"**{by}Step** {inline(item.name)} ({_status(item)})"]
        case Plan():
            return [f"**{by}Plan**", "", *(f"- [{_BOXES[one.status]}] {inline(one.text)}" for one in item.items)]
        case Source():
            return [
                f"**{by}Source** {inline(item.title)} {inline(item.url)}",
                *(_said(item.quote) if item.quote else ()),
            ]
        case LogEntry():
            return [f"**{by}Log** {inline(item.level)}: {inline(item.text)}"]
        case State():
            return [f"**{by}State**", "", *_json(item.value)]


def _speaker(ns: str, agent: str) -> str:
    if ns == namespace.ROOT:
        return agent or namespace.ROOT
    return " / ".join(element.partition(":")[0] for element in ns.split("/")[1:])


def _said(text: str) -> Iterator[str]:
    return quoted(_LINE_END.split(text.replace("\x00", "\ufffd").strip("\r\n")))


def _tool(item: ToolCall, by: str) -> list[str]:
    title = f": {inline(item.title)}" if item.title else ""
    lines = [f"**{by}Tool {inline(item.name)}**{title} ({_status(item)})", ""]
    lines += _json(item.args) if item.args is not None else fenced(item.args_text)
    if item.result is not None:
        lines += ["", "Result:", "", *(fenced(item.result) if isinstance(item.result, str) else _json(item.result))]
    return lines + _error(item.error)


def _artifact(item: Artifact, by: str) -> list[str]:
    last = item.versions[-1] if item.versions else None
    version = f", version {last.version}" if last is not None else ""
    lines = [f"**{by}Artifact {inline(item.name)}** ({inline(item.media_type)}{version})", ""]
    if last is None or last.content is None:
        return [*lines, f"{last.size if last else 0} bytes that are not in this file."]
    language = _LANGUAGES.get(item.media_type.partition(";")[0].strip().lower(), "")
    return lines + fenced(last.content, "json" if item.media_type.endswith("+json") else language)


def _interrupt(item: Interrupt, by: str) -> list[str]:
    lines = [f"**{by}Question** ({item.kind})", "", *_said(item.prompt)]
    lines += ["", *(f"- {inline(option)}" for option in item.options)] if item.options else []
    lines += ["", "Answer: " + (inline(item.decision) or "none yet")]
    return lines if item.value is None else [*lines, "", *_json(item.value)]


def _error(error: Any) -> list[str]:
    return [] if error is None else ["", f"Error {inline(error.code)}: {inline(error.message)}"]


def _json(value: Any) -> list[str]:
    return fenced(msgspec.json.format(msgspec.json.encode(value)).decode(), "json")


def _run(run: RunState) -> str:
    took = f", {(run.ended - run.started) / 1000:.1f} s" if run.started and run.ended else ""
    used = "".join(f", {inline(one.model)}: {one.input} tokens in, {one.output} out" for one in run.usage)
    failed = f". Error {inline(run.error.code)}: {inline(run.error.message)}" if run.error is not None else ""
    return f"- {inline(run.agent)}: {run.status}{took}{used}{failed}"


def _status(item: AnyItem) -> str:
    took = f" in {(item.ended - item.started) / 1000:.1f} s" if item.started and item.ended else ""
    return item.status + took


def _at(item: AnyItem) -> str:
    return f" ({_time(item.started)})" if item.started else ""


def _time(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):  # a year that no calendar has
        return f"{ms} ms"
