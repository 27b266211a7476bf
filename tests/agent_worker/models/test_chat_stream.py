"""Every dialect of chat completions that is known to us, one test each."""

import itertools
import json

import pytest

from services.agent_worker.models.chat_stream import ChatStream
from services.agent_worker.models.port import (
    Disconnected,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolArgsDelta,
    ToolCallDone,
    ToolCallStarted,
)
from tests.openai_server import chat_chunk, usage_chunk


def play(*chunks):
    stream = ChatStream("m", "call-")
    return [event for chunk in chunks for event in stream.feed(chunk)] + stream.finish()


def fragment(index=..., call=..., name=..., args=...):
    function = {key: value for key, value in (("name", name), ("arguments", args)) if value is not ...}
    fields = {"index": index, "id": call, "function": function or ...}
    return {key: value for key, value in fields.items() if value is not ...}


def calls(*fragments, finish="tool_calls"):
    """The calls made of the fragments, one chunk each: id, name, arguments. Checks that every call is well formed."""
    events = play(*(chat_chunk({"tool_calls": [each]}) for each in fragments), chat_chunk(finish=finish))
    open_calls = {}
    for event in events:
        match event:
            case ToolCallStarted(call, name):
                assert call not in open_calls
                open_calls[call] = [name, ""]
            case ToolArgsDelta(call, text):
                assert text
                open_calls[call][1] += text
            case ToolCallDone(call, name, args, error):
                assert open_calls[call][0] == name
                assert error or json.loads(open_calls[call][1] or "{}") == args
    assert events[-1].finish == "tool_calls"
    return [(event.call, event.name, event.args) for event in events if isinstance(event, ToolCallDone)]


def texts(events):
    reasoning = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    return reasoning, "".join(event.text for event in events if isinstance(event, TextDelta))


def test_a_plain_answer_is_its_text_its_finish_and_its_usage():
    events = play(
        chat_chunk({"role": "assistant", "content": ""}),
        chat_chunk({"content": "Hel"}),
        chat_chunk({"content": "lo"}),
        chat_chunk(finish="stop"),
        usage_chunk(7, 2),
    )
    assert events[:2] == [TextDelta("Hel"), TextDelta("lo")]
    assert (events[2].finish, events[2].usage.input, events[2].usage.output) == ("stop", 7, 2)


def test_reasoning_and_cached_tokens_are_parts_of_the_usage():
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    (finished,) = play(chat_chunk(finish="stop"), chat_chunk(choices=[], usage=usage))
    assert (finished.usage.cached, finished.usage.reasoning) == (4, 3)


def test_usage_details_may_be_null_and_usage_may_be_missing():
    usage = {"prompt_tokens": 9, "completion_tokens": None, "completion_tokens_details": None}
    (finished,) = play(chat_chunk(finish="stop"), chat_chunk(choices=None, usage=usage))
    assert (finished.usage.input, finished.usage.output) == (9, 0)
    (finished,) = play(chat_chunk(finish="stop"))
    assert finished.usage.model == "m"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_comes_under_either_name(field):
    assert texts(play(chat_chunk({field: "why"}), chat_chunk({"content": "so"}, "stop"))) == ("why", "so")


def test_reasoning_under_both_names_at_once_is_said_once():
    delta = {"reasoning_content": "why", "reasoning": "why", "content": None}
    assert texts(play(chat_chunk(delta), chat_chunk(finish="stop"))) == ("why", "")


@pytest.mark.parametrize("size", range(1, 9))
def test_think_tags_in_the_content_become_reasoning_whatever_the_pieces(size):
    text = "<think>why not</think>\n\nBecause."
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    events = play(*(chat_chunk({"content": piece}) for piece in pieces), chat_chunk(finish="stop"))
    assert texts(events) == ("why not", "Because.")


def test_chunks_without_choices_or_delta_are_passed_over():
    empty = [chat_chunk(choices=[]), chat_chunk(choices=None), chat_chunk(choices=[{"index": 0, "delta": None}]), {}]
    assert texts(play(*empty, chat_chunk({"content": "x"}, "stop"))) == ("", "x")


def test_a_refusal_is_text():
    assert texts(play(chat_chunk({"refusal": "No."}, "stop"))) == ("", "No.")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("content_filter", "content_filter"),
        ("eos", "stop"),
    ],
)
def test_finish_reasons_of_all_upstreams_become_ours(theirs, ours):
    assert play(chat_chunk({"content": "x"}, theirs))[-1].finish == ours


def test_a_stream_without_finish_reason_was_cut():
    stream = ChatStream("m", "call-")
    stream.feed(chat_chunk({"content": "x"}))
    with pytest.raises(Disconnected):
        stream.finish()


# --- tool calls


def test_arguments_in_fragments_belong_to_the_call_of_their_index():
    assert calls(
        fragment(0, "a", "f", ""),
        fragment(1, "b", "g", ""),
        fragment(0, args='{"x":'),
        fragment(1, args='{"y":2}'),
        fragment(0, args="1}"),
    ) == [("a", "f", {"x": 1}), ("b", "g", {"y": 2})]


def test_events_of_a_call_come_as_its_fragments_do():
    events = play(
        chat_chunk({"tool_calls": [fragment(0, "a", "f", "")]}),
        chat_chunk({"tool_calls": [fragment(0, args='{"x":')]}),
        chat_chunk({"tool_calls": [fragment(0, args="1}")]}, "tool_calls"),
    )
    assert events[:4] == [
        ToolCallStarted("a", "f"),
        ToolArgsDelta("a", '{"x":'),
        ToolArgsDelta("a", "1}"),
        ToolCallDone("a", "f", {"x": 1}),
    ]
    assert isinstance(events[4], Finished)


