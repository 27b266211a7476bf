import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import events as ev
from schemas.codec import decode_frame, encode_frame
from schemas.errors import ErrorBody, FoldError
from schemas.fold import Fold, add_usage, fold_all, title_from
from schemas.transcript import Agent, Artifact, Message, Transcript
from tests.schemas import logs

rngs = st.integers(0, 2**32).map(random.Random)


def without_numbers(transcript: Transcript) -> Transcript:
    """What must not depend on how events were merged: everything but their numbers."""
    for run in transcript.runs:
        run.last = 0
    return transcript


def frame(n: int, *events: ev.KnownEvent, attempt: int = 1, ns: str = "main") -> ev.Frame:
    return ev.Frame(run="r", n=n, ts=n, ns=ns, attempt=attempt, seq=n, events=list(events))


def fresh(dense: bool = True) -> Fold:
    return Fold(Transcript(conversation="c"), dense=dense)


@given(rngs)
def test_any_merging_of_deltas_folds_to_the_same_transcript(rng):
    log = logs.conversation(rng)
    assert without_numbers(fold_all("c", logs.split_deltas(log))) == without_numbers(fold_all("c", log))


@given(rngs, st.data())
def test_repeated_frames_change_nothing(rng, data):
    log = logs.conversation(rng)
    state = fresh()
    for index, one in enumerate(log):
        assert state.apply(one) is True
        repeat = log[data.draw(st.integers(max(0, index - 5), index))]
        assert state.apply(repeat) is False
    assert state.snapshot() == fold_all("c", log)


@given(rngs, st.data())
def test_a_fold_continued_from_any_snapshot_equals_the_whole_fold(rng, data):
    log = logs.conversation(rng)
    cut = data.draw(st.integers(0, len(log)))
    head = fold_all("c", log[:cut])
    resumed = Fold(msgspec.json.decode(msgspec.json.encode(head), type=Transcript))
    for one in log[cut:]:
        resumed.apply(one)
    assert resumed.snapshot() == fold_all("c", log)


@given(rngs, st.data())
def test_a_missing_frame_is_an_error_and_never_a_guess(rng, data):
    log = logs.conversation(rng, takeovers=False)
    missing = data.draw(st.integers(0, len(log) - 1))
    rest = [one for one in log[missing + 1 :] if one.in_lane == log[missing].in_lane]
    if not rest:
        return  # the lane's last frame: only a count from outside can miss it
    state = fresh()
    for one in log[:missing]:
        state.apply(one)
    with pytest.raises(FoldError):
        state.apply(rest[0])


@given(rngs)
def test_a_fold_of_decoded_bytes_equals_the_fold_of_the_events(rng):
    log = logs.conversation(rng)
    decoded = [decode_frame(encode_frame(logs.replace(one, seq=0)), one.seq) for one in log]
    assert fold_all("c", decoded) == fold_all("c", log)


@given(rngs)
def test_everything_is_closed_when_the_last_run_has_ended(rng):
    transcript = fold_all("c", logs.conversation(rng))
    assert [item.id for item in transcript.items if item.status == "open"] == []
    assert all(run.over for run in transcript.runs)


