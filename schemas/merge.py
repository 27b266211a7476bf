"""Merging adjacent deltas: the writer does it before numbering, the gateway again for a viewer that lags."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.events import TEXT_DELTAS, AnyEvent

_KINDS = frozenset(TEXT_DELTAS)


def merge_deltas(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """The events with every run of adjacent deltas that continue one text (same type, id and namespace) made one.

    The merged delta keeps the first one's `at`, `ns` and `dt`. A run of k deltas costs one join, not k concatenations.
    """
    merged: list[AnyEvent] = []
    chunks: list[str] = []
    end = 0

    def settle() -> None:
        if len(chunks) > 1:
            first = merged[-1]
            merged[-1] = type(first)(id=first.id, at=first.at, text="".join(chunks), ns=first.ns, dt=first.dt)  # type: ignore[union-attr, call-arg]

    for event in events:
        kind = type(event)
        if kind in _KINDS:
            last = merged[-1] if merged else None
            if chunks and type(last) is kind and last.id == event.id and last.ns == event.ns and end == event.at:  # type: ignore[union-attr]
                chunks.append(event.text)  # type: ignore[union-attr]
                end += len(event.text)  # type: ignore[union-attr]
                continue
            settle()
            chunks = [event.text]  # type: ignore[union-attr]
            end = event.at + len(event.text)  # type: ignore[union-attr]
        else:
            settle()
            chunks = []
        merged.append(event)
    settle()
    return merged
