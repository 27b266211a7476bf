"""A run without a broker: what an agent publishes is on a tape, and a later attempt starts from any part of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas import events as ev
from schemas.codec import decode_frame, encode_frame
from schemas.commands import RunCommand
from schemas.fold import Fold
from schemas.transcript import Transcript
from services.agent_worker.kept import Kept
from services.agent_worker.run import Run
from services.agent_worker.turn import Answer, Retry, Turn
from services.broker.memory import MemoryBroker

COMMAND = RunCommand(
    tenant="default",
    conversation="c1",
    partition=0,
    run="r1",
    agent="a",
    message="u1",
    text="go",
    ordinal=2,
    seq=1,
    sent=1,
)

ASKED = ev.Frame(
    run="r1",
    lane="in",
    n=1,
    ts=1,
    seq=1,
    events=[
        ev.ConversationCreated(),
        ev.UserMessage(id="u1", text="go", agent="a"),
        ev.RunQueued(agent="a", message="u1"),
    ],
)


class Tape:
    """A sink: every event is a frame of its own, so that a tape can be cut anywhere."""

    full = False
    crowded = False

    def __init__(self, attempt: int = 1, before: Sequence[ev.Frame] = ()) -> None:
        self.attempt = attempt
        self.frames = list(before)
        if attempt > 1:
            self.emit(ev.RunRetrying(cause="worker_lost"))
        self.emit(ev.RunStarted(agent="a"))

    def emit(self, event: ev.AnyEvent, size: int = 1) -> None:
        n = len(self.frames) + 1
        ns = event.ns or "main"
        frame = ev.Frame(run="r1", attempt=self.attempt, n=n, ts=n, ns=ns, events=[event])
        self.frames.append(decode_frame(encode_frame(frame), n + 1))

    async def room(self) -> None:
        pass

    async def flush(self) -> None:
        pass

    def fold(self) -> Fold:
        fold = Fold(Transcript(conversation="c1"))
        for frame in [ASKED, *self.frames]:
            fold.apply(frame)
        return fold

    def events(self, kind: Any = ev.Event) -> list[Any]:
        return [event for frame in self.frames for event in frame.events if isinstance(event, kind)]


async def _nobody(interrupt: str) -> Answer:
    return Answer("expired")


def take_up(
    tape: Sequence[ev.Frame] = (), *, attempt: int = 1, model: Any = None, broker: Any = None
) -> tuple[Run, Tape]:
    """The run context of an attempt that finds `tape` in the log, and the tape that it goes on with."""
    fold = Fold(Transcript(conversation="c1"))
    for frame in [ASKED, *tape]:
        fold.apply(frame)
    kept = Kept(list(fold.snapshot().items), tape)
    sink = Tape(attempt, tape)
    turn = Turn(
        COMMAND,
        sink,
        broker or MemoryBroker(),
        kept=kept,
        decided=_nobody,
        model=model,
        retry=Retry(tries=3, pause_s=0.0),
    )
    return Run(turn), sink


def plain(fold: Fold) -> list[Any]:
    """What a transcript says, without ids, places and times, in no particular order."""
    found = []
    for item in fold.snapshot().items:
        fields = msgspec.to_builtins(item)
        for name in ("id", "seq", "started", "ended", "message", "cause"):
            fields.pop(name, None)
        fields.pop("artifacts", None)
        found.append(fields)
    return sorted(found, key=repr)
