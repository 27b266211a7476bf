"""Figures: what was measured, over how many windows, and whether it reaches its target."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`value` is the median of `windows`. Without a limit the figure is there to explain another one."""

    bench: str
    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    windows: list[float] = []

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"≤ {short(self.at_most)}"
        return "" if self.at_least is None else f"≥ {short(self.at_least)}"

    @property
    def verdict(self) -> str:
        if not self.target:
            return ""
        high = self.at_most is not None and self.value > self.at_most
        low = self.at_least is not None and self.value < self.at_least
        return "MISS" if high or low else "pass"


def figure(
    bench: str,
    name: str,
    windows: Sequence[float],
    unit: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Figure:
    """A figure from one value per window."""
    return Figure(
        bench=bench,
        name=name,
        value=statistics.median(windows),
        unit=unit,
        at_most=at_most,
        at_least=at_least,
        windows=[round(value, 6) for value in windows],
    )


def short(value: float) -> str:
    """Three digits that matter."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of the sorted values do not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def table(figures: Iterable[Figure]) -> str:
    """As Markdown, which also reads well in a terminal."""
    rows = [("bench", "figure", "median", "windows", "target", "")]
    for entry in figures:
        windows = " ".join(short(value) for value in entry.windows)
        rows.append(
            (entry.bench, entry.name, f"{short(entry.value)} {entry.unit}", windows, entry.target, entry.verdict)
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
