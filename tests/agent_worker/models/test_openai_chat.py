"""The chat completions shell: the real openai SDK against a real server."""

import asyncio
from contextlib import aclosing

import pytest

from services.agent_worker.models.openai_chat import OpenAIChat
from services.agent_worker.models.port import (
    AssistantMessage,
    ContextTooLong,
    Disconnected,
    ModelError,
    ModelRequest,
    RateLimited,
    ReasoningDelta,
    Rejected,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolCallDone,
    ToolMessage,
    ToolSpec,
    Unauthorized,
    UpstreamFailed,
    UpstreamTimeout,
    UserMessage,
)
from services.agent_worker.models.upstream import Upstream
from tests.openai_server import DONE, Cut, chat_answer, chat_chunk, usage_chunk

ASK = ModelRequest(messages=(UserMessage("Hi"),))


@pytest.fixture
async def model(upstream_server):
    upstream = Upstream(api_key="sk-secret", base_url=upstream_server.url)
    yield OpenAIChat(upstream, "m", context_tokens=1000)
    await upstream.close()


async def answer(model, request=ASK):
    async with aclosing(model.stream(request)) as events:
        return [event async for event in events]


async def test_the_answer_streams_through_the_real_sdk(model, upstream_server):
    *deltas, finished = await answer(model)
    assert "".join(delta.text for delta in deltas) == "Hello there."
    assert (finished.usage.input, finished.usage.output) == (7, 3)
    assert upstream_server.requests[0]["stream_options"] == {"include_usage": True}


async def test_the_whole_conversation_goes_along_with_calls_and_their_results(model, upstream_server):
    spec = ToolSpec("f", "Does f.", {"type": "object", "properties": {}})
    messages = (
        SystemMessage("Be brief."),
        UserMessage("Hi"),
        AssistantMessage("Looking.", (ToolCall("a", "f", "{}"),)),
        ToolMessage("a", "42"),
    )
    await answer(model, ModelRequest(messages=messages, tools=(spec,), max_tokens=50))
    sent = upstream_server.requests[0]
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "assistant", "tool"]
    assert sent["messages"][2]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert sent["messages"][3]["tool_call_id"] == "a"
    assert sent["tools"][0]["function"]["name"] == "f"
    assert sent["max_tokens"] == 50


async def test_fields_that_the_sdk_does_not_know_reach_the_normaliser(model, upstream_server):
    call = {"id": "", "function": {"name": "f", "arguments": {"x": 1}}}
    upstream_server.play(
        chat_chunk({"reasoning_content": "why"}), chat_chunk({"tool_calls": [call]}), chat_chunk(finish="stop"), DONE
    )
    reasoning, _, _, done, finished = await answer(model)
    assert reasoning == ReasoningDelta("why")
    assert done == ToolCallDone("call-1-1", "f", {"x": 1})
    assert finished.finish == "tool_calls"


async def test_comments_ids_and_crlf_between_events_do_no_harm(model, upstream_server):
    whole = "".join(part if isinstance(part, str) else "" for part in [": ping\r\n\r\n", "id: 1\n", ": ping\n\n", "\n"])
    upstream_server.play(whole, chat_chunk({"content": "x"}), "id: 2\n\n: ping\n\n", *chat_answer("y"))
    assert [event.text for event in (await answer(model))[:-1]] == ["x", "y"]


async def test_a_slow_first_token_is_waited_for(model, upstream_server):
    ready = asyncio.Event()
    upstream_server.play(": loading\n\n", ready, *chat_answer("x"))
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(answer(model))
        async with asyncio.timeout(5):
            await upstream_server.asked.wait()
        assert not task.done()
        ready.set()
    assert task.result()[0] == TextDelta("x")


async def test_silence_beyond_the_limit_is_a_timeout(upstream_server):
    upstream = Upstream(api_key="k", base_url=upstream_server.url, silence_s=0.05)
    upstream_server.play(chat_chunk({"content": "x"}), asyncio.Event())
    with pytest.raises(UpstreamTimeout):
        await answer(OpenAIChat(upstream, "m", context_tokens=1000))
    await upstream.close()


