"""What Rich draws: panels for agents, nested as their namespaces are, with what each says, does and makes inside.

A run is drawn in one of two ways. *Live*: as small as it can be, so that all agents at work fit the terminal: texts show
their end, agents that are done fold to one line. *Whole*: once, for the scrollback, when the run is over.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple

from rich.box import ROUNDED
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.panel import Panel
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from schemas.transcript import (
    Agent,
    AnyItem,
    Artifact,
    Interrupt,
    LogEntry,
    Message,
    Plan,
    Reasoning,
    Source,
    Step,
    ToolCall,
)
from services.viewer import words
from services.viewer.view import Node, RunView

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "bright_red", "bright_cyan", "bright_magenta")
STATUS_COLOURS = {"completed": "green", "failed": "red", "cancelled": "yellow", "superseded": "yellow"}
PLAN_MARKS = {"pending": "☐", "active": "▸", "done": "☑", "dropped": "☒"}

BAR_CELLS = 20
ARGS_CHARS_MAX = 48
"""Of a tool's arguments: its result is on the same line."""

PREVIEW_LINES = 8
"""Of an artifact's text, in the scrollback: enough to recognise it."""

FRAME_LINES = 3
"""Of a panel: its border, and a line for what is not said but done."""

SHRUNK_LINES_MAX = 2
"""Live, of what an agent said before it called another one."""

LINE_CHARS_MAX = 400
"""A terminal line holds fewer: what is cut off before wrapping could not have been seen in that many lines."""


class Room(NamedTuple):
    """How much of a run to draw: the `lines` that an agent at work may use for what it says; None: everything."""

    lines: int | None = None

    @property
    def whole(self) -> bool:
        return self.lines is None


class Tail:
    """The last lines of something drawn."""

    def __init__(self, renderable: RenderableType, lines: int) -> None:
        self._renderable = renderable
        self._lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawn = console.render_lines(self._renderable, options.update(height=None), pad=False)
        for line in drawn[-self._lines :]:
            yield from line
            yield Segment.line()


def colour_of(agent: str) -> str:
    """The same agent has the same colour, in every run and every terminal."""
    return COLOURS[zlib.crc32(agent.encode()) % len(COLOURS)]


