"""The viewer in a terminal: the runs at work drawn below what is over, and a line to type into at the bottom.

Only what fits the terminal is drawn again and again; a run that is over is printed once, whole, into the scrollback.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from schemas.errors import Invalid
from schemas.ids import check_id
from schemas.transcript import Interrupt, RunState
from services.viewer import words
from services.viewer.client import Changes, Link
from services.viewer.editor import Left, LineEditor, Submitted
from services.viewer.paint import Room, Tail, paint_live, paint_run
from services.viewer.view import Index, RunView
from services.viewer.visit import Visit

FRAME_S = 1 / 12
"""Between two drawings: text still seems to flow, and drawing costs a few per cent of a core (1.3 ms each)."""

HISTORY_RUNS_MAX = 20
"""Of a conversation that was there before: the runs printed on joining. The API has them all."""

ROOM_LINES_MIN = 3
PROMPT_LINES_MAX = 6
KEYS_BYTES_MAX = 64 * 1024

LINK_STYLES: dict[Link, str] = {"live": "green", "failed": "red", "gap": "red", "reconnecting": "red"}


class Terminal:
    def __init__(self, visit: Visit, console: Console, *, typing: bool) -> None:
        """`typing`: a person may type; else the visit ends when what was said is answered."""
        self._visit = visit
        self._console = console
        self._editor = LineEditor() if typing else None
        self._index = Index()
        self._printed: set[str] = set()

    async def run(self) -> None:
        with (
            self._keyboard(),  # outside: what it writes to the terminal is not for Live to draw
            Live(console=self._console, auto_refresh=False, transient=True, vertical_overflow="crop") as live,
        ):
            async with self._visit.connected():
                while not self._visit.leaving.is_set():
                    await self._visit.changed.wait()
                    self._visit.changed.clear()
                    self._show(live)
                    await asyncio.sleep(FRAME_S)
            live.update(Text(), refresh=True)
        for view in self._active():
            self._console.print(paint_run(view, Room()))

    @contextlib.contextmanager
    def _keyboard(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGWINCH, self._visit.changed.set)
        try:
            with keys(self._typed) if self._editor is not None else contextlib.nullcontext():
                yield
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)

    # --- what a person types

    def _typed(self, text: str) -> None:
        if not text or self._editor is None:
            self._visit.leave()
            return
        for done in self._editor.feed(text):
            match done:
                case Left():
                    self._visit.leave()
                case Submitted(text=line):
                    self._submit(line)
        self._visit.changed.set()

    def _submit(self, line: str) -> None:
        """A line answers what a run asks, if one asks; changes the agent; or is a message."""
        command, _, argument = line.partition(" ")
        asked = self._asked()
        if command in {"/quit", "/exit"}:
            self._visit.leave()
        elif command == "/agent":
            self._switch(argument.strip())
        elif asked is not None:
            self._visit.answer(asked, line)
        else:
            self._visit.say(line)

    def _switch(self, agent: str) -> None:
        try:
            self._visit.agent = check_id(agent, "agent")
        except Invalid as error:
            self._console.print(Text(error.message, "red"))

    def _asked(self) -> Interrupt | None:
        return next((asked for view in self._active() for asked in view.interrupts), None)

    # --- what is drawn

    def _show(self, live: Live) -> None:
        client = self._visit.client
        changes = client.take_changes()
        self._index.update(client.fold, changes)
        for run in self._ended(changes):
            self._console.print(paint_run(self._index.view(client.fold, run), Room()))
        for notice in client.take_notices():
            self._console.print(Text(f"refused: {words.printable(notice)}", "red"))
        live.update(self._screen(), refresh=True)
        if self._editor is None and self._visit.idle:
            self._visit.leave()

    def _ended(self, changes: Changes) -> list[RunState]:
        """The runs to print: over, and not printed yet."""
        runs = self._visit.client.fold.runs
        candidates = runs if changes.reset else changes.runs & runs.keys()
        new = [runs[run] for run in candidates if runs[run].over and run not in self._printed]
        self._printed.update(run.id for run in new)
        if len(new) > HISTORY_RUNS_MAX:
            self._console.print(Text(f"({len(new) - HISTORY_RUNS_MAX} earlier runs are not shown)", "dim"))
        return sorted(new, key=_place)[-HISTORY_RUNS_MAX:]

    def _active(self) -> list[RunView]:
        fold = self._visit.client.fold
        return [self._index.view(fold, run) for run in fold.active_runs]

    def _screen(self) -> RenderableType:
        below = [*self._unsent(), self._status()]
        if self._editor is not None:
            below.append(self._prompt(self._editor))
        views = self._active()
        if not views:
            return Group(*below)
        taken = len(self._console.render_lines(Group(*below), pad=False))
        return Group(paint_live(views, max(ROOM_LINES_MIN, self._console.height - taken - 1)), *below)

    def _unsent(self) -> list[RenderableType]:
        return [
            Text(f"> {words.clip(words.one_line(send.text))}  (sending)", "dim", no_wrap=True, overflow="ellipsis")
            for send in self._visit.client.unsent[-3:]
        ]

    def _status(self) -> Text:
        client = self._visit.client
        status = Text(no_wrap=True, overflow="ellipsis")
        status.append(f"● {client.link}", LINK_STYLES.get(client.link, "yellow"))
        status.append(" · Ctrl-C cancels" if client.fold.active_runs else " · Ctrl-D leaves")
        return status.append(f" · conversation {client.conversation} · cursor {client.cursor or '-'}", "dim")

    def _prompt(self, editor: LineEditor) -> RenderableType:
        asked = self._asked()
        who = "your answer" if asked is not None else self._visit.agent
        prompt = Text(f"{who} > ", "bold")
        prompt.append(words.printable(editor.text[: editor.at]), "not bold")
        prompt.append(words.printable(editor.text[editor.at : editor.at + 1]).replace("\n", " \n") or " ", "reverse")
        prompt.append(words.printable(editor.text[editor.at + 1 :]), "not bold")
        return Tail(prompt, PROMPT_LINES_MAX)


def _place(run: RunState) -> int:
    return run.seq


@contextlib.contextmanager
def keys(on_text: Callable[[str], None]) -> Iterator[None]:
    """Read the keyboard key by key while inside; `on_text("")` says that the terminal has gone."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    before = termios.tcgetattr(descriptor)

    def read() -> None:
        data = os.read(descriptor, KEYS_BYTES_MAX)
        if not data:
            loop.remove_reader(descriptor)
        text = decoder.decode(data)
        if text or not data:
            on_text(text)

    tty.setcbreak(descriptor)
    sys.stdout.write("\x1b[?2004h")  # a paste comes marked as one
    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        sys.stdout.write("\x1b[?2004l")
        sys.stdout.flush()
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
