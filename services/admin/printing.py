"""How a command says what it found: a table for a person, or one JSON document for a program."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

RIGHT = ">"
"""Before the title of a column of numbers."""


def print_json(value: Any) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns, two spaces apart. A title that begins with RIGHT stands over a column of numbers."""
    plain = [title.removeprefix(RIGHT) for title in titles]
    widths = [max(len(row[index]) for row in (plain, *rows)) for index in range(len(plain))]
    for row in (plain, *rows):
        cells = [
            cell.rjust(width) if title.startswith(RIGHT) else cell.ljust(width)
            for cell, width, title in zip(row, widths, titles, strict=True)
        ]
        print("  ".join(cells).rstrip())


def time_text(ms: int) -> str:
    """A time in ms since 1970, UTC to the second."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
