"""What the scripted model says: the same request, the same words. Pure.

It reads like an answer (thought, then Markdown about what the question is about; tool calls where tools are offered), so that
a page, a bench or a fault test sees what a real model would send. What a prompt gives as facts, notes or findings it says
again. Asked for one to three sentences it keeps to them. A question may direct it: `rehearse:tokens=2000` sets the length,
`rehearse:fail` ends the stream with an error after half of it.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from services.agent_worker.models import rehearsed_lines as lines
from services.agent_worker.models.port import AssistantMessage, ModelRequest, ToolMessage, ToolSpec, UserMessage
from services.agent_worker.models.topic import Topic, topic_of

TOKENS_USUAL = 260
TOKENS_MAX = 100_000
TOKEN_CHARS = 7
"""A longer word is several tokens, as it is with real ones."""

SECTION_TOKENS = 160
"""From so many on an answer has a heading and sections; a shorter one is a paragraph."""

IN_ORDER = 2
"""Lines of a role, if they are no more, that are said from the first on: they belong together."""

CALLS_MAX = 2
QUOTED_CHARS = 240
GIST_CHARS_MIN = 60
"""Of a text in a tool's result that is taken for its gist."""

_TOKEN = re.compile(rf"\s*\S{{1,{TOKEN_CHARS}}}|\s+\Z")
_WORD = re.compile(r"[^\W\d_]{4,}")
_DIRECTIVE = re.compile(r"\s*rehearse:(\w+)(?:=(\d{1,6}))?")
_SENTENCES = re.compile(r"\b(one|two|three) (?:short )?sentences?\b")
_PARAGRAPHS = re.compile(r"\btwo short paragraphs\b")
_SENTENCE = re.compile(r"[A-Z\"“][^.!?\n]{12,}(?:\.\d[^.!?\n]*)*[.!?](?=\s|\Z)")
_LABEL = re.compile(r"^(?:- )?[\w ,'-]{2,40}:[ \n]", re.MULTILINE)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Rehearsed(msgspec.Struct, frozen=True):
    """`thought`, then `text`, then `calls`: names with their arguments. `fails`: an error instead of the end."""

    thought: str
    text: str
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    fails: bool = False