@given(rngs)
def test_a_snapshot_does_not_change_when_the_fold_goes_on(rng):
    log = logs.conversation(rng)
    state = fresh()
    for one in log[: len(log) // 2]:
        state.apply(one)
    snapshot = state.snapshot()
    encoded = msgspec.json.encode(snapshot)
    for one in log[len(log) // 2 :]:
        state.apply(one)
    assert msgspec.json.encode(snapshot) == encoded


@given(rngs)
def test_whatever_changed_since_it_was_cleared_is_named(rng):
    state = fresh()
    known: dict[str, bytes] = {}
    for one in logs.conversation(rng):
        state.apply(one)
        now = {item.id: msgspec.json.encode(item) for item in state.items()}
        different = {key for key in known.keys() | now.keys() if known.get(key) != now.get(key)}
        assert different <= state.changed
        state.changed.clear()
        known = now


def test_a_new_attempt_keeps_what_was_finished_and_drops_what_was_open():
    state = fresh()
    state.apply(frame(1, ev.RunStarted(agent="team"), ev.MessageStarted(id="m1"), ev.MessageEnded(id="m1")))
    state.apply(frame(4, ev.MessageStarted(id="m2"), ev.MessageDelta(id="m2", at=0, text="to")))
    state.apply(frame(6, ev.RunRetrying(cause="worker_lost"), ev.RunStarted(agent="team"), attempt=2))
    assert [item.id for item in state.items()] == ["m1"]
    assert state.runs["r"].attempt == 2


def test_a_frame_of_a_stale_attempt_is_ignored():
    state = fresh()
    state.apply(frame(1, ev.RunStarted(agent="team")))
    state.apply(frame(2, ev.RunStarted(agent="team"), attempt=2))
    assert state.apply(frame(3, ev.Log(id="l", level="info", text="zombie"), attempt=1)) is False
    assert list(state.items()) == []
    assert state.apply(frame(3, ev.Log(id="l", level="info", text="alive"), attempt=2)) is True


def test_an_interrupted_agent_is_reopened_in_its_place_by_the_next_attempt():
    state = fresh()
    ns = "main/analysis:1"
    state.apply(frame(1, ev.RunStarted(agent="team")))
    first, again = (ev.Cause(kind="tool", id=call) for call in ("t1", "t2"))
    started = ev.AgentStarted(name="analysis", cause=first)
    state.apply(frame(2, started, ev.MessageStarted(id="m1"), ev.MessageEnded(id="m1"), ns=ns))
    state.apply(frame(5, ev.RunStarted(agent="team"), attempt=2))
    assert [(item.id, item.status) for item in state.items()] == [("r/" + ns, "interrupted"), ("m1", "done")]
    restarted = ev.AgentStarted(name="analysis", cause=again)
    state.apply(frame(6, restarted, ev.AgentFinished(result="ok"), attempt=2, ns=ns))
    agent = state.item("r/" + ns)
    assert isinstance(agent, Agent)
    assert (agent.status, agent.result, agent.cause) == ("done", "ok", again)
    assert [item.id for item in state.items()] == ["r/" + ns, "m1"]


def test_an_agent_under_which_nothing_was_finished_is_dropped_by_the_next_attempt():
    state = fresh()
    state.apply(frame(1, ev.RunStarted(agent="team")))
    state.apply(frame(2, ev.AgentStarted(name="analysis"), ev.MessageStarted(id="m1"), ns="main/analysis:1"))
    state.apply(frame(4, ev.RunStarted(agent="team"), attempt=2))
    assert list(state.items()) == []


def test_an_open_version_is_dropped_by_the_next_attempt_and_the_final_one_stays():
    state = fresh()
    created = ev.ArtifactCreated(id="a1", kind="report", name="r", media_type="text/plain")
    state.apply(
        frame(1, ev.RunStarted(agent="team"), created, ev.ArtifactFinal(id="a1", version=1, digest="d", size=0))
    )
    state.apply(frame(4, ev.ArtifactCreated(id="a1", kind="report", name="r", media_type="text/plain", version=2)))
    state.apply(frame(5, ev.RunStarted(agent="team"), attempt=2))
    artifact = state.item("a1")
    assert isinstance(artifact, Artifact)
    assert [(one.version, one.status) for one in artifact.versions] == [(1, "final")]
    assert artifact.status == "done"


def test_an_artifact_that_a_new_attempt_drops_is_no_part_of_its_message_any_more():
    def created(item_id):
        return ev.ArtifactCreated(id=item_id, kind="report", name="r", media_type="text/plain", message="m1")

    state = fresh()
    state.apply(frame(1, ev.RunStarted(agent="team"), ev.MessageStarted(id="m1"), ev.MessageEnded(id="m1")))
    state.apply(frame(4, created("a1")))
    state.changed.clear()
    state.apply(frame(5, ev.RunStarted(agent="team"), attempt=2))
    assert state.item("m1").artifacts == []
    assert "m1" in state.changed
    state.apply(frame(6, created("a2"), attempt=2))
    assert state.item("m1").artifacts == ["a2"]


def test_a_delta_that_does_not_fit_is_an_error():
    state = fresh()
    state.apply(
        frame(1, ev.RunStarted(agent="team"), ev.MessageStarted(id="m"), ev.MessageDelta(id="m", at=0, text="ab"))
    )
    with pytest.raises(FoldError, match="at 3, but 2 characters"):
        state.apply(frame(4, ev.MessageDelta(id="m", at=3, text="c")))


def test_at_counts_code_points_not_bytes_and_not_utf16_units():
    state = fresh()
    state.apply(frame(1, ev.MessageStarted(id="m"), ev.MessageDelta(id="m", at=0, text="🌊é")))
    state.apply(frame(3, ev.MessageDelta(id="m", at=2, text="!")))
    item = state.item("m")
    assert isinstance(item, Message)
    assert item.content == "🌊é!"


def test_a_delta_after_the_end_is_an_error():
    state = fresh()
    state.apply(frame(1, ev.MessageStarted(id="m"), ev.MessageEnded(id="m")))
    with pytest.raises(FoldError):
        state.apply(frame(3, ev.MessageDelta(id="m", at=0, text="late")))


def test_the_end_of_a_run_closes_what_was_left_open_as_interrupted():
    state = fresh()
    state.apply(
        frame(1, ev.RunStarted(agent="team"), ev.MessageStarted(id="m"), ev.MessageDelta(id="m", at=0, text="hal"))
    )
    state.apply(frame(4, ev.RunFailed(code="boom", message="it broke")))
    item = state.item("m")
    assert isinstance(item, Message)
    assert (item.status, item.content) == ("interrupted", "hal")


def test_what_failed_a_run_and_what_may_help_stand_in_the_transcript():
    state = fresh()
    failed = ev.RunFailed(code="boom", message="it broke", retryable=True, hint="Wait a little.")
    state.apply(frame(1, ev.RunStarted(agent="team"), failed))
    (run,) = state.runs.values()
    assert run.error == ErrorBody(code="boom", message="it broke", retryable=True, hint="Wait a little.")


def test_a_reader_of_part_of_the_log_passes_over_what_it_never_saw():
    state = fresh(dense=False)
    state.apply(frame(5, ev.MessageDelta(id="m1", at=9, text="tail"), ev.MessageEnded(id="m1")))
    state.apply(frame(20, ev.MessageStarted(id="m2"), ev.MessageDelta(id="m2", at=0, text="whole")))
    assert [item.id for item in state.items()] == ["m2"]


def test_an_unknown_event_is_counted_and_otherwise_ignored():
    state = fresh()
    data = (
        b'{"run":"r","n":1,"ts":1,"events":[{"type":"hologram.started","id":"h"},{"type":"message.started","id":"m"}]}'
    )
    state.apply(decode_frame(data, 1))
    assert [item.id for item in state.items()] == ["m"]
    assert state.runs["r"].last == 2


def test_an_answer_that_comes_twice_counts_once():
    state = fresh()
    state.apply(frame(1, ev.RunStarted(agent="a"), ev.InterruptRequested(id="i", kind="input", prompt="?")))
    for n, value in ((1, "first"), (2, "second")):
        answer = ev.InterruptResolved(id="i", decision="answered", value=value)
        state.apply(ev.Frame(run="r", lane="in", n=n, ts=9, seq=9 + n, events=[answer]))
    item = state.item("i")
    assert item is not None
    assert item.value == "first"


def test_usage_adds_up_per_model():
    total = add_usage([ev.Usage(model="a", input=1, output=2)], ev.Usage(model="b", input=5))
    assert add_usage(total, ev.Usage(model="a", input=1, output=1, reasoning=1)) == [
        ev.Usage(model="a", input=2, output=3, reasoning=1),
        ev.Usage(model="b", input=5),
    ]


def test_a_title_is_the_first_line_and_at_most_80_characters():
    assert title_from("  hello\nworld") == "hello"
    assert len(title_from("x" * 200)) == 80


@given(rngs)
def test_a_fold_continued_from_an_archive_puts_a_queued_message_where_the_log_has_it(rng):
    log = logs.conversation(rng, runs=2)
    whole = fold_all("c", log)
    first = whole.runs[0]
    position = min(first.end_seq, whole.runs[1].seq - 1)
    archive = fold_all("c", log)
    archive.runs = archive.runs[:1]
    archive.items = [item for item in archive.items if item.run == first.id]
    archive.input_last = max(one.last for one in log if one.is_input and one.seq <= position)
    continued = Fold(archive, beyond={item.id for item in archive.items if item.seq > position})
    for one in log:
        if one.seq > position:
            continued.apply(one)
    assert continued.snapshot() == whole


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (ev.RunCompleted(), "completed"),
        (ev.RunFailed(code="boom", message="it broke"), "failed"),
        (ev.RunCancelled(by="user"), "cancelled"),
        (ev.RunSuperseded(by="run2"), "superseded"),
    ],
)
def test_a_run_ends_in_one_of_four_ways(end, status):
    state = fresh()
    state.apply(frame(1, ev.RunStarted(agent="a"), end))
    assert state.runs["r"].status == status
    assert state.active_runs == []


