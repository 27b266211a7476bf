"""The line a person types into while everything above it moves: keys in, lines out. No IO."""

from __future__ import annotations

import re
from typing import NamedTuple

from schemas.wire import TEXT_CHARS_MAX

HISTORY_LINES_MAX = 200

_KEY = re.compile(
    r"\x1b\[200~(?P<paste>.*?)\x1b\[201~"  # bracketed paste: its line ends do not submit
    r"|\x1b[\[O](?P<key>[0-9;]*[A-Za-z~])"
    r"|(?P<char>[^\x1b])"
    r"|\x1b[^\[O]",  # Alt and a key: nothing to us
    re.DOTALL,
)


class Submitted(NamedTuple):
    text: str


class Left(NamedTuple):
    """Ctrl-D on an empty line."""


class LineEditor:
    def __init__(self) -> None:
        self.text = ""
        self.at = 0
        self._raw = ""
        self._history: list[str] = []
        self._recalled = 0

    def feed(self, typed: str) -> list[Submitted | Left]:
        """Take what the terminal sent; a key's sequence may come in pieces. Returns what was submitted with it."""
        self._raw += typed
        done: list[Submitted | Left] = []
        while found := _KEY.match(self._raw):
            self._raw = self._raw[found.end() :]
            if found["paste"] is not None:
                self._insert(found["paste"].replace("\r", "\n"))
            elif found["key"] is not None:
                self._move(found["key"])
            elif found["char"] is not None:
                done += self._press(found["char"])
        self._raw = self._raw[-TEXT_CHARS_MAX:]  # a paste that never ends
        return done

    def _press(self, char: str) -> list[Submitted | Left]:
        match char:
            case "\r" | "\n":
                return self._submit()
            case "\x04" if not self.text:
                return [Left()]
            case "\x7f" | "\x08":
                self._cut(self.at - 1, self.at)
            case "\x01":
                self.at = 0
            case "\x05":
                self.at = len(self.text)
            case "\x15":
                self._cut(0, self.at)
            case "\x0b":
                self._cut(self.at, len(self.text))
            case "\x17":
                self._cut(len(re.sub(r"\S+\s*\Z", "", self.text[: self.at])), self.at)
            case _ if char.isprintable():
                self._insert(char)
        return []

    def _submit(self) -> list[Submitted | Left]:
        text, self.text, self.at = self.text.strip(), "", 0
        if not text:
            return []
        self._history = [*self._history, text][-HISTORY_LINES_MAX:]
        self._recalled = len(self._history)
        return [Submitted(text)]

    def _move(self, key: str) -> None:
        match key:
            case "D":
                self.at = max(0, self.at - 1)
            case "C":
                self.at = min(len(self.text), self.at + 1)
            case "H" | "1~":
                self.at = 0
            case "F" | "4~":
                self.at = len(self.text)
            case "3~":
                self._cut(self.at, self.at + 1)
            case "A":
                self._recall(self._recalled - 1)
            case "B":
                self._recall(self._recalled + 1)

    def _recall(self, index: int) -> None:
        self._recalled = max(0, min(len(self._history), index))
        self.text = [*self._history, ""][self._recalled]
        self.at = len(self.text)

    def _insert(self, text: str) -> None:
        text = text[: TEXT_CHARS_MAX - len(self.text)]
        self.text = self.text[: self.at] + text + self.text[self.at :]
        self.at += len(text)

    def _cut(self, start: int, end: int) -> None:
        start = max(0, start)
        self.text = self.text[:start] + self.text[end:]
        self.at = start