def rehearse(request: ModelRequest) -> Rehearsed:
    asked = next((message.text for message in reversed(request.messages) if isinstance(message, UserMessage)), "")
    directives = dict(_DIRECTIVE.findall(asked))
    prompt = _DIRECTIVE.sub("", asked)
    topic = topic_of(prompt)
    dice = _dice(request)
    results = _results(request)
    fails = "fail" in directives
    if request.tools and not results:
        thought = _prose(_endless(lines.THOUGHTS, topic, dice), 24)
        return Rehearsed(thought, _fill(lines.LOOKING, topic), _calls(request.tools, prompt, topic, dice), fails)
    said = _sentences(prompt, topic, dice)
    short = _SENTENCES.search(prompt)
    if short is not None and not directives:
        count = ("one", "two", "three").index(short[1]) + 1
        return Rehearsed(_fill(dice.choice(lines.THOUGHTS), topic), _next(said, count))
    if _PARAGRAPHS.search(prompt) and not directives:
        return Rehearsed(_fill(dice.choice(lines.THOUGHTS), topic), f"{_next(said, 3)}\n\n{_next(said, 3)}")
    room = min(int(directives.get("tokens") or 0), TOKENS_MAX) or TOKENS_USUAL
    room = min(room, request.max_tokens * 3 // 5) if request.max_tokens else room
    thought = _prose(_endless(lines.THOUGHTS, topic, dice), min(60, room // 4))
    answer = _answer(said, topic, dice, room) if room >= SECTION_TOKENS else _prose(said, room - 20)
    return Rehearsed(thought, "\n\n".join([*results, answer]), (), fails)


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


def _fill(template: str, topic: Topic) -> str:
    return template.format_map({**topic._asdict(), "Subject": _capital(topic.subject)})


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _sentences(prompt: str, topic: Topic, dice: random.Random) -> Iterator[str]:
    """What is to be said, without an end: what fits the role that the prompt gives, or the sentences that the prompt was
    given to speak about; then what can be said about anything.
    """
    *paragraphs, last = prompt.split("\n\n")
    task = next((part for part in paragraphs if _SENTENCES.search(part)), last)
    given = "\n".join(part for part in [*paragraphs, last] if part is not task)
    own = next((said for words, said in lines.ROLES if words in task), None)
    if own is not None:
        first = dice.randrange(len(own)) if len(own) > IN_ORDER else 0
        yield from (_fill(line, topic) for line in own[first:] + own[:first])
    else:
        yield from dict.fromkeys(_SENTENCE.findall(_LABEL.sub("", given)))
    yield from _endless(lines.SENTENCES, topic, dice)


def _endless(templates: tuple[str, ...], topic: Topic, dice: random.Random) -> Iterator[str]:
    while True:
        yield from (_fill(line, topic) for line in dice.sample(templates, len(templates)))


def _next(said: Iterator[str], count: int) -> str:
    return " ".join(next(said) for _ in range(count))


def _prose(said: Iterator[str], room: int) -> str:
    """Sentences until `room` tokens are used, at least one."""
    text = next(said)
    while len(tokens_of(text)) < room:
        text = f"{text} {next(said)}"
    return text


def _answer(said: Iterator[str], topic: Topic, dice: random.Random, room: int) -> str:
    """About `room` tokens of Markdown: a heading and a paragraph, then sections, and a paragraph at the end."""
    opening = f"{_fill(dice.choice(lines.OPENINGS), topic)} {_prose(said, 30)}"
    parts = [f"## {_capital(topic.subject)}", opening]
    used = sum(len(tokens_of(part)) for part in parts)
    sections = _sections(said, dice)
    while used < room - 30:
        section = next(sections)
        parts.append(section)
        used += len(tokens_of(section))
    return "\n\n".join([*parts, _prose(said, 20)])


def _sections(said: Iterator[str], dice: random.Random) -> Iterator[str]:
    """A table, a formula with code, a list, each with a paragraph; again and again."""
    while True:
        yield f"{lines.TABLE}\n\n{_prose(said, 20)}"
        yield lines.WORKED_OUT
        points = "\n".join(f"- {point}" for point in dice.sample(lines.POINTS, 3))
        yield f"{lines.LISTED}\n\n{points}\n\n{_prose(said, 40)}"


def _results(request: ModelRequest) -> list[str]:
    """What the tools said to the last question, quoted."""
    quoted: list[str] = []
    for message in reversed(request.messages):
        if isinstance(message, UserMessage):
            break
        if isinstance(message, ToolMessage):
            quoted.append(f"> {_gist(message.text)}")
    return quoted[::-1]


def _gist(result: str) -> str:
    """The first long text in a result that is JSON, else its beginning: one line, with nothing in it that sets code."""
    text = next((text for text in _STRING.findall(result) if len(text) >= GIST_CHARS_MIN), result)
    line = " ".join(text.replace("\\n", " ").replace("`", " ").split())
    return line if len(line) <= QUOTED_CHARS else line[:QUOTED_CHARS].rsplit(" ", 1)[0] + " …"


def _calls(
    tools: tuple[ToolSpec, ...], question: str, topic: Topic, dice: random.Random
) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The tools that the question names or describes, else one by chance."""
    asked = {word.lower() for word in _WORD.findall(question)}
    named = [tool for tool in tools if asked & {word.lower() for word in _WORD.findall(tool.name.replace("_", " "))}]
    chosen = named[:CALLS_MAX] or [dice.choice(tools)]
    return tuple((tool.name, _arguments(tool.schema, topic, dice)) for tool in chosen)


def _arguments(schema: dict[str, Any], topic: Topic, dice: random.Random) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        name: _value(name, field, topic, dice)
        for name, field in schema.get("properties", {}).items()
        if name in required
    }


def _value(name: str, field: dict[str, Any], topic: Topic, dice: random.Random) -> Any:
    """What is looked for is what was asked; anything else is an example of the schema."""
    if name == "query":
        return topic.subject
    if examples := field.get("examples") or field.get("enum"):
        return dice.choice(examples)
    simplest = {"integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}
    return simplest.get(field.get("type", ""), "river")
