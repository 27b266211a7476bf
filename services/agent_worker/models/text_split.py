"""Text as upstreams really cut it: thinking inside the answer, tags over two deltas, half characters."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

OPEN = "<think>"
CLOSE = "</think>"

_HIGH = re.compile("[\ud800-\udbff]\\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Piece(NamedTuple):
    kind: Literal["text", "reasoning"]
    text: str


class ThinkSplitter:
    """Takes `<think>…</think>` out of an answer, also where a tag comes in pieces.

    Only at the start of the answer, or right after another thought, is it a tag: further on it is an answer that talks
    about tags. White space around a thought belongs to neither. A `</think>` that nothing opened is left as it stands.
    """

    def __init__(self) -> None:
        self._held = ""
        self._mode: Literal["opening", "thinking", "text"] = "opening"
        self._trims = False

    def feed(self, text: str) -> list[Piece]:
        if self._mode == "text":
            return [Piece("text", text)] if text else []
        self._held += text
        pieces: list[Piece] = []
        while self._advance(pieces):
            pass
        return pieces

    def flush(self) -> list[Piece]:
        """The end: what was held back because a tag could have followed."""
        held, self._held = self._held, ""
        held = held.lstrip() if self._trims else held
        return [Piece("reasoning" if self._mode == "thinking" else "text", held)] if held else []

    def _advance(self, pieces: list[Piece]) -> bool:
        """Take one step; False when more text is needed to take another."""
        if self._mode == "text":
            return self._emit(pieces, "text", self._held, "")
        if self._mode == "thinking":
            thought, closed, rest = self._held.partition(CLOSE)
            if closed:
                self._emit(pieces, "reasoning", thought, rest)
                self._mode, self._trims = "opening", True
                return True
            cut = len(self._held) - _overlap(self._held, CLOSE)
            return self._emit(pieces, "reasoning", self._held[:cut], self._held[cut:])
        start = self._held.lstrip()
        if start.startswith(OPEN):
            self._mode, self._trims, self._held = "thinking", True, start[len(OPEN) :]
            return True
        if OPEN.startswith(start):
            return False
        self._mode = "text"
        return True

    def _emit(self, pieces: list[Piece], kind: Literal["text", "reasoning"], text: str, rest: str) -> bool:
        text = text.lstrip() if self._trims else text
        if text:
            pieces.append(Piece(kind, text))
            self._trims = False
        self._held = rest
        return False


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    return next((size for size in range(min(len(tag) - 1, len(text)), 0, -1) if tag.startswith(text[-size:])), 0)


class WholeCharacters:
    """Joins a surrogate pair that an upstream cut in two, and replaces a lone half: neither can be written as UTF-8."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        if not self._half and not _SURROGATE.search(text):
            return text
        text = self._half + text
        self._half = text[-1:] if _HIGH.search(text) else ""
        return _repaired(text.removesuffix(self._half) if self._half else text)


def _repaired(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