def test_a_run_waits_for_an_answer_and_goes_on_with_it():
    state = fresh()
    asked = ev.InterruptRequested(id="i", kind="approval", prompt="May I?")
    state.apply(frame(1, ev.RunStarted(agent="a"), asked, ev.RunWaiting(interrupts=["i"])))
    assert state.runs["r"].status == "waiting"
    state.apply(
        ev.Frame(run="r", lane="in", n=1, ts=2, seq=2, events=[ev.InterruptResolved(id="i", decision="approved")])
    )
    assert state.runs["r"].status == "running"


def test_a_cancel_request_shows_until_the_run_has_ended_and_not_after():
    state = fresh()
    state.apply(frame(1, ev.RunStarted(agent="a")))
    state.apply(ev.Frame(run="r", lane="in", n=1, ts=2, seq=2, events=[ev.RunCancelling()]))
    assert state.runs["r"].status == "cancelling"
    state.apply(frame(2, ev.RunCompleted()))
    state.apply(ev.Frame(run="r", lane="in", n=2, ts=3, seq=4, events=[ev.RunCancelling()]))
    assert state.runs["r"].status == "completed"


def test_a_failed_agent_says_why_and_a_rename_wins_over_the_first_message():
    state = fresh()
    state.apply(
        frame(1, ev.RunStarted(agent="a"), ev.AgentStarted(name="a"), ev.AgentFailed(code="boom", message="it broke"))
    )
    agent = state.item("r/main")
    assert isinstance(agent, Agent)
    assert (agent.status, agent.error.code) == ("failed", "boom")
    said = ev.UserMessage(id="u", text="first words", agent="a")
    state.apply(ev.Frame(run="r2", lane="in", n=1, ts=2, seq=2, events=[said, ev.ConversationRenamed(title="Better")]))
    assert state.title == "Better"


def test_a_deletion_is_known_also_where_it_is_all_that_is_left_of_the_log():
    state = Fold(Transcript(conversation="c"), dense=False)
    assert not state.deleted
    state.apply(ev.Frame(run="", lane="in", n=7, ts=2, seq=20, events=[ev.ConversationDeleted()]))
    assert state.deleted
