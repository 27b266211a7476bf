"""Coalescing: frames that bring nothing but text become fewer and larger ones, for a viewer that is behind. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schemas import events as ev
from schemas.merge import merge_deltas

_DELTAS = frozenset(ev.TEXT_DELTAS)


def coalesce(frames: Iterable[ev.Frame]) -> list[ev.Frame]:
    """The same log in fewer frames: neighbours of one lane and attempt that hold only deltas become one, with `count`.

    Frames with anything else in them stay as they are: an item remembers the frame that opened it.
    """
    result: list[ev.Frame] = []
    group: list[ev.Frame] = []
    for frame in frames:
        only_deltas = all(type(event) in _DELTAS for event in frame.events)
        if group and not (only_deltas and _continues(group[-1], frame)):
            result.append(_one(group))
            group = []
        if only_deltas:
            group.append(frame)
        else:
            result.append(frame)
    if group:
        result.append(_one(group))
    return result


def _continues(last: ev.Frame, frame: ev.Frame) -> bool:
    return frame.n == last.last + 1 and frame.in_lane == last.in_lane and frame.attempt == last.attempt


def _one(group: Sequence[ev.Frame]) -> ev.Frame:
    first, last = group[0], group[-1]
    if first is last:
        return first
    texts: dict[str, list[ev.AnyEvent]] = {}  # deltas of two texts may change places; those of one may not
    for frame in group:
        for event in frame.events:
            assert isinstance(event, ev.TEXT_DELTAS)
            ns = event.ns or frame.ns
            dt = max(0, frame.ts + event.dt - first.ts)
            moved = type(event)(id=event.id, at=event.at, text=event.text, ns="" if ns == first.ns else ns, dt=dt)
            texts.setdefault(event.id, []).append(moved)
    return ev.Frame(
        run=first.run,
        n=first.n,
        ts=first.ts,
        ns=first.ns,
        attempt=first.attempt,
        lane=first.lane,
        seq=last.seq,
        count=last.last - first.n + 1,
        v=first.v,
        events=merge_deltas(event for deltas in texts.values() for event in deltas),
    )
