"""`dead`: what could not be done, and doing it again or giving it up."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from schemas import subjects
from schemas.commands import DeadLetter, RunCommand
from schemas.errors import AnabranchError, Conflict, Invalid, NotFound
from schemas.seal import SealMessage, SealReference
from services.admin.context import open_broker
from services.admin.printing import print_json, time_text
from services.admin.settings import Settings
from services.broker.port import Broker
from services.broker.stream_file import read_layout
from services.runtime import now_ms

LETTERS_MAX = 10_000
"""Of one call: a person reads them."""

ABOUT = """
A message that nobody can handle, however often it comes, is put aside with the reason: a command that no worker can read or
take over, a seal that the archive refuses. Letters are kept for 30 days.
"""

T = TypeVar("T")

_seal: msgspec.json.Decoder[SealMessage] = msgspec.json.Decoder(SealMessage)
_command = msgspec.json.Decoder(RunCommand)

Letters = Sequence[tuple[int, DeadLetter]]


async def find(broker: Broker, seqs: Sequence[int]) -> Letters:
    """The letters with these numbers, or all. Raises NotFound, naming the first that is not there."""
    letters = dict(await broker.dead_letters(LETTERS_MAX))
    for seq in seqs:
        if seq not in letters:
            raise NotFound(f"there is no dead letter {seq}")
    return [(seq, letters[seq]) for seq in seqs or letters]


async def replay(broker: Broker, seq: int, letter: DeadLetter, *, window_s: float) -> None:
    """Put the message back where it came from, and only then drop the letter. `window_s`: how long the queue of commands
    takes a command for a repeat of itself.

    Raises:
        Invalid: the message cannot be read, so it would only come back.
        Conflict: a command that its queue would still take for a repeat.
    """
    if letter.kind == "seal":
        message = _decode(_seal, letter)
        if isinstance(message, SealReference):
            raise Invalid(f"the seal {message.ref!r} is not in the object store", code="seal_gone")
        # Not the id of its first time, which the queue may remember.
        await broker.publish_seal(message, f"replay:{seq}:{secrets.token_hex(4)}")
    else:
        command = _decode(_command, letter)
        wait_s = int(window_s) - (now_ms() - letter.ts) // 1000
        if wait_s > 0:
            raise Conflict(f"for another {wait_s} s the queue would take the command for a repeat")
        await broker.publish_command(command)
    await broker.drop_dead(seq)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A letter without its content. `outcome`: what a command has done with it, `error` why it has not."""

    seq: int
    ts: int
    kind: str
    tenant: str
    conversation: str
    run: str
    code: str
    reason: str
    bytes: int
    outcome: str = "listed"
    error: str = ""


def row_of(seq: int, letter: DeadLetter, outcome: str = "listed", error: str = "") -> Row:
    return Row(
        seq=seq,
        ts=letter.ts,
        kind=letter.kind,
        tenant=letter.tenant,
        conversation=letter.conversation,
        run=letter.run,
        code=letter.code,
        reason=letter.reason,
        bytes=len(letter.data),
        outcome=outcome,
        error=error,
    )


async def run_list(settings: Settings, chosen: argparse.Namespace) -> int:
    async with open_broker(settings) as broker:
        rows = [row_of(seq, letter) for seq, letter in await find(broker, chosen.seq)]
    if chosen.json:
        print_json(rows)
    else:
        for row in rows:
            run = f"{row.tenant}/{row.conversation}/{row.run}"
            print(f"{row.seq}  {time_text(row.ts)}  {row.kind}  {run}  {row.code}: {row.reason}")
    return 0


async def run_replay(settings: Settings, chosen: argparse.Namespace) -> int:
    """One letter that cannot be replayed does not keep the others."""
    window_s = read_layout().stream(subjects.COMMANDS).duplicate_window / 1e9
    rows = []
    async with open_broker(settings) as broker:
        for seq, letter in await find(broker, chosen.seq):
            try:
                await replay(broker, seq, letter, window_s=window_s)
                rows.append(row_of(seq, letter, "replayed"))
            except AnabranchError as error:
                rows.append(row_of(seq, letter, "not replayed", str(error)))
    _show(rows, chosen)
    return 1 if any(row.error for row in rows) else 0


async def run_drop(settings: Settings, chosen: argparse.Namespace) -> int:
    rows = []
    async with open_broker(settings) as broker:
        for seq, letter in await find(broker, chosen.seq):
            await broker.drop_dead(seq)
            rows.append(row_of(seq, letter, "dropped"))
    _show(rows, chosen)
    return 0


def _show(rows: Sequence[Row], chosen: argparse.Namespace) -> None:
    if chosen.json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row.seq} {row.outcome}" + (f": {row.error}" if row.error else ""))
        if row.outcome == "dropped" and row.kind == "seal" and row.run != "-":
            print(f"  conversation {row.conversation}: the archive ends before run {row.run}")


def _decode(decoder: msgspec.json.Decoder[T], letter: DeadLetter) -> T:
    try:
        return decoder.decode(letter.data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid(f"the {letter.kind} of run {letter.run} cannot be read: {error}", code="unreadable") from error
