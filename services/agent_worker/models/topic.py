"""What a question is about: phrases of it that can stand after a preposition. Pure.

No grammar, only the small words that come before nouns and the endings of many of them: enough that rehearsed prose about a
question reads like English.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SUBJECT_CHARS = 80
"""Of a question that is repeated as a heading or as an argument."""

NOUN_CHARS_MIN = 3

_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_DETERMINERS = {word: word for word in ("the", "a", "an", "this", "that", "these", "those")} | {
    "my": "your",
    "our": "your",
}
"""What stands before a noun, and what an answer says instead."""
_NO_NOUNS = """
    about above across after again against all along already also always and another answer any anything are
    around ask away back because been before begin begins behind being below best better between both briefly
    build but came can carries carry come comes compare could count deeper describe did does done down during
    each else even ever every everything everywhere explain fast few find finds first five flow flows follow
    for found four from gave get gets give given gives goes grow had haiku has have hello her here high his
    how into it its itself just keep keeps know large least less like list long look looks lost low made make
    makes many mean means meet meets more most move moves much must near need needs never next nor not now off
    often once one only onto other others out over own paragraph paragraphs per please put question questions
    quite rather reach reads really report runs said same say says search see seems sentence sentences shall
    she short should show shows since slow small some something soon split splits start starts still stop such
    summarise sums take takes tell than their them then there they thing things think three through together
    too toward travellers turn two under until upon use used uses very want wants was way well went were what
    when where whether which while who whom whose why will with within without words work works would write
    yes yet you
"""
"""Words that are said about things, or ask for them, and name none."""


class Topic(NamedTuple):
    """`subject` is the question in one line; `a` and `b` the first and the last thing in it that has a name."""

    subject: str
    a: str
    b: str


def topic_of(question: str) -> Topic:
    """Of the last line of a prompt, and there of what follows a colon, up to a question mark."""
    subject = question.strip().rpartition("\n")[2].rpartition(": ")[2].strip().rstrip(".")
    if "? " in subject:
        subject = subject.partition("? ")[0] + "?"
    if len(subject) > SUBJECT_CHARS:
        subject = subject[:SUBJECT_CHARS].rsplit(" ", 1)[0] + " …"
    phrases = _phrases(subject) or ["the question"]
    return Topic(subject or "the question", phrases[0], phrases[-1])


def _phrases(subject: str) -> list[str]:
    """Nouns with the article before them and a superlative between; without an article only those that look like many, or,
    where there is nothing else, any word that may be a noun.
    """
    words = _WORD.findall(subject)
    sure: list[str] = []
    unsure: list[str] = []
    for at, word in enumerate(words):
        before = words[:at]
        if not _may_be_noun(word) or (word.endswith("est") and at + 1 < len(words)):
            continue
        described = [before.pop()] if before and before[-1].endswith("est") else []
        article = _DETERMINERS.get(before[-1].lower(), "") if before else ""
        phrase = " ".join(filter(None, [article, *described, _as_inside(word, first=at == 0)]))
        (sure if article or _looks_like_many(word) else unsure).append(phrase)
    return sure or unsure[-1:]


def _may_be_noun(word: str) -> bool:
    return len(word) >= NOUN_CHARS_MIN and word.lower() not in _NO_NOUNS.split() and word.lower() not in _DETERMINERS


def _looks_like_many(word: str) -> bool:
    return len(word) > NOUN_CHARS_MIN and word.endswith("s") and not word.endswith(("ss", "us", "is"))


def _as_inside(word: str, *, first: bool) -> str:
    """As it stands inside a sentence: a capital at the beginning of the question may be one for that alone."""
    return word.lower() if first and not word.isupper() else word
