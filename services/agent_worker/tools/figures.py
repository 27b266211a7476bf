"""Figures in prose: "The Nile is 6,650 km long, the Rhine 1,230 km" becomes rows with one unit. Pure."""

from __future__ import annotations

import re

import msgspec

LABEL_WORDS_MAX = 5

_FIGURE = re.compile(
    r"(?P<label>[^\W\d_][^\n,;:.()=]{1,60}?)\s*(?:[:=(]|\s)\s*"
    r"(?P<number>-?\d{1,3}(?:[,\u202f]\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?)(?P<unit>\s?%|\s[^\W\d_][\w³²/]{0,12}|)(?!\w)"
)
_EMPTY = frozenset(
    {
        "a",
        "about",
        "an",
        "and",
        "are",
        "as",
        "at",
        "by",
        "has",
        "in",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "than",
        "that",
    }
    | {"the", "to", "was", "were", "with", "which", "while", "carries", "compare", "only", "long", "around", "nearly"}
)


class Figure(msgspec.Struct, frozen=True):
    label: str
    value: float


class Figures(msgspec.Struct, frozen=True):
    """Rows that can be compared, because they have the same `unit`. `source` says where they were found."""

    source: str
    unit: str
    rows: list[Figure]


def figures_in(text: str, source: str) -> Figures:
    """The largest group of figures with one unit, each label once, in the order of the text."""
    groups: dict[str, dict[str, float]] = {}
    for found in _FIGURE.finditer(text):
        label = _label(found["label"])
        if label:
            number = float(re.sub(r"[,\u202f]", "", found["number"]))
            unit = found["unit"].strip()
            groups.setdefault("" if unit in _EMPTY else unit, {}).setdefault(label, number)
    unit, rows = max(groups.items(), key=lambda group: len(group[1]), default=("", {}))
    return Figures(source, unit, [Figure(label, value) for label, value in rows.items()])


def _label(words: str) -> str:
    kept = [word.strip("-\"'*`") for word in words.split()]
    kept = [word for word in kept if word and word.lower() not in _EMPTY]
    return " ".join(kept[-LABEL_WORDS_MAX:])
