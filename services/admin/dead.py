"""`dead`: what could not be done, and doing it again or giving it up."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from schemas.commands import DeadLetter, RunCommand
from schemas.errors import Conflict, Invalid, NotFound
from schemas.seal import SealMessage, SealReference
from services.broker.port import Broker
from services.broker.streams import COMMANDS_DUPLICATE_WINDOW_S
from services.runtime import now_ms

LETTERS_MAX = 10_000
"""Of one call: a person reads them."""

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


async def replay(broker: Broker, seq: int, letter: DeadLetter) -> None:
    """Put the message back where it came from, and only then drop the letter.

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
        wait_s = COMMANDS_DUPLICATE_WINDOW_S - (now_ms() - letter.ts) // 1000
        if wait_s > 0:
            raise Conflict(f"for another {wait_s} s the queue would take the command for a repeat")
        await broker.publish_command(command)
    await broker.drop_dead(seq)


def _decode(decoder: msgspec.json.Decoder[T], letter: DeadLetter) -> T:
    try:
        return decoder.decode(letter.data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid(f"the {letter.kind} of run {letter.run} cannot be read: {error}", code="unreadable") from error
