"""What archive and log have in the end, as dump.py prints it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from schemas import events as ev
from schemas.codec import decode_frame
from schemas.transcript import Transcript
from tests import history
from tests.containers.crowd import Crowd

SCRIPT = Path(__file__).with_name("dump.py")
"""Give it to a Python on stdin, where `services` can be imported and broker and archive be reached."""


class Kept(msgspec.Struct):
    """One line of it: a conversation."""

    conversation: str
    transcript: Transcript
    log: list[tuple[int, str]]

    def frames(self) -> list[ev.Frame]:
        return [decode_frame(data.encode(), seq) for seq, data in self.log]


def read(printed: bytes) -> list[Kept]:
    return [msgspec.json.decode(line, type=Kept) for line in printed.splitlines()]


def judged(kept: list[Kept], *crowds: Crowd) -> list[str]:
    """What the history checker has to say of the conversations of these people."""
    accepted = {message: where for crowd in crowds for message, where in crowd.accepted.items()}
    ours = {conversation for conversation, _ in accepted.values()}
    return history.check(
        history.History(
            accepted=accepted,
            logs={one.conversation: one.frames() for one in kept if one.conversation in ours},
            views=[watcher.view() for crowd in crowds for watcher in crowd.watchers],
            archive={one.conversation: one.transcript for one in kept if one.conversation in ours},
        )
    )