async def test_closing_the_stream_cancels_the_upstream_call(model, upstream_server):
    upstream_server.play(chat_chunk({"content": "x"}), asyncio.Event())
    async with aclosing(model.stream(ASK)) as events:
        assert await anext(events) == TextDelta("x")
    async with asyncio.timeout(5):
        await upstream_server.left.wait()


async def test_a_connection_cut_in_the_middle_is_disconnected(model, upstream_server):
    upstream_server.play(chat_chunk({"content": "x"}), Cut())
    with pytest.raises(Disconnected) as raised:
        await answer(model)
    assert raised.value.retryable


async def test_a_stream_that_just_ends_is_disconnected_too(model, upstream_server):
    upstream_server.play(chat_chunk({"content": "x"}))
    with pytest.raises(Disconnected):
        await answer(model)


async def test_nobody_listening_is_disconnected(model):
    upstream = Upstream(api_key="k", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(Disconnected):
        await answer(OpenAIChat(upstream, "m", context_tokens=1000))
    await upstream.close()


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (401, {"message": "Incorrect API key provided: sk-se***et", "code": "invalid_api_key"}, (Unauthorized, False)),
        (403, {"message": "no"}, (Unauthorized, False)),
        (404, {"message": "The model `m` does not exist", "code": "model_not_found"}, (Rejected, False)),
        (400, {"message": "maximum context length is 10", "code": "context_length_exceeded"}, (ContextTooLong, False)),
        (400, {"message": "request exceeds the available context size", "code": 400}, (ContextTooLong, False)),
        (400, {"message": "bad schema", "param": "tools"}, (Rejected, False)),
        (429, {"message": "slow down"}, (RateLimited, True)),
        (429, {"message": "no credit", "code": "insufficient_quota"}, (Rejected, False)),
        (408, {"message": "late"}, (UpstreamTimeout, True)),
        (500, "<html>oops</html>", (UpstreamFailed, True)),
        (503, {"message": "loading"}, (UpstreamFailed, True)),
    ],
)
async def test_every_http_error_becomes_one_of_ours(model, upstream_server, status, error, expected):
    upstream_server.fail(status, error)
    with pytest.raises(ModelError) as raised:
        await answer(model)
    assert (type(raised.value), raised.value.retryable) == expected
    assert "sk-" not in raised.value.message


async def test_what_the_upstream_says_about_waiting_is_kept(model, upstream_server):
    upstream_server.fail(429, {"message": "slow down"}, **{"retry-after": "7"})
    with pytest.raises(RateLimited) as raised:
        await answer(model)
    assert raised.value.retry_after_s == 7


async def test_an_error_inside_the_stream_is_raised_as_what_it_is(model, upstream_server):
    upstream_server.play(chat_chunk({"content": "x"}), {"error": {"message": "overloaded", "code": "server_error"}})
    with pytest.raises(UpstreamFailed, match="overloaded"):
        await answer(model)


@pytest.mark.parametrize("junk", ["data: {not json}\n\n", "data: 5\n\n", b'data: {"a": "\xff"}\n\n'])
async def test_what_is_no_event_is_the_upstreams_failure(model, upstream_server, junk):
    upstream_server.play(junk)
    with pytest.raises(UpstreamFailed):
        await answer(model)


async def test_an_upstream_that_knows_another_name_for_the_limit_is_asked_again_once(model, upstream_server):
    text = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    upstream_server.fail(400, {"message": text, "param": "max_tokens", "code": "unsupported_parameter"})
    request = ModelRequest(messages=(UserMessage("Hi"),), max_tokens=9)
    for _ in range(2):
        await answer(model, request)
    asked = [{key for key in sent if key.startswith("max_")} for sent in upstream_server.requests]
    assert asked == [{"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"}]


async def test_an_upstream_without_stream_options_is_asked_without(model, upstream_server):
    upstream_server.fail(422, {"message": "stream_options: extra fields not permitted"})
    upstream_server.play(chat_chunk({"content": "x"}, "stop"), usage_chunk(1, 1), DONE)
    assert (await answer(model))[0] == TextDelta("x")
    assert "stream_options" not in upstream_server.requests[1]
