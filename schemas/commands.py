"""What the services say to each other beside the log: the command that starts a run, control messages, which agents there are,
dead letters."""

from __future__ import annotations

from typing import Literal

import msgspec


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One earlier message of the conversation, as a model needs it."""

    role: Literal["user", "assistant"]
    text: str


HISTORY_TURNS_MAX = 64
HISTORY_CHARS_MAX = 96_000
"""A command stays well below the broker's payload limit (1 MiB): older turns are left out first."""


class RunCommand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Start (or take over) one run. Self-contained, so that a redelivery runs on the same input.

    `ordinal` is the `n` of the run's `user.message` on the `in` lane and `seq` that frame's stream sequence; `sent` its
    time in ms; `after` is the run before it. `epoch` is the epoch of the stream that `seq` belongs to.
    """

    tenant: str
    conversation: str
    partition: int
    run: str
    agent: str
    message: str
    text: str
    ordinal: int
    seq: int
    sent: int
    epoch: str = ""
    after: str = ""
    history: list[Turn] = []
    title: str = ""


def bounded_history(turns: list[Turn]) -> list[Turn]:
    """The newest turns that fit HISTORY_TURNS_MAX and HISTORY_CHARS_MAX, oldest first."""
    kept: list[Turn] = []
    room = HISTORY_CHARS_MAX
    for turn in reversed(turns[-HISTORY_TURNS_MAX:]):
        room -= len(turn.text)
        if room < 0:
            break
        kept.append(turn)
    return kept[::-1]


class CancelRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op", tag="cancel"):
    by: str = "user"
    reason: str = ""
    superseded_by: str = ""


class InputAppended(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op", tag="input"):
    """Something for the run was appended to the `in` lane: read it now instead of at the next heartbeat."""


Control = CancelRun | InputAppended


class AgentCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An agent that some worker runs, as the worker announces it: `name` is what a message asks for."""

    name: str
    description: str = ""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What could not be done, with the reason. `data` is the message as it came, `subject` where it came from."""

    kind: Literal["seal", "command"]
    subject: str
    code: str
    reason: str
    tenant: str
    conversation: str
    run: str
    ts: int
    data: bytes
