"""The history checker: given what happened, says what should not have. A pure function, used by the tests that break things.

It trusts nothing of the gateway: not its cursors, not its merging of deltas. What it knows of an event is the fold's.

A viewer is shown the log if its frames come in the log's order, each one number after number in its lane, with the log's
content, to the end of every lane. Of deltas that were merged for a viewer that lagged, the texts are compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from schemas import events as ev
from schemas.errors import FoldError
from schemas.fold import fold_all
from schemas.transcript import Transcript

Log = Sequence[ev.Frame]


class View(NamedTuple):
    """What one viewer was shown of one conversation, from its beginning: all frames of all its connections, as they came."""

    viewer: str
    conversation: str
    frames: Log


class History(NamedTuple):
    """`accepted`: of each message that a gateway accepted, its conversation and the run that it named. `logs` and `archive`:
    what there is in the end, by conversation.
    """

    accepted: Mapping[str, tuple[str, str]]
    logs: Mapping[str, Log]
    views: Sequence[View]
    archive: Mapping[str, Transcript]


def check(history: History) -> list[str]:
    """Everything that is wrong, a sentence each; empty if nothing was lost, doubled, reordered or invented."""
    problems = list(_accepted(history))
    for conversation, log in history.logs.items():
        problems += [f"log of {conversation}: {problem}" for problem in _log(log)]
        problems += [f"archive of {conversation}: {problem}" for problem in _archive(history, conversation, log)]
    for view in history.views:
        log = history.logs.get(view.conversation, ())
        problems += [f"{view.viewer} of {view.conversation}: {problem}" for problem in _shown(view.frames, log)]
    return problems


def _accepted(history: History) -> Iterator[str]:
    """Each accepted message stands in the log once, under the run that was named, and that run ended once."""
    for message, (conversation, run) in history.accepted.items():
        log = history.logs.get(conversation, ())
        runs = [
            frame.run
            for frame in log
            for event in frame.events
            if isinstance(event, ev.UserMessage) and event.id == message
        ]
        if runs != [run]:
            yield f"message {message} was accepted as run {run}, and in the log it made {runs or 'none'}"
        ends = sum(frame.run == run for frame in log for event in frame.events if isinstance(event, ev.RUN_ENDS))
        if ends != 1:
            yield f"run {run} ended {ends} times"
    asked = {run for _, run in history.accepted.values()}
    for conversation, log in history.logs.items():
        for run in sorted({frame.run for frame in log if frame.run} - asked):
            yield f"run {run} of {conversation} was not asked for"


def _log(log: Log) -> Iterator[str]:
    """Numbers without a hole in every lane, sequences that grow."""
    yield from _numbers(log)
    ends = Counter(frame.run for frame in log for event in frame.events if isinstance(event, ev.RUN_ENDS))
    yield from (f"run {run} ended {times} times" for run, times in ends.items() if times > 1)


def _numbers(frames: Log) -> Iterator[str]:
    """What the order and the numbers of frames alone say."""
    last: defaultdict[str, int] = defaultdict(int)
    seq = 0
    for frame in frames:
        known, name = last[frame.in_lane], f"{frame.in_lane}:{frame.n}"
        if frame.n <= known:
            yield f"{name} came twice"
        elif frame.n > known + 1:
            yield f"{frame.in_lane}:{known + 1} to {frame.n - 1} are missing before {name}"
        if frame.seq <= seq:
            yield f"{name} came after what follows it (seq {frame.seq} after {seq})"
        last[frame.in_lane] = max(known, frame.last)
        seq = max(seq, frame.seq)


def _shown(frames: Log, log: Log) -> Iterator[str]:
    yield from _numbers(frames)
    stored = {(frame.in_lane, frame.n): frame for frame in log}
    for frame in frames:
        merged = frame.count > 0
        if merged and _texts([frame]) != _texts(_between(log, frame)):
            yield f"{frame.in_lane}:{frame.n} has other texts than the log"
        if not merged and stored.get((frame.in_lane, frame.n)) != frame:
            yield f"{frame.in_lane}:{frame.n} is not what the log has there"
    seen = {frame.in_lane: frame.last for frame in frames}
    for lane, last in {frame.in_lane: frame.last for frame in log}.items():
        if seen.get(lane, 0) < last:
            yield f"{lane}:{seen.get(lane, 0) + 1} to {last}, the end, were not shown"


def _between(log: Log, merged: ev.Frame) -> Iterator[ev.Frame]:
    """The frames of the log that a merged one stands for."""
    return (frame for frame in log if frame.in_lane == merged.in_lane and merged.n <= frame.n <= merged.last)


def _texts(frames: Iterable[ev.Frame]) -> dict[tuple[str, str, str], tuple[int, str]]:
    """By kind, id and namespace: where the text begins, and the text. What is no delta has a place of its own."""
    found: dict[tuple[str, str, str], tuple[int, str]] = {}
    for frame in frames:
        for event in frame.events:
            where = (type(event).__name__, getattr(event, "id", ""), event.ns or frame.ns)
            if not isinstance(event, ev.TEXT_DELTAS):
                return {where: (-1, repr(event))}
            at, text = found.get(where, (event.at, ""))
            if event.at != at + len(text):
                return {where: (-1, f"a hole at {event.at}")}
            found[where] = (at, text + event.text)
    return found


def _archive(history: History, conversation: str, log: Log) -> Iterator[str]:
    archived = history.archive.get(conversation)
    if archived is None:
        yield "there is none"
        return
    try:
        folded = fold_all(conversation, log)
    except FoldError as error:
        yield f"the log cannot be folded: {error}"
        return
    if archived != folded:
        yield from _differing(archived, folded)


def _differing(archived: Transcript, folded: Transcript) -> Iterator[str]:
    """Names what differs, not all of it: a transcript is long."""
    for name in Transcript.__struct_fields__:
        ours, theirs = getattr(archived, name), getattr(folded, name)
        if not isinstance(ours, list):
            if ours != theirs:
                yield f"{name} is {ours!r}, in the log {theirs!r}"
            continue
        mine, other = ({item.id: item for item in items} for items in (ours, theirs))
        wrong = [key for key in {**mine, **other} if mine.get(key) != other.get(key)]
        if wrong:
            yield f"{name} differ in {', '.join(wrong)}"
        elif ours != theirs:
            yield f"{name} stand in another order than in the log"


def frames_of(messages: Iterable[msgspec.Struct]) -> list[ev.Frame]:
    """The frames among the messages that a viewer got."""
    return [frame for message in messages for frame in getattr(message, "frames", ())]
