"""What the scripted model says: the same request, the same words. Pure.

It reads like an answer (thought, then Markdown about the words of the question; tool calls where tools are offered), so that
a page, a bench or a fault test sees what a real model would send. A question may direct it: `rehearse:tokens=2000` sets the
length, `rehearse:fail` ends the stream with an error after half of it. Asked for one to three sentences it keeps to them.
"""

from __future__ import annotations

import hashlib
import random
import re
from typing import Any

import msgspec

from services.agent_worker.models.port import AssistantMessage, ModelRequest, ToolMessage, ToolSpec, UserMessage

TOKENS_USUAL = 260
TOKENS_MAX = 100_000
TOKEN_CHARS = 7
"""A longer word is several tokens, as it is with real ones."""

CALLS_MAX = 2
QUOTED_CHARS = 80

_TOKEN = re.compile(rf"\s*\S{{1,{TOKEN_CHARS}}}|\s+\Z")
_WORD = re.compile(r"[^\W\d_]{4,}")
_DIRECTIVE = re.compile(r"rehearse:(\w+)(?:=(\d{1,6}))?")
_SENTENCES = re.compile(r"\b(one|two|three) sentences?\b")
_PASSED_OVER = """
about also answer around been brief briefly compare describe does each explain find from give have here into just list make more
most much only other over paragraph paragraphs please report sentence sentences short show some such tell text than that their
them then there these they this those three through title under very want were what when where which with words would write your
"""
"""Words of a question that say what to do, not what about."""

THOUGHTS = (
    "The question is about {topic}, so I should settle what is meant by it first.",
    "There are two ways to read this; the plainer one fits {b} better.",
    "I will start with what is certain about {a}, then say what follows for {b}.",
    "A short answer with one example will serve better than a list of everything.",
)
OPENINGS = (
    "The short version: **{topic}** is best understood as a flow, not as a place.",
    "Three things are worth knowing about **{topic}**, and the third is the one that people forget.",
    "Whoever meets **{topic}** for the first time looks at the main channel and misses the side arms.",
)
SENTENCES = (
    "What matters about {a} is the order of things: what came first shapes what can come after.",
    "A river that splits carries the same water twice as quietly, and {b} is no different.",
    "Measured over a year the variation is small; measured over an hour it is everything.",
    "Where {a} slows down it drops what it carried, and that is how new ground is made.",
    "Nothing here is lost: what leaves the main course comes back to it further down.",
    "It pays to look at {b} from upstream, where the causes are, and not from the mouth.",
    "The numbers agree with the maps, which is less common than one would wish.",
    "Most of the surprises around {a} come from two arms that meet earlier than expected.",
    "A careful observer of {b} writes down the time before the level, never after it.",
)
POINTS = (
    "**Source** — where {a} begins, and how much of it there is.",
    "**Course** — the path it takes, `main` or one of its arms.",
    "**Level** — how high {b} stands now, against the mean.",
    "**Confluence** — where the arms meet and the order is settled.",
)
HEADINGS = ("## What {topic} is about", "### How it flows", "### What to watch", "### Where it leads")


class Rehearsed(msgspec.Struct, frozen=True):
    """`thought`, then `text`, then `calls`: names with their arguments. `fails`: an error instead of the end."""

    thought: str
    text: str
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    fails: bool = False


