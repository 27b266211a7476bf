"""Whether the archive says of a conversation what its log says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from schemas.errors import FoldError
from schemas.events import Frame
from schemas.fold import Fold
from schemas.transcript import AnyItem, RunState, Transcript
from services.archive.port import Archived

SHOWN_CHARS = 60
"""Of a value that differs."""


class Comparison(NamedTuple):
    """`checked`: archived runs of which the log still has everything; `gone`: those of which it has not. `waiting`: runs
    that have ended in the log and are not in the archive, or not counted there yet.
    """

    checked: int
    gone: int
    waiting: int
    differences: list[str]


def compare(archived: Archived, log: Sequence[Frame], epoch: str) -> Comparison:
    """Compare with what is left of the log of the conversation, whose stream is of `epoch`.

    A run whose `user.message` is in the log is there whole, because the log loses its oldest frames first.
    """
    try:
        folded, titles = _fold(archived.transcript.conversation, log)
    except FoldError as error:
        return Comparison(0, 0, 0, [f"the log contradicts itself: {error}"])
    whole = {run.id: run for run in folded.runs if run.message}
    runs = [run for run in archived.transcript.runs if run.id in whole]
    known = {run.id for run in archived.transcript.runs}
    differences = [
        *_run_differences(runs, whole),
        *_item_differences(
            [item for item in archived.transcript.items if item.run in whole],
            [item for item in folded.items if item.run in whole and item.run in known],
        ),
        *_head_differences(archived, log, titles, epoch),
    ]
    waiting = sum(run.over for run in whole.values() if run.id not in known)
    return Comparison(len(runs), len(known) - len(runs), waiting, differences)


def _fold(conversation: str, log: Iterable[Frame]) -> tuple[Transcript, set[str]]:
    """The fold of what is left of the log, and every title that the conversation had."""
    fold = Fold(Transcript(conversation=conversation), dense=False)
    titles = set()
    for frame in log:
        fold.apply(frame)
        titles.add(fold.title)
    return fold.snapshot(), titles


def _run_differences(runs: Iterable[RunState], whole: dict[str, RunState]) -> Iterator[str]:
    for run in runs:
        yield from _differences(f"run {run.id}", run, whole[run.id])


def _item_differences(archived: Sequence[AnyItem], folded: Sequence[AnyItem]) -> Iterator[str]:
    ours = {(item.run, item.id): item for item in archived}
    theirs = {(item.run, item.id): item for item in folded}
    for key, item in theirs.items():
        if key not in ours:
            yield f"run {item.run}: {item.id} is missing in the archive"
        elif type(ours[key]) is not type(item):
            yield f"run {item.run}: {item.id} is a {type(ours[key]).__name__}, in the log a {type(item).__name__}"
        else:
            yield from _differences(f"run {item.run}: {item.id}", ours[key], item)
    for key, item in ours.items():
        if key not in theirs:
            yield f"run {item.run}: {item.id} is not in the log"
    if set(ours) == set(theirs) and list(ours) != list(theirs):
        yield "the items stand in another order than in the log"


def _head_differences(archived: Archived, log: Sequence[Frame], titles: set[str], epoch: str) -> Iterator[str]:
    inputs = [frame for frame in log if frame.is_input]
    if not inputs:
        return
    transcript = archived.transcript
    whole = inputs[0].n == 1
    if whole and transcript.title not in titles:
        yield f"title: archive {_shown(transcript.title)}, in the log never"
    if archived.cursor is None or archived.cursor.epoch != epoch:
        return
    covered = [frame.last for frame in inputs if frame.seq <= archived.cursor.seq]
    if covered and covered[-1] != transcript.input_last:
        yield f"input_last: archive {transcript.input_last}, log {covered[-1]}"


def _differences(where: str, ours: msgspec.Struct, theirs: msgspec.Struct) -> Iterator[str]:
    for name in ours.__struct_fields__:
        mine, other = getattr(ours, name), getattr(theirs, name)
        if mine != other:
            yield f"{where}: {name}: archive {_shown(mine)}, log {_shown(other)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"
