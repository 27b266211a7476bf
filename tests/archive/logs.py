"""Seals of a log, as a worker makes them at the end of each run (architecture decisions on `Seal.cursor`)."""

from __future__ import annotations

from collections.abc import Sequence

from schemas import events as ev
from schemas.cursor import Cursor
from schemas.fold import Fold
from schemas.seal import Seal, make_seal
from schemas.transcript import Transcript

TENANT, CONVERSATION, EPOCH = "t1", "c1", "e1"


def seals_of(
    log: Sequence[ev.Frame],
    *,
    tenant: str = TENANT,
    conversation: str = CONVERSATION,
    epoch: str = EPOCH,
    partition: int = 0,
    before: Transcript | None = None,
) -> list[Seal]:
    """A seal of every run that ended in `log`, in the order in which they were queued."""
    fold = Fold(before or Transcript(conversation=conversation))
    known = {run.id for run in before.runs} if before else set()
    for frame in log:
        fold.apply(frame)
    created, title = fold.head().created, fold.title
    found = []
    for run in fold.runs.values():
        if run.over and run.id not in known:
            cursor = _cursor(log, run.seq, run.end_seq)
            position, input_last = Cursor(epoch, cursor), input_last_at(log, cursor)
            found.append(
                make_seal(
                    fold,
                    run.id,
                    tenant=tenant,
                    partition=partition,
                    position=position,
                    input_last=input_last,
                    title=title,
                    created=created,
                )
            )
    return found


def _cursor(log: Sequence[ev.Frame], own: int, end: int) -> int:
    """The run's last frame, or just before the first message that was queued while it went on."""
    queued = (
        frame.seq
        for frame in log
        if frame.is_input and any(isinstance(event, ev.UserMessage) for event in frame.events)
    )
    return next((seq - 1 for seq in queued if own < seq <= end), end)


def input_last_at(log: Sequence[ev.Frame], cursor: int) -> int:
    return max((frame.last for frame in log if frame.is_input and frame.seq <= cursor), default=0)


def archived_part(log: Sequence[ev.Frame], runs: set[str], conversation: str = CONVERSATION) -> Transcript:
    """What an archive that has these runs must give: the fold of the log without anything about other runs."""
    fold = Fold(Transcript(conversation=conversation))
    for frame in log:
        fold.apply(frame)
    whole = fold.snapshot()
    whole.runs = [run for run in whole.runs if run.id in runs]
    whole.items = [item for item in whole.items if item.run in runs]
    return whole