def test_a_whole_call_may_come_in_one_delta():
    assert calls(fragment(0, "a", "f", '{"x":1}')) == [("a", "f", {"x": 1})]


def test_several_calls_may_come_in_one_chunk():
    events = play(chat_chunk({"tool_calls": [fragment(0, "a", "f", "{}"), fragment(1, "b", "g", "{}")]}, "stop"))
    assert [event.call for event in events if isinstance(event, ToolCallDone)] == ["a", "b"]


def test_calls_without_index_are_told_apart_by_their_ids():
    assert calls(fragment(call="a", name="f", args='{"x":1}'), fragment(call="b", name="f", args='{"x":2}')) == [
        ("a", "f", {"x": 1}),
        ("b", "f", {"x": 2}),
    ]


def test_fragments_without_index_and_id_continue_the_last_call():
    assert calls(fragment(call="a", name="f"), fragment(args='{"x"'), fragment(None, "", ..., ":1}")) == [
        ("a", "f", {"x": 1})
    ]


def test_fragments_without_index_find_their_call_by_id():
    assert calls(
        fragment(call="a", name="f", args=""),
        fragment(call="b", name="g", args=""),
        fragment(call="a", args='{"x":1}'),
        fragment(call="b", args='{"y":2}'),
    ) == [("a", "f", {"x": 1}), ("b", "g", {"y": 2})]


def test_calls_that_all_have_index_0_are_told_apart_by_their_ids():
    assert calls(
        fragment(0, "a", "f", '{"x":'),
        fragment(0, "", ..., "1}"),
        fragment(0, "b", "f", '{"x":2'),
        fragment(0, "", "", "}"),
    ) == [("a", "f", {"x": 1}), ("b", "f", {"x": 2})]


def test_whole_calls_with_neither_index_nor_id_are_separate_calls():
    assert calls(fragment(name="f", args='{"x":1}'), fragment(name="f", args='{"x":2}')) == [
        ("call-1", "f", {"x": 1}),
        ("call-2", "f", {"x": 2}),
    ]


def test_whole_calls_with_index_0_and_an_empty_id_are_separate_calls():
    assert calls(fragment(0, "", "f", '{"x":1}'), fragment(0, "", "g", "{}")) == [
        ("call-1", "f", {"x": 1}),
        ("call-2", "g", {}),
    ]


def test_a_name_repeated_with_every_fragment_is_one_call():
    assert calls(
        fragment(0, "a", "f", ""), fragment(0, "a", "f", '{"x":'), fragment(0, "", "f", "1"), fragment(0, ..., "f", "}")
    ) == [("a", "f", {"x": 1})]


def test_a_continuation_with_a_fresh_id_but_no_name_is_no_other_call():
    assert calls(fragment(0, "a", "f", '{"x":'), fragment(0, "a2", ..., "1}")) == [("a", "f", {"x": 1})]


def test_an_id_given_twice_becomes_two():
    found = calls(fragment(0, "a", "f", "{}"), fragment(1, "a", "g", "{}"))
    assert found == [("a", "f", {}), ("call-2", "g", {})]


def test_arguments_that_come_before_the_name_wait_for_it():
    assert calls(fragment(0, "a", ..., '{"x":'), fragment(0, ..., "f", "1}")) == [("a", "f", {"x": 1})]


def test_arguments_may_come_as_an_object():
    assert calls(fragment(0, "a", "f", {"x": 1})) == [("a", "f", {"x": 1})]


def test_a_call_without_arguments_has_none():
    assert calls(fragment(0, "a", "f", None)) == [("a", "f", {})]


@pytest.mark.parametrize("finish", ["stop", "tool_calls", "length", "function_call"])
def test_the_calls_say_that_tools_were_called_whatever_the_finish_reason(finish):
    assert calls(fragment(0, "a", "f", "{}"), finish=finish) == [("a", "f", {})]


@pytest.mark.parametrize(
    ("args", "says"),
    [("{x", "not JSON"), ("[1]", "list, not a JSON object"), ('"a"', "str, not"), ("{} {}", "not JSON")],
)
def test_arguments_that_are_no_object_become_an_error_that_says_so(args, says):
    done = play(chat_chunk({"tool_calls": [fragment(0, "a", "f", args)]}, "stop"))[-2]
    assert done.args is None
    assert says in done.error


def test_arguments_cut_by_the_output_limit_say_that():
    done = play(chat_chunk({"tool_calls": [fragment(0, "a", "f", '{"x": "lo')]}, "length"))[-2]
    assert "output limit" in done.error


def test_a_call_that_names_no_tool_is_an_error_of_the_call():
    *_, started, done, _ = play(chat_chunk({"tool_calls": [fragment(0, "a", "", "{}")]}, "stop"))
    assert (started.call, done.args, done.error) == ("a", None, "the call names no tool")


def test_text_and_calls_may_alternate():
    events = play(
        chat_chunk({"content": "Let me look."}),
        chat_chunk({"tool_calls": [fragment(0, "a", "f", "{}")]}),
        chat_chunk({"content": " Done."}, "tool_calls"),
    )
    assert texts(events) == ("", "Let me look. Done.")


def test_every_cut_of_two_calls_with_true_indexes_gives_the_same_calls():
    first, second = '{"x":1}', '{"y":2}'
    for a, b in itertools.product(range(len(first) + 1), range(len(second) + 1)):
        pieces = [
            (0, "a", "f", first[:a]),
            (1, "b", "g", second[:b]),
            (0, ..., ..., first[a:]),
            (1, ..., ..., second[b:]),
        ]
        assert calls(*(fragment(*piece) for piece in pieces)) == [("a", "f", {"x": 1}), ("b", "g", {"y": 2})]