def rehearse(request: ModelRequest) -> Rehearsed:
    question = next((message.text for message in reversed(request.messages) if isinstance(message, UserMessage)), "")
    directives = dict(_DIRECTIVE.findall(question))
    dice = _dice(request)
    words = _words_of(_DIRECTIVE.sub("", question))
    results = _results(request)
    fails = "fail" in directives
    if request.tools and not results:
        text = _fill("Let me look at {topic} before I answer.", words)
        return Rehearsed(_prose(THOUGHTS, words, dice, 24), text, _calls(request.tools, question, dice), fails)
    short = _SENTENCES.search(question)
    if short is not None and not directives:
        count = ("one", "two", "three").index(short[1]) + 1
        thought = _fill(dice.choice(THOUGHTS), words)
        return Rehearsed(thought, " ".join(_fill(line, words) for line in dice.sample(SENTENCES, count)))
    room = min(int(directives.get("tokens") or 0), TOKENS_MAX) or TOKENS_USUAL
    room = min(room, request.max_tokens * 3 // 5) if request.max_tokens else room
    thought = _prose(THOUGHTS, words, dice, min(60, room // 4))
    return Rehearsed(thought, "\n\n".join([*results, _answer(words, dice, room)]), (), fails)


def tokens_of(text: str) -> list[str]:
    """Cut text into pieces the size of a model's tokens; joined they are the text."""
    return _TOKEN.findall(text)


def _dice(request: ModelRequest) -> random.Random:
    """Chance that is the same for the same words. The ids of tool calls are none: a worker that takes over has others."""
    words = [
        (message.text, [(call.name, call.args) for call in message.calls])
        if isinstance(message, AssistantMessage)
        else message.text
        for message in request.messages
    ]
    return random.Random(hashlib.blake2b(msgspec.json.encode(words)).digest())


def _words_of(question: str) -> dict[str, str]:
    """The words of the question that the prose speaks about: of its last line, and there of what follows a colon."""
    subject = question.strip().rpartition("\n")[2].rpartition(": ")[2]
    found = [word for word in dict.fromkeys(_WORD.findall(subject)) if word.lower() not in _PASSED_OVER.split()]
    found = (found or ["Rivers", "arms"])[:3]
    topic = f"{', '.join(found[:-1])} and {found[-1]}" if found[1:] else found[0]
    return {"topic": topic, "a": found[0], "b": found[-1]}


def _fill(template: str, words: dict[str, str]) -> str:
    return template.format_map(words)


def _prose(templates: tuple[str, ...], words: dict[str, str], dice: random.Random, room: int) -> str:
    """Sentences until `room` tokens are used, at least one; none twice in a row."""
    said = ""
    order: list[str] = []
    while not said or len(tokens_of(said)) < room:
        order = order or dice.sample(templates, len(templates))
        said = f"{said} {_fill(order.pop(), words)}".strip()
    return said


def _answer(words: dict[str, str], dice: random.Random, room: int) -> str:
    """About `room` tokens of Markdown: sections of a paragraph and a list, or one paragraph where there is no room."""
    if room < TOKENS_USUAL // 2:
        return _prose(SENTENCES, words, dice, room - 20)
    parts = [_fill(HEADINGS[0], words), f"{_fill(dice.choice(OPENINGS), words)} {_prose(SENTENCES, words, dice, 40)}"]
    used = sum(len(tokens_of(part)) for part in parts)
    while used < room - 30:
        points = [f"- {_fill(point, words)}" for point in dice.sample(POINTS, 3)]
        section = [dice.choice(HEADINGS[1:]), _prose(SENTENCES, words, dice, 50), "\n".join(points)]
        parts += section
        used += sum(len(tokens_of(part)) for part in section)
    return "\n\n".join([*parts, _prose(SENTENCES, words, dice, 20)])


def _results(request: ModelRequest) -> list[str]:
    """What the tools said to the last question, quoted."""
    quoted: list[str] = []
    for message in reversed(request.messages):
        if isinstance(message, UserMessage):
            break
        if isinstance(message, ToolMessage):
            quoted.append(f"A tool says: `{message.text[:QUOTED_CHARS].replace('`', ' ')}`")
    return quoted[::-1]


def _calls(tools: tuple[ToolSpec, ...], question: str, dice: random.Random) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The tools that the question names or describes, else one by chance; arguments are their schema's examples."""
    asked = {word.lower() for word in _WORD.findall(question)}
    named = [tool for tool in tools if asked & {word.lower() for word in _WORD.findall(tool.name.replace("_", " "))}]
    chosen = named[:CALLS_MAX] or [dice.choice(tools)]
    return tuple((tool.name, _arguments(tool.schema, dice)) for tool in chosen)


def _arguments(schema: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    required = schema.get("required", ())
    return {name: _value(field, dice) for name, field in schema.get("properties", {}).items() if name in required}


def _value(field: dict[str, Any], dice: random.Random) -> Any:
    if examples := field.get("examples") or field.get("enum"):
        return dice.choice(examples)
    simplest = {"integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}
    return simplest.get(field.get("type", ""), "river")
