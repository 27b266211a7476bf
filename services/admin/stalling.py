"""Which runs of a conversation should go on and do not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from schemas import events as ev
from services.broker.input_lane import QueuedRun

Kind = Literal["silent", "queued", "unsealed"]
"""`silent`: it began, and says nothing. `queued`: what it waited for is over. `unsealed`: it has ended and is not archived."""


class Conversation(NamedTuple):
    """`queued`: the runs asked for that the `in` lane still has, in order; `lasts`: the last frame of each run's lane;
    `archived`: those of them that the archive has.
    """

    queued: Sequence[QueuedRun]
    lasts: Mapping[str, ev.Frame]
    archived: frozenset[str]


class Finding(NamedTuple):
    """`idle_s`: since when, in seconds."""

    kind: Kind
    run: str
    idle_s: float


def stalled(conversation: Conversation, now_ms: int, for_s: float) -> list[Finding]:
    """What has stood still for at least `for_s` seconds."""
    found = [*_begun(conversation, now_ms), *_waiting(conversation, now_ms)]
    return [finding for finding in found if finding.idle_s >= for_s]


def _begun(conversation: Conversation, now_ms: int) -> Iterator[Finding]:
    for run, frame in conversation.lasts.items():
        idle_s = (now_ms - _time(frame)) / 1000
        if not _is_over(frame):
            yield Finding("silent", run, idle_s)
        elif run not in conversation.archived:
            yield Finding("unsealed", run, idle_s)


def _waiting(conversation: Conversation, now_ms: int) -> Iterator[Finding]:
    unstarted = {one.run for one in conversation.queued} - conversation.lasts.keys() - conversation.archived
    for one in conversation.queued:
        before = conversation.lasts.get(one.after)
        if one.run not in unstarted or one.after in unstarted or (before is not None and not _is_over(before)):
            continue
        since = max(one.sent, _time(before) if before is not None else 0)
        yield Finding("queued", one.run, (now_ms - since) / 1000)


def _is_over(frame: ev.Frame) -> bool:
    return isinstance(frame.events[-1], ev.RUN_ENDS)


def _time(frame: ev.Frame) -> int:
    """When its last event happened, in ms."""
    return frame.ts + frame.events[-1].dt
