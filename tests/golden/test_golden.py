from pathlib import Path

import msgspec
import pytest

from schemas import events as ev
from schemas.codec import KNOWN_TYPES, decode_frame
from schemas.events import RunCompleted
from schemas.fold import fold_all
from schemas.transcript import Transcript

LOGS = sorted(Path(__file__).parent.glob("*.log.jsonl"))
RARE = {
    "run.waiting",
    "run.failed",
    "run.cancelled",
    "run.superseded",
    "run.cancelling",
    "agent.failed",
    "conversation.renamed",
    "conversation.deleted",
}
"""Types that no recorded run has; tests/schemas/test_fold.py has them one by one."""


def frames(path):
    return [decode_frame(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name.partition(".")[0])
def test_a_recorded_log_folds_to_its_recorded_transcript(path):
    recorded = path.with_name(path.name.replace(".log.jsonl", ".transcript.json"))
    assert fold_all("golden", frames(path)) == msgspec.json.decode(recorded.read_bytes(), type=Transcript)


def test_the_recorded_logs_show_every_event_that_a_run_has():
    seen = {event.__struct_config__.tag for path in LOGS for frame in frames(path) for event in frame.events}
    assert KNOWN_TYPES - seen <= RARE


def test_one_recorded_log_has_a_takeover_that_ended_well():
    (path,) = [path for path in LOGS if path.name.startswith("taken_over")]
    ends = [frame for frame in frames(path) if any(isinstance(event, RunCompleted) for event in frame.events)]
    assert any(frame.attempt == 2 for frame in ends)
    assert any(isinstance(event, ev.RunRetrying) for frame in frames(path) for event in frame.events)
