"""Conversations for loads: their opening frames, and lanes that grow by one stamped delta a frame.

A stamp `@<ns>;` in a delta's text is the monotonic clock at the moment of its emission, which all processes of a host share:
whoever receives the text, however it is wrapped, knows how long it took.
"""

from __future__ import annotations

import re
import time

from schemas import events as ev
from schemas import subjects
from schemas.codec import encode_frame

TENANT = "default"
PARTITION = 0
STAMP = re.compile(rb"@(\d+);")
MESSAGE = "m1-1"


def stamp() -> str:
    return f"@{time.monotonic_ns()};"


def token(number: int) -> str:
    """The tokens of a text that can be checked afterwards: 2 to 7 characters, like a model's."""
    return f" {number % 100_003}"


def subject(conversation: str, lane: str) -> str:
    return subjects.event(PARTITION, TENANT, conversation, lane)


def run_of(conversation: str) -> str:
    return f"r-{conversation}"


def opening(conversation: str) -> list[tuple[str, bytes]]:
    """Subjects and data: a user's message, and the run that begins to answer it."""
    run = run_of(conversation)
    asked: list[ev.AnyEvent] = [
        ev.ConversationCreated(title=conversation),
        ev.UserMessage(id="u1", text="go", agent="team"),
        ev.RunQueued(agent="team", message="u1"),
    ]
    begun: list[ev.AnyEvent] = [ev.RunStarted(agent="team"), ev.MessageStarted(id=MESSAGE)]
    return [
        (subject(conversation, "in"), encode_frame(ev.Frame(run=run, lane="in", n=1, ts=1, events=asked))),
        (subject(conversation, run), encode_frame(ev.Frame(run=run, n=1, ts=1, events=begun))),
    ]


class StampedLane:
    """What follows the opening: frames of one delta, of about `frame_bytes`."""

    def __init__(self, conversation: str, frame_bytes: int) -> None:
        self.subject = subject(conversation, run_of(conversation))
        self._run = run_of(conversation)
        self._n = 3
        self._at = 0
        self._filler = ""
        self._filler = "x" * max(0, frame_bytes - len(self.frame()))
        self._n, self._at = 3, 0

    def frame(self) -> bytes:
        text = stamp() + self._filler
        delta = ev.MessageDelta(id=MESSAGE, at=self._at, text=text)
        frame = ev.Frame(run=self._run, n=self._n, ts=time.time_ns() // 1_000_000, events=[delta])
        self._n += 1
        self._at += len(text)
        return encode_frame(frame)
