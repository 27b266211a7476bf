import random

import msgspec
import pytest

from schemas import events as ev
from schemas.commands import HISTORY_CHARS_MAX, HISTORY_TURNS_MAX, Turn, bounded_history
from schemas.cursor import Cursor
from schemas.errors import Invalid
from schemas.fold import Fold
from schemas.seal import SealMessage, check_seal, digest_of, make_seal
from schemas.transcript import Transcript
from tests.schemas import logs


def sealed(upto: int | None = None):
    log = logs.conversation(random.Random(7), runs=1)
    fold = Fold(Transcript(conversation="c"))
    for frame in log[:upto]:
        fold.apply(frame)
    return make_seal(
        fold, "run1", tenant="t", partition=0, position=Cursor("e", log[-1].seq), input_last=3, title="x", created=1
    )


def test_a_seal_survives_encoding_and_its_check():
    seal = msgspec.json.decode(msgspec.json.encode(sealed()), type=SealMessage)
    check_seal(seal)
    assert seal == sealed()


def test_a_seal_has_the_user_message_and_everything_of_the_run():
    seal = sealed()
    assert seal.items[0].role == "user"
    assert {item.run for item in seal.items} == {"run1"}
    assert seal.counts.items == len(seal.items)


def test_a_seal_whose_content_was_changed_is_refused():
    seal = sealed()
    seal.items[0].content += "!"
    with pytest.raises(Invalid, match="digest"):
        check_seal(seal)


def test_a_seal_that_lost_an_item_is_refused():
    seal = sealed()
    seal.items.pop()
    with pytest.raises(Invalid, match="counts"):
        check_seal(seal)


def test_a_digest_is_that_of_the_log_however_a_namespace_came_into_memory():
    """msgspec leaves out a field that *is* its default; a "main" read from JSON is equal to it and not the same."""
    log = logs.conversation(random.Random(7), runs=1)
    written = [ev.Frame(**(msgspec.structs.asdict(frame) | {"ns": "main"})) for frame in log]
    read = [ev.Frame(**(msgspec.structs.asdict(frame) | {"ns": "".join(["ma", "in"])})) for frame in log]
    digests = []
    for frames in (written, read):
        fold = Fold(Transcript(conversation="c"))
        for frame in frames:
            fold.apply(frame)
        digests.append(digest_of(fold.runs["run1"], list(fold.items("run1"))))
    assert digests[0] == digests[1]


def test_a_run_that_is_not_over_cannot_be_sealed():
    with pytest.raises(Invalid, match="not over"):
        sealed(upto=-1)


def test_history_keeps_the_newest_turns_within_its_bounds():
    turns = [Turn(role="user", text=str(index)) for index in range(HISTORY_TURNS_MAX + 5)]
    assert bounded_history(turns) == turns[5:]
    big = Turn(role="assistant", text="x" * (HISTORY_CHARS_MAX - 1))
    assert bounded_history([turns[0], turns[1], big, turns[2]]) == [big, turns[2]]
    assert bounded_history([Turn(role="user", text="x" * (HISTORY_CHARS_MAX + 1))]) == []
