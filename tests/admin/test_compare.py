import random

import msgspec
import pytest

from schemas.cursor import Cursor
from schemas.transcript import Transcript
from services.admin.compare import compare
from services.archive.port import Archived
from tests.archive.logs import EPOCH, archived_part, input_last_at, seals_of
from tests.schemas import logs

LOG = logs.conversation(random.Random(5), runs=3)


def archived(runs=("run1", "run2", "run3"), log=LOG) -> Archived:
    cursor = next(seal for seal in seals_of(log) if seal.run.id == runs[-1]).cursor
    transcript = archived_part(log, set(runs))
    transcript.input_last = input_last_at(log, cursor)
    return Archived(0, Cursor(EPOCH, cursor), transcript)


def changed(change) -> Archived:
    """What is archived, with `change` made to the transcript."""
    found = archived()
    transcript = msgspec.json.decode(msgspec.json.encode(found.transcript), type=Transcript)
    change(transcript)
    return found._replace(transcript=transcript)


def test_an_archive_that_equals_the_fold_has_no_differences():
    assert compare(archived(), LOG, EPOCH) == (3, 0, 0, [])


def test_runs_that_have_ended_and_are_not_archived_yet_are_counted_and_no_difference():
    assert compare(archived(runs=("run1",)), LOG, EPOCH) == (1, 0, 2, [])


def test_runs_whose_log_is_gone_are_counted_and_the_others_still_checked():
    second = next(index for index, frame in enumerate(LOG) if frame.is_input and frame.run == "run2")
    found = compare(archived(), LOG[second:], EPOCH)
    assert found == (2, 1, 0, [])
    assert compare(archived(), [], EPOCH) == (0, 3, 0, [])


def test_a_log_of_another_epoch_is_not_held_against_the_cursor():
    assert compare(archived()._replace(cursor=Cursor("old", 1)), LOG, EPOCH).differences == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: setattr(t.items[0], "content", "another"), "content: archive 'another', log"),
        (lambda t: setattr(t.items[0], "seq", 999_999), "seq: archive 999999, log"),
        (lambda t: setattr(t.runs[1], "status", "failed"), "run run2: status: archive 'failed', log 'completed'"),
        (lambda t: t.items.pop(4), "is missing in the archive"),
        (lambda t: t.items.append(msgspec.structs.replace(t.items[0], id="more")), "run1: more is not in the log"),
        (lambda t: t.items.reverse(), "another order"),
        (lambda t: setattr(t, "title", "never"), "title: archive 'never'"),
        (lambda t: setattr(t, "input_last", 99), "input_last: archive 99, log"),
    ],
)
def test_every_kind_of_difference_is_named(change, said):
    [*found] = compare(changed(change), LOG, EPOCH).differences
    assert len(found) == 1
    assert said in found[0]


def test_a_log_that_contradicts_itself_is_a_difference():
    index = next(i for i, frame in enumerate(LOG) if not frame.is_input and frame.n > 1 and len(frame.events) > 1)
    torn = [*LOG[:index], logs.replace(LOG[index], n=LOG[index].n - 1), *LOG[index + 1 :]]
    [found] = compare(archived(), torn, EPOCH).differences
    assert found.startswith("the log contradicts itself")
