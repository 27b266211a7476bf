"""The Responses shell: the real openai SDK against a real server."""

from contextlib import aclosing

import pytest

from services.agent_worker.models.openai_responses import OpenAIResponses
from services.agent_worker.models.port import (
    AssistantMessage,
    Disconnected,
    ModelRequest,
    ReasoningDelta,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolCallDone,
    ToolMessage,
    ToolSpec,
    UpstreamFailed,
    UserMessage,
)
from services.agent_worker.models.upstream import Upstream
from tests.openai_server import Cut, numbered, response, response_answer

ASK = ModelRequest(messages=(UserMessage("Hi"),))


@pytest.fixture
async def upstream(upstream_server):
    upstream = Upstream(api_key="k", base_url=upstream_server.url)
    yield upstream
    await upstream.close()


async def answer(model, request=ASK):
    async with aclosing(model.stream(request)) as events:
        return [event async for event in events]


async def test_the_answer_streams_through_the_real_sdk(upstream):
    *deltas, finished = await answer(OpenAIResponses(upstream, "m", context_tokens=1000))
    assert deltas == [TextDelta("Hello"), TextDelta(" there.")]
    assert (finished.usage.input, finished.usage.cached, finished.usage.reasoning) == (7, 2, 1)


async def test_reasoning_its_encrypted_form_and_calls_go_around_once(upstream, upstream_server):
    reasoning = {"id": "rs-1", "type": "reasoning", "summary": [], "encrypted_content": "xyz"}
    call = {"id": "fc-1", "type": "function_call", "call_id": "a", "name": "f", "arguments": '{"x":1}'}
    delta = {"item_id": "rs-1", "output_index": 0, "summary_index": 0, "delta": "In short"}
    upstream_server.play(
        *numbered(
            [
                {"type": "response.created", "response": response("in_progress", usage=None)},
                {"type": "response.output_item.added", "output_index": 0, "item": reasoning},
                {"type": "response.reasoning_summary_text.delta", **delta},
                {"type": "response.output_item.done", "output_index": 0, "item": reasoning},
                {"type": "response.output_item.added", "output_index": 1, "item": call | {"arguments": ""}},
                {"type": "response.output_item.done", "output_index": 1, "item": call},
                {"type": "response.completed", "response": response()},
            ]
        )
    )
    model = OpenAIResponses(upstream, "gpt-6-test", context_tokens=1000)
    spec = ToolSpec("f", "Does f.", {"type": "object", "properties": {}})
    events = await answer(model, ModelRequest(messages=(UserMessage("Hi"),), tools=(spec,)))
    assert events[0] == ReasoningDelta("In short", True)
    assert ToolCallDone("a", "f", {"x": 1}) in events
    again = AssistantMessage("Looking.", (ToolCall("a", "f", '{"x":1}'),), events[-1].carry)
    messages = (SystemMessage("Be brief."), UserMessage("Hi"), again, ToolMessage("a", "42"))
    await answer(model, ModelRequest(messages=messages, max_tokens=50))
    first, second = upstream_server.requests
    assert first["reasoning"] == {"summary": "auto"}
    assert first["tools"][0]["name"] == "f"
    assert (second["store"], second["max_output_tokens"]) == (False, 50)
    kinds = [item.get("type", item.get("role")) for item in second["input"]]
    assert kinds == ["system", "user", "reasoning", "message", "function_call", "function_call_output"]
    assert second["input"][2]["encrypted_content"] == "xyz"


async def test_a_model_that_refuses_summaries_is_asked_without(upstream, upstream_server):
    text = "Your organization must be verified to generate reasoning summaries."
    upstream_server.fail(400, {"message": text, "param": "reasoning.summary", "code": "unsupported_value"})
    await answer(OpenAIResponses(upstream, "o3", context_tokens=1000))
    assert ["reasoning" in sent for sent in upstream_server.requests] == [True, False]


async def test_a_failed_response_and_an_error_event_are_raised(upstream, upstream_server):
    model = OpenAIResponses(upstream, "m", context_tokens=1000)
    failed = response("failed", error={"code": "server_error", "message": "oops"})
    upstream_server.play(*numbered([{"type": "response.failed", "response": failed}]))
    upstream_server.play(*numbered([{"type": "error", "code": "server_error", "message": "oops", "param": None}]))
    for _ in range(2):
        with pytest.raises(UpstreamFailed, match="oops"):
            await answer(model)


async def test_a_cut_is_disconnected_by_reset_and_by_a_clean_end(upstream, upstream_server):
    model = OpenAIResponses(upstream, "m", context_tokens=1000)
    start = response_answer("Hel")[:4]
    upstream_server.play(*start, Cut())
    upstream_server.play(*start)
    for _ in range(2):
        with pytest.raises(Disconnected):
            await answer(model)


async def test_events_of_a_kind_the_sdk_does_not_know_are_passed_over(upstream, upstream_server):
    upstream_server.play(*numbered([{"type": "response.brand_new", "delta": "?"}]), *response_answer("x"))
    assert (await answer(OpenAIResponses(upstream, "m", context_tokens=1000)))[0] == TextDelta("x")
