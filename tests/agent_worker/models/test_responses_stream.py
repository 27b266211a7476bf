import pytest

from services.agent_worker.models.port import (
    ContextTooLong,
    Disconnected,
    RateLimited,
    ReasoningDelta,
    TextDelta,
    ToolArgsDelta,
    ToolCallDone,
    ToolCallStarted,
    UpstreamFailed,
)
from services.agent_worker.models.responses_stream import ResponsesStream
from tests.openai_server import response

CALL = {"id": "fc-1", "type": "function_call", "call_id": "a", "name": "f", "arguments": ""}


def completed(**fields):
    return {"type": "response.completed", "response": response(**fields)}


def play(*events):
    stream = ResponsesStream("m", "call-")
    return [each for event in events for each in stream.feed(event)] + stream.finish()


def text(delta, item="msg-1", part=0):
    return {"type": "response.output_text.delta", "item_id": item, "content_index": part, "delta": delta}


def item(kind, item, at=0):
    return {"type": f"response.output_item.{kind}", "output_index": at, "item": item}


def test_text_then_usage_with_its_parts():
    *deltas, finished = play(text("Hel"), text("lo"), completed())
    assert deltas == [TextDelta("Hel"), TextDelta("lo")]
    usage = finished.usage
    assert (finished.finish, usage.input, usage.cached, usage.output, usage.reasoning) == ("stop", 7, 2, 3, 1)


def test_two_messages_become_two_paragraphs():
    assert play(text("a"), text("b", item="msg-2"), text("c", item="msg-2"), completed())[:-1] == [
        TextDelta("a"),
        TextDelta("\n\nb"),
        TextDelta("c"),
    ]


def test_text_that_comes_only_whole_is_not_lost_and_what_was_streamed_is_not_repeated():
    done = {"type": "response.output_text.done", "item_id": "msg-1", "content_index": 0, "text": "ab"}
    assert play(done, completed())[:-1] == [TextDelta("ab")]
    assert play(text("a"), text("b"), done, completed())[:-1] == [TextDelta("a"), TextDelta("b")]


def test_reasoning_and_its_summary_are_told_apart():
    summary = {
        "type": "response.reasoning_summary_text.delta",
        "item_id": "rs-1",
        "summary_index": 0,
        "delta": "In short",
    }
    raw = {"type": "response.reasoning_text.delta", "item_id": "rs-2", "content_index": 0, "delta": "Hm"}
    events = play(summary, summary | {"summary_index": 1, "delta": "Then"}, raw, completed())
    assert events[:2] == [ReasoningDelta("In short", True), ReasoningDelta("\n\nThen", True)]
    assert events[2] == ReasoningDelta("\n\nHm", False)


def test_a_call_streams_its_arguments_and_ends_once():
    args = {"type": "response.function_call_arguments.delta", "item_id": "fc-1", "output_index": 0}
    events = play(
        item("added", CALL),
        args | {"delta": '{"x":'},
        args | {"delta": "1}"},
        {"type": "response.function_call_arguments.done", "item_id": "fc-1", "arguments": '{"x":1}'},
        item("done", CALL | {"arguments": '{"x":1}', "status": "completed"}),
        completed(),
    )
    assert events[:-1] == [
        ToolCallStarted("a", "f"),
        ToolArgsDelta("a", '{"x":'),
        ToolArgsDelta("a", "1}"),
        ToolCallDone("a", "f", {"x": 1}),
    ]
    assert events[-1].finish == "tool_calls"


def test_arguments_that_come_only_whole_are_streamed_whole():
    for opening in ([item("added", CALL)], []):
        events = play(*opening, item("done", CALL | {"arguments": '{"x":1}'}), completed())
        assert events[1:-1] == [ToolArgsDelta("a", '{"x":1}'), ToolCallDone("a", "f", {"x": 1})]


def test_items_without_ids_are_told_apart_by_their_place():
    first = CALL | {"id": None, "call_id": None}
    events = play(
        item("added", first, at=0),
        item("added", first | {"name": "g"}, at=1),
        {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": '{"y":2}'},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"x":1}'},
        completed(),
    )
    assert [event for event in events if isinstance(event, ToolCallDone)] == [
        ToolCallDone("call-1", "f", {"x": 1}),
        ToolCallDone("call-2", "g", {"y": 2}),
    ]


def test_encrypted_reasoning_is_carried_and_nothing_else_of_it():
    reasoning = {"id": "rs-1", "type": "reasoning", "summary": [], "encrypted_content": "xyz", "status": "completed"}
    finished = play(item("done", reasoning), item("done", {"type": "reasoning", "id": "rs-2"}), completed())[-1]
    assert finished.carry == ({"type": "reasoning", "id": "rs-1", "summary": [], "encrypted_content": "xyz"},)


@pytest.mark.parametrize(
    ("reason", "finish"), [("max_output_tokens", "length"), ("content_filter", "content_filter"), (None, "length")]
)
def test_an_incomplete_response_says_why(reason, finish):
    ended = {
        "type": "response.incomplete",
        "response": response("incomplete", incomplete_details={"reason": reason} if reason else None),
    }
    assert play(text("a"), ended)[-1].finish == finish


def test_arguments_cut_by_the_output_limit_say_that():
    ended = {
        "type": "response.incomplete",
        "response": response("incomplete", incomplete_details={"reason": "max_output_tokens"}),
    }
    done = play(item("added", CALL | {"arguments": '{"x'}), ended)[-2]
    assert "output limit" in done.error


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("server_error", "oops", UpstreamFailed),
        ("rate_limit_exceeded", "slow down", RateLimited),
        ("context_length_exceeded", "too much", ContextTooLong),
    ],
)
def test_a_failure_is_raised_with_its_kind_however_it_is_sent(code, message, kind):
    for failed in (
        {"type": "response.failed", "response": response("failed", error={"code": code, "message": message})},
        {"type": "error", "code": code, "message": message, "param": None},
    ):
        with pytest.raises(kind, match=message):
            play(text("a"), failed)


def test_a_stream_without_its_last_event_was_cut():
    with pytest.raises(Disconnected):
        play(text("a"))


def test_unknown_events_are_passed_over():
    assert play({"type": "response.new_thing", "delta": 1}, {}, text("a"), completed())[:-1] == [TextDelta("a")]