def paint_live(views: list[RunView], lines: int) -> RenderableType:
    """The runs that have not ended, in at most `lines` lines: those that wait take one line each."""
    at_work = sum(node.open for view in views for node in view.root.walk()) or 1
    room = Room(max(1, lines // at_work - FRAME_LINES))
    return Tail(Group(*(paint_run(view, room) for view in views)), lines)


def paint_run(view: RunView, room: Room) -> RenderableType:
    run = view.run
    parts: list[RenderableType] = []
    if view.question is not None:
        parts.append(_text(f"> {words.printable(view.question.content)}", "bold", None if room.whole else 2))
    if words.waits(run):
        parts.append(Text("  … waits for the run before it", "dim"))
        return Group(*parts)
    parts.append(_panel(view.root, words.one_line(run.agent) or view.root.ns, room, _run_summary(view)))
    return Group(*parts)


def _run_summary(view: RunView) -> Text:
    run = view.run
    summary = Text(words.run_status(run), STATUS_COLOURS.get(run.status, "bold"))
    if run.usage:
        summary.append(f" · {words.usage(run)}", "dim")
    return summary


def _panel(node: Node, name: str, room: Room, subtitle: Text | None = None) -> Panel:
    colour = colour_of(name.partition(":")[0])
    content = list(_content(node, room)) or [Text("…", "dim")]
    return Panel(
        Group(*content),
        box=ROUNDED,
        title=_title(node, name, colour),
        title_align="left",
        subtitle=subtitle,
        subtitle_align="right",
        border_style=colour,
        padding=(0, 1),
    )


def _title(node: Node, name: str, colour: str) -> Text:
    title = Text(name, f"bold {colour}", no_wrap=True, overflow="ellipsis")
    if node.agent is not None and node.agent.description:
        title.append(f" · {words.clip(words.one_line(node.agent.description), 60)}", "default not bold")
    if node.agent is not None and node.agent.status != "open":
        title.append(f" · {_ended(node.agent)}", "default not bold")
    return title


def _ended(agent: Agent) -> str:
    mark = {"done": "✓", "failed": "✗"}.get(agent.status, "∅ interrupted")
    error = f" {words.one_line(agent.error.message)}" if agent.error is not None else ""
    return f"{mark}{error} {words.took(agent.started, agent.ended)}" if agent.ended else f"{mark}{error}"


def _content(node: Node, room: Room) -> Iterable[RenderableType]:
    """The node's parts in their order; live, what an agent said before it called another one shrinks."""
    segment: list[AnyItem] = []
    for part in node.content:
        if isinstance(part, Node):
            yield from _segment(segment, Room(min(SHRUNK_LINES_MAX, room.lines)) if room.lines is not None else room)
            segment = []
            yield _nested(part, room)
        else:
            segment.append(part)
    yield from _segment(segment, room)


def _nested(node: Node, room: Room) -> RenderableType:
    name = node.ns.rpartition("/")[2]
    if room.whole or node.open:
        return _panel(node, name, room)
    line = _line(f"▸ {name}", f"bold {colour_of(name.partition(':')[0])}")
    if node.agent is not None:
        line.append(f" {_ended(node.agent)}", "not bold")
    return line.append(f" · {_counted(node)}", "dim not bold")


def _counted(node: Node) -> str:
    """`2 messages, 1 tool, 3 artifacts`, of the node and all in it."""
    parts = [part for inner in node.walk() for part in inner.content]
    kinds = (("message", Message), ("tool", ToolCall), ("artifact", Artifact))
    counts = [(sum(isinstance(part, kind) for part in parts), word) for word, kind in kinds]
    return ", ".join(f"{count} {word}{'s' * (count > 1)}" for count, word in counts if count) or "nothing said"


def _segment(items: list[AnyItem], room: Room) -> Iterable[RenderableType]:
    if not items:
        return
    if room.lines is None:
        yield from (_item(item, None) for item in items)
    else:
        yield Tail(Group(*(_item(item, room.lines) for item in items[-room.lines :])), room.lines)


def _item(item: AnyItem, lines: int | None) -> RenderableType:
    """`lines`: how many of a text are wanted; None for all of it."""
    match item:
        case Message() if lines is None and item.status == "done":
            return Markdown(words.printable(item.content), hyperlinks=False)
        case Message():
            return _text(words.printable(item.content) + _caret(item), "", lines)
        case Reasoning():
            return _text(words.printable(item.content) + _caret(item), "dim italic", lines)
        case ToolCall():
            return _tool(item)
        case Artifact():
            return _artifact(item, lines)
        case Plan():
            steps = (_line(f"{PLAN_MARKS[step.status]} {words.one_line(step.text)}") for step in item.items)
            return Group(*steps)
        case Step():
            return _line(f"{'…' if item.status == 'open' else '✓'} {words.one_line(item.name)}", "dim")
        case Interrupt():
            return _interrupt(item)
        case Source():
            return _line(f"◦ {words.one_line(item.title)} {words.one_line(item.url)}", "dim")
        case LogEntry():
            return _line(f"{item.level}: {words.one_line(item.text)}", "red" if item.level == "error" else "dim")
    return Text()


def _tool(item: ToolCall) -> Text:
    """One line; while it works the bar comes first, so that bars stand below each other."""
    call = words.call(item, ARGS_CHARS_MAX)
    line = _line("⚙ ")
    if item.error is not None:
        error = f"  ✗ {words.one_line(item.error.code)}: {words.one_line(item.error.message)}"
        return line.append(call).append(error, "red")
    if item.status == "done":
        return line.append(call).append("  ✓ ", "green").append(words.value(item.result), "dim")
    if item.status == "interrupted":
        return line.append(call).append("  interrupted", "yellow")
    if item.progress is None:
        return line.append(call)
    percent = max(0, min(100, item.progress.percent))
    done = BAR_CELLS * percent // 100
    line.append("━" * done, "green").append("━" * (BAR_CELLS - done), "bright_black")
    said = " ".join(part for part in (item.progress.step, item.progress.text) if part)
    return line.append(f" {percent:3d} % ", "bold").append(call).append(f"  {words.one_line(said)}", "dim")


def _artifact(item: Artifact, lines: int | None) -> RenderableType:
    version = item.versions[-1]
    style = {"final": "green", "intermediate": "yellow"}[version.status]
    parts: list[RenderableType] = [
        _line(f"▤ {words.artifact(item, earlier)}", "dim") for earlier in item.versions[:-1] if lines is None
    ]
    parts.append(_line(f"▤ {words.artifact(item, version)}", style))
    content = words.printable(version.content or "")
    if lines is None and content:
        shown = content.splitlines()[:PREVIEW_LINES]
        parts += [_line(f"  {words.clip(line, LINE_CHARS_MAX)}", "dim") for line in shown]
    elif content and item.status == "open":
        parts.append(_line(f"  {content[-LINE_CHARS_MAX:].strip().rpartition(chr(10))[2]}", "dim"))
    return Group(*parts)


def _interrupt(item: Interrupt) -> Text:
    if item.status != "open":
        return _line(f"? {words.one_line(item.prompt)}  {item.decision}", "dim")
    asked = _line(f"? {words.one_line(item.prompt)}", "bold yellow")
    if item.kind == "approval":
        return asked.append(f"  {words.one_line(item.tool)} {words.value(item.args)}  [y/n]", "not bold")
    options = (f"{number}) {words.one_line(option)}" for number, option in enumerate(item.options, 1))
    return asked.append("  " + "  ".join(options), "not bold")


def _caret(item: Message | Reasoning) -> str:
    return {"open": "▌", "interrupted": " (interrupted)"}.get(item.status, "")


def _line(text: str, style: str | Style = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def _text(text: str, style: str, lines: int | None) -> RenderableType:
    if lines is None:
        return Text(text, style)
    return Tail(Text(text[-lines * LINE_CHARS_MAX :], style), lines)
