"""What the fold of a conversation says about a request to write to it. No IO: the rules of `input`, to be read alone."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from schemas import namespace, wire
from schemas.commands import Turn, bounded_history
from schemas.errors import Conflict, Invalid, NotFound, Overloaded, TooLarge
from schemas.fold import Fold
from schemas.transcript import Interrupt, Message, RunState

TEXT_BYTES_MAX = 256 * 1024
"""Of a message's text as JSON. With the history (96,000 characters) a command stays below the broker's 1 MiB payload;
found out only when the command is published, a larger one would have blocked the conversation for good."""

ANSWER_BYTES_MAX = 48 * 1024
"""Of the value that answers an interrupt, as JSON: as much as an event of a run may have."""

ANSWER_DEPTH_MAX = 64
"""Of arrays and objects in it. Decoders give up near 1,000, each reader of the log at another depth."""

TITLE_CHARS_MAX = 200

_ITEM_ID = re.compile(r"^[a-z]+[0-9]+-[0-9]+\Z")


def check_message(message: wire.Send) -> None:
    """Raises Invalid or TooLarge for a message that must not enter any log.

    An id like `m3-1` is one that a run will give to its own message: taken by a client, it would make that run's frames
    contradict the log.
    """
    if _ITEM_ID.match(message.id):
        raise Invalid(f"ids like {message.id!r} are given by runs; choose another", code="invalid_id")
    if not message.text.strip():
        raise Invalid("the text is empty", code="invalid_request")
    if len(msgspec.json.encode(message.text)) > TEXT_BYTES_MAX:
        raise TooLarge(f"the text is larger than {TEXT_BYTES_MAX} bytes")


def plain_answer(answer: wire.Resolve) -> wire.Resolve:
    """The answer with its value as the log will have it: MessagePack knows values that JSON does not.

    Raises Invalid or TooLarge for a value that must not enter any log.
    """
    try:
        data = msgspec.json.encode(answer.value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid(f"the value is not JSON: {error}", code="invalid_request") from error
    if len(data) > ANSWER_BYTES_MAX:
        raise TooLarge(f"the value is larger than {ANSWER_BYTES_MAX} bytes")
    value = msgspec.json.decode(data)
    if _is_deeper(value, ANSWER_DEPTH_MAX):
        raise Invalid(f"the value is more than {ANSWER_DEPTH_MAX} deep", code="invalid_request")
    return msgspec.structs.replace(answer, value=value)


def _is_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        nested = [part for part in layer if isinstance(part, list | dict)]
        layer = [inner for part in nested for inner in (part.values() if isinstance(part, dict) else part)]
        if not nested:
            return False
    return True


def check_title(title: str) -> None:
    """Raises Invalid."""
    if len(title) > TITLE_CHARS_MAX:
        raise Invalid(f"a title has at most {TITLE_CHARS_MAX} characters", code="invalid_request")


def answering(fold: Fold, message: wire.Send) -> RunState | None:
    """The run that answers this message, if the message is in the conversation already.

    Raises:
        Conflict: the id is taken by another text or agent (code `id_reused`).
    """
    item = fold.item(message.id)
    if item is None:
        return None
    run = fold.runs.get(item.run)
    if not isinstance(item, Message) or item.role != "user" or run is None:
        raise Conflict(f"id {message.id!r} is taken", code="id_reused")
    if item.content != message.text or run.agent != message.agent:
        raise Conflict(f"message {message.id!r} was sent before with another text or agent", code="id_reused")
    return run


def check_room(fold: Fold, queued_max: int) -> None:
    """Raises Overloaded if `queued_max` messages wait already."""
    if len(fold.active_runs) > queued_max:
        raise Overloaded(f"{queued_max} messages wait in this conversation already", code="queue_full")


def newest_run(fold: Fold) -> str:
    return next(reversed(fold.runs), "")


def interrupt(fold: Fold, item_id: str) -> Interrupt:
    """Raises NotFound: the conversation has no such interrupt."""
    item = fold.item(item_id)
    if not isinstance(item, Interrupt):
        raise NotFound(f"no interrupt {item_id} in conversation {fold.conversation}", code="unknown_interrupt")
    return item


def is_new_answer(fold: Fold, answer: wire.Resolve) -> bool:
    """Whether the interrupt waits for this answer; False if the same one was given before.

    Raises:
        NotFound: the conversation has no such interrupt.
        Conflict: it has another answer, or its run is over (code `already_resolved`).
        Invalid: the decision is none for its kind, or the value none of its options.
    """
    item = interrupt(fold, answer.interrupt)
    if item.status != "open":
        if (item.decision, item.value) == (answer.decision, answer.value):
            return False
        raise Conflict(f"interrupt {item.id} is closed: {item.decision or item.status}", code="already_resolved")
    if (answer.decision == "answered") == (item.kind == "approval"):
        raise Invalid(f"{answer.decision!r} is no answer to an interrupt of kind {item.kind!r}", code="invalid_request")
    if item.kind == "choice" and answer.value not in item.options:
        raise Invalid(f"the value is none of the options {item.options}", code="invalid_request")
    return True


def history(fold: Fold, before: str) -> list[Turn]:
    """What a model needs to know of the conversation before run `before`: what people said and what was answered to them.

    Only whole messages of the root namespace; in the order of the runs, because a queued message stands in the log
    before the answer to the one it waits for. Without messages that were taken back.
    """
    turns: dict[str, list[Turn]] = {}
    for run in fold.runs.values():
        if run.id == before:
            break
        if not run.taken_back:
            turns[run.id] = []
    for item in fold.items():
        if (
            isinstance(item, Message)
            and item.run in turns
            and item.status == "done"
            and item.ns == namespace.ROOT
            and item.content
        ):
            turns[item.run].append(Turn(role=item.role, text=item.content))
    return bounded_history([turn for of_run in turns.values() for turn in of_run])
