import itertools

import pytest

from services.agent_worker.models.text_split import ThinkSplitter, WholeCharacters


def cuts(text):
    """Every way to cut `text` into up to three pieces."""
    for a, b in itertools.combinations_with_replacement(range(len(text) + 1), 2):
        yield [text[:a], text[a:b], text[b:]]


def split(pieces):
    splitter = ThinkSplitter()
    found = [part for piece in pieces for part in splitter.feed(piece)] + splitter.flush()
    joined = {"reasoning": "", "text": ""}
    for kind, text in found:
        assert text
        joined[kind] += text
    return joined["reasoning"], joined["text"]


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>why</think>so", "why", "so"),
        ("\n<think>\nwhy\n</think>\n\nso\n", "why\n", "so\n"),
        ("<think>\n\n</think>\n\nso", "", "so"),
        ("<think>a</think> <think>b</think>c", "ab", "c"),
        ("no tags < at all", "", "no tags < at all"),
        ("  indented", "", "  indented"),
        ("say <think> in an answer</think>", "", "say <think> in an answer</think>"),
        ("left</think>open", "", "left</think>open"),
        ("<think>cut off </thi", "cut off </thi", ""),
        ("<thi", "", "<thi"),
        ("<thin air>", "", "<thin air>"),
        ("<think>a</t</think>b", "a</t", "b"),
        ("", "", ""),
    ],
)
def test_thoughts_leave_the_answer_wherever_their_tags_are_cut(text, reasoning, answer):
    for pieces in cuts(text):
        assert split(pieces) == (reasoning, answer)


def test_an_answer_without_tags_is_not_held_back():
    splitter = ThinkSplitter()
    assert splitter.feed("H") == [("text", "H")]
    assert splitter.feed("<") == [("text", "<")]


def test_a_character_that_comes_in_halves_is_joined_and_a_lone_half_replaced():
    characters = WholeCharacters()
    assert [characters.feed(text) for text in ("a\ud83d", "\ude00b", "c")] == ["a", "😀b", "c"]
    assert [characters.feed(text) for text in ("\ude00x", "y\ud83d", "z")] == ["\ufffdx", "y", "\ufffdz"]
    assert characters.feed("whole 😀") == "whole 😀"
