"""What a viewer sees of a conversation: namespaces and granularity, by the same functions live, in replay and in snapshots.

Pure. A subscription that sees part of the conversation folds what it gets with the fold that everybody uses: whatever is
left out here leaves that fold at what `shown` says of the same items. What concerns the conversation as a whole passes
every namespace filter: the `in` lane, the life of runs, their usage, and questions that a person is to answer.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from operator import is_
from typing import NamedTuple

from schemas import events as ev
from schemas import namespace, wire
from schemas import transcript as tr
from schemas.fold import Fold

HELD_FRAMES_MAX = 256
"""After so many frames that the viewer does not see, its cursor is moved on all the same: it must not fall out of the log."""


class View(NamedTuple):
    """`namespaces`: the subtrees to see, all if empty."""

    namespaces: tuple[str, ...] = ()
    granularity: wire.Granularity = "deltas"

    def sees(self, ns: str) -> bool:
        return not self.namespaces or any(namespace.within(ns, subtree) for subtree in self.namespaces)


EVERYTHING = View()


def view_of(namespaces: Iterable[str], granularity: wire.Granularity) -> View:
    """The view a client asked for. Raises Invalid for what is no namespace."""
    return View(tuple(sorted({namespace.check(ns) for ns in namespaces})), granularity)


_DELTAS = frozenset(ev.TEXT_DELTAS)
_FOR_ALL = frozenset(
    {
        ev.RunQueued,
        ev.RunStarted,
        ev.RunWaiting,
        ev.RunRetrying,
        ev.RunCancelling,
        *ev.RUN_ENDS,
        ev.UsageUpdated,
        ev.InterruptRequested,
        ev.InterruptResolved,
    }
)


# --- frames


def project(frame: ev.Frame, view: View, fold: Fold) -> ev.Frame | None:
    """What `view` shows of a frame; None if nothing. `fold` must be at or past the frame: texts that were streamed to
    others are given whole from it.
    """
    if frame.is_input:
        return frame
    events = [
        shown for event in frame.events if _passes(event, view, frame) for shown in _granular(event, view, frame, fold)
    ]
    if not events:
        return None
    if len(events) == len(frame.events) and all(map(is_, events, frame.events)):
        return frame
    return renumbered(frame, frame.n, events)


def renumbered(frame: ev.Frame, n: int, events: list[ev.AnyEvent]) -> ev.Frame:
    """The frame with other events, standing for all numbers from `n` to its last."""
    return ev.Frame(
        run=frame.run,
        n=n,
        ts=frame.ts,
        ns=frame.ns,
        attempt=frame.attempt,
        lane=frame.lane,
        seq=frame.seq,
        count=frame.last - n + 1,
        v=frame.v,
        events=events,
    )


def _passes(event: ev.AnyEvent, view: View, frame: ev.Frame) -> bool:
    return type(event) in _FOR_ALL or view.sees(event.ns or frame.ns)


def _granular(event: ev.AnyEvent, view: View, frame: ev.Frame, fold: Fold) -> Iterator[ev.AnyEvent]:
    if view.granularity == "messages":
        if type(event) in _DELTAS:
            return
        yield from _whole_texts(event, view, frame, fold)
    yield event


def _whole_texts(event: ev.AnyEvent, view: View, frame: ev.Frame, fold: Fold) -> Iterator[ev.AnyEvent]:
    """The texts that `event` closes, each as one delta: for who was not sent them as they grew.

    None for `tool.args`, which replaces the text it closes.
    """
    match event:
        case ev.MessageEnded() | ev.ReasoningEnded() | ev.ToolResult() | ev.ToolFailed():
            item = fold.item(event.id)
            if item is not None:
                yield from _whole_text(item, event.ns, event.dt)
        case ev.ArtifactFinal(content=None, ref=""):
            item = fold.item(event.id)
            if isinstance(item, tr.Artifact):
                yield from _whole_version(item, event.version, event.ns, event.dt)
        case ev.RunCompleted() | ev.RunFailed() | ev.RunCancelled() | ev.RunSuperseded():
            for item in fold.items(frame.run):
                if _closed_by_run_end(item) and view.sees(item.ns):
                    yield from _whole_text(item, "" if item.ns == frame.ns else item.ns, event.dt)


def _closed_by_run_end(item: tr.AnyItem) -> bool:
    """Whether no event of its own closed the item: what is `interrupted` with an end of its own has a `finish`."""
    return item.status == "interrupted" and not (isinstance(item, tr.Message) and item.finish)


def _whole_text(item: tr.AnyItem, ns: str, dt: int) -> Iterator[ev.AnyEvent]:
    match item:
        case tr.Message(content=text) if text:
            yield ev.MessageDelta(id=item.id, at=0, text=text, ns=ns, dt=dt)
        case tr.Reasoning(content=text) if text:
            yield ev.ReasoningDelta(id=item.id, at=0, text=text, ns=ns, dt=dt)
        case tr.ToolCall(args_text=text) if text:
            yield ev.ToolArgsDelta(id=item.id, at=0, text=text, ns=ns, dt=dt)
        case tr.Artifact():
            yield from _whole_version(item, item.versions[-1].version, ns, dt)


def _whole_version(item: tr.Artifact, number: int, ns: str, dt: int) -> Iterator[ev.AnyEvent]:
    for version in item.versions:
        if version.version == number and version.content:
            yield ev.ArtifactDelta(id=item.id, at=0, text=version.content, ns=ns, dt=dt)


class Projection:
    """A view of consecutive frames, for one subscription or feed.

    A viewer of granularity `messages` proves by `n` that nothing is missing, so the numbers of frames it is not shown are
    *held* and given with the next frame that it is: before its cursor moves past them.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._numbers = not view.namespaces
        self._held: dict[str, ev.Frame] = {}
        self._skipped = 0

    def take(self, frames: Sequence[ev.Frame], fold: Fold) -> list[ev.Frame] | None:
        """What the viewer sees of these frames; None if there is nothing to send it and its cursor stays."""
        if self._view == EVERYTHING:
            return list(frames)
        shown: list[ev.Frame] = []
        for frame in frames:
            projected = project(frame, self._view, fold)
            if projected is None:
                self._hold(frame)
            else:
                held = self._held.pop(frame.in_lane, None)
                shown.append(projected if held is None else renumbered(projected, held.n, projected.events))
        if not shown and self._skipped < HELD_FRAMES_MAX:
            return None
        return sorted([*shown, *(self.settle() or [])], key=lambda frame: frame.seq)

    def settle(self) -> list[ev.Frame] | None:
        """The numbers held, as frames without events; None if the viewer's cursor is at the last frame taken."""
        if not self._skipped:
            return None
        held = list(self._held.values())
        self._held.clear()
        self._skipped = 0
        return held

    def _hold(self, frame: ev.Frame) -> None:
        self._skipped += 1
        if self._numbers:
            held = self._held.get(frame.in_lane)
            self._held[frame.in_lane] = renumbered(frame, frame.n if held is None else held.n, [])


# --- items


def shown(item: tr.AnyItem, view: View, fold: Fold) -> tr.AnyItem | None:
    """What `view` shows of an item of the transcript: itself, a copy with less in it, or None."""
    whole = isinstance(item, tr.Interrupt) or (isinstance(item, tr.Message) and item.role == "user")
    if whole:
        return item
    if not view.sees(item.ns):
        return None
    if view.namespaces and isinstance(item, tr.Message) and item.artifacts:
        item = copy.copy(item)
        item.artifacts = [name for name in item.artifacts if _sees_item(name, view, fold)]
    if view.granularity == "messages" and item.status == "open":
        item = _without_open_text(item)
    return item


def _sees_item(item_id: str, view: View, fold: Fold) -> bool:
    item = fold.item(item_id)
    return item is not None and view.sees(item.ns)


def _without_open_text(item: tr.AnyItem) -> tr.AnyItem:
    item = copy.copy(item)
    match item:
        case tr.Message() | tr.Reasoning():
            item.content = ""
        case tr.ToolCall():
            item.args_text = ""
        case tr.Artifact():
            last = copy.copy(item.versions[-1])
            last.content = ""
            item.versions = [*item.versions[:-1], last]
    return item
