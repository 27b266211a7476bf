import asyncio
from contextlib import aclosing

import msgspec
import pytest

from services.agent_worker.models.port import (
    AssistantMessage,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    ToolArgsDelta,
    ToolCallDone,
    ToolMessage,
    ToolSpec,
    UpstreamFailed,
    UserMessage,
)
from services.agent_worker.models.scripted import Scripted, script

FIND = ToolSpec(
    "find_rivers",
    "Find.",
    {"type": "object", "properties": {"name": {"type": "string", "examples": ["Rhine"]}}, "required": ["name"]},
)
ADD = ToolSpec("total", "Add.", {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})


def ask(text, **fields):
    return ModelRequest(messages=(UserMessage(text),), **fields)


def text_of(events, kind=TextDelta):
    return "".join(event.text for event in events if isinstance(event, kind))


def test_the_same_request_gives_the_same_tokens_and_another_gives_others():
    assert list(script(ask("Why do rivers bend?"))) == list(script(ask("Why do rivers bend?")))
    assert text_of(script(ask("Why do rivers bend?"))) != text_of(script(ask("Why do rivers bend so?")))


def test_an_answer_is_a_thought_and_several_paragraphs_of_markdown_about_the_question():
    events = list(script(ask("Why do rivers meander?")))
    assert "meander" in text_of(events)
    assert text_of(events).startswith("## ")
    assert text_of(events).count("\n\n") > 3
    assert len(text_of(events, ReasoningDelta)) > 50


@pytest.mark.parametrize("limit", [1, 20, 60, 100, 200, 400])
def test_the_output_limit_is_kept(limit):
    events = list(script(ask("Why do rivers bend?", max_tokens=limit)))
    assert events[-1].usage.output <= limit
    assert len(events) - 1 <= limit


def test_offered_tools_are_called_by_what_the_question_names_with_their_examples():
    *_, done, finished = script(ask("Find something", tools=(ADD, FIND)))
    assert (done.name, done.args, finished.finish) == ("find_rivers", {"name": "Rhine"}, "tool_calls")


def test_argument_deltas_are_the_arguments():
    events = list(script(ask("The total please", tools=(ADD, FIND))))
    (done,) = [event for event in events if isinstance(event, ToolCallDone)]
    assert msgspec.json.decode(text_of(events, ToolArgsDelta)) == done.args == {"n": 1}


def test_results_of_tools_are_quoted_and_no_tool_is_called_again():
    messages = (UserMessage("Find it"), AssistantMessage("", ()), ToolMessage("a", "it is 42 km long"))
    events = list(script(ModelRequest(messages=messages, tools=(FIND,))))
    assert "42 km" in text_of(events)
    assert events[-1].finish == "stop"


def test_what_a_prompt_gives_as_facts_is_said_again_and_what_asks_for_it_is_not():
    prompt = "Facts: The Nile is 6,650 km long. The Rhine is 1,233 km long.\n\nRewrite these facts as two sentences."
    assert text_of(script(ask(prompt))) == "The Nile is 6,650 km long. The Rhine is 1,233 km long."
    prompt = "Sum up this text in one sentence.\n\nDeltas: A delta grows where the water slows down. It has arms."
    assert text_of(script(ask(prompt))) == "A delta grows where the water slows down."


def test_who_argues_for_a_thing_and_who_argues_against_it_say_different_sentences():
    sides = ("in favour of", "against")
    said = [text_of(script(ask(f"In three sentences, argue {side} this: Dam the river"))) for side in sides]
    sentences = [set(text.split(". ")) for text in said]
    assert all(len(one) == 3 for one in sentences)
    assert not sentences[0] & sentences[1]


def test_what_is_looked_for_is_what_was_asked():
    search = ToolSpec("search_texts", "Search.", {"type": "object", "properties": {"query": {}}, "required": ["query"]})
    *_, done, _ = script(ask("How wide is the Nile? Search for it.", tools=(search,)))
    assert done.args == {"query": "How wide is the Nile?"}


def test_a_question_may_set_the_length_or_a_failure():
    assert script_tokens("rehearse:tokens=2000") > 1500
    with pytest.raises(UpstreamFailed):
        list(script(ask("rehearse:fail")))


def script_tokens(text):
    return sum(isinstance(event, TextDelta) for event in script(ask(text)))


async def test_at_full_speed_others_get_their_turn():
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    async with aclosing(Scripted(0).stream(ask("Why?"))) as events:
        spoken = [event async for event in events]
    task.cancel()
    assert turns >= len(spoken) // 20


async def test_the_rate_is_kept_by_a_schedule():
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with aclosing(Scripted(1000).stream(ask("Why?", max_tokens=50))) as events:
        spoken = sum([isinstance(event, TextDelta | ReasoningDelta) async for event in events])
    assert loop.time() - begun >= spoken / 1000
