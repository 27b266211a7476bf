import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.wire import TEXT_CHARS_MAX
from services.viewer.editor import Left, LineEditor, Submitted

LEFT, RIGHT, UP, DOWN, HOME, END, DELETE = (f"\x1b[{key}" for key in ("D", "C", "A", "B", "H", "F", "3~"))


@pytest.mark.parametrize(
    ("typed", "text", "at"),
    [
        ("river", "river", 5),
        ("rivr" + LEFT + "e", "river", 4),
        ("xriver" + HOME + DELETE + END, "river", 5),
        ("river\x7f\x08s", "rivs", 4),
        ("two words\x17", "two ", 4),
        ("two words" + HOME + "\x0b", "", 0),
        ("two words" + LEFT * 5 + "\x15", "words", 0),
        ("flüsse 🌊" + LEFT + "!", "flüsse !🌊", 8),
        ("a\x1bxb\x02\x1b[5~", "ab", 2),
        (LEFT + RIGHT + DELETE + "\x7f", "", 0),
    ],
)
def test_keys_edit_the_line(typed, text, at):
    editor = LineEditor()
    assert editor.feed(typed) == []
    assert (editor.text, editor.at) == (text, at)


@given(st.text(st.sampled_from("ab\x1b[DC~3\x7f\r\x04\x17🌊"), max_size=40), st.data())
def test_keys_mean_the_same_however_the_terminal_cuts_them(typed, data):
    cut = data.draw(st.integers(0, len(typed)))
    whole, pieces = LineEditor(), LineEditor()
    done = whole.feed(typed)
    assert pieces.feed(typed[:cut]) + pieces.feed(typed[cut:]) == done
    assert (pieces.text, pieces.at) == (whole.text, whole.at)
    assert 0 <= whole.at <= len(whole.text)


def test_enter_submits_what_is_not_blank_and_ctrl_d_on_an_empty_line_leaves():
    editor = LineEditor()
    assert editor.feed("  hello \r  \rx\x04\x7f\x04") == [Submitted("hello"), Left()]


def test_a_paste_of_many_lines_is_one_text():
    editor = LineEditor()
    assert editor.feed("see: \x1b[200~one\rtwo\x1b[201~") == []
    assert editor.feed("\r") == [Submitted("see: one\ntwo")]


def test_up_and_down_walk_through_what_was_said():
    editor = LineEditor()
    editor.feed("one\rtwo\r")
    seen = []
    for key in (UP, UP, UP, DOWN, DOWN, DOWN):
        editor.feed(key)
        seen.append(editor.text)
    assert seen == ["two", "one", "one", "two", "", ""]


def test_a_text_has_the_length_limit_of_the_wire():
    editor = LineEditor()
    editor.feed("\x1b[200~" + "x" * (TEXT_CHARS_MAX - 20) + "\x1b[201~")
    editor.feed("y" * 40)
    assert len(editor.text) == TEXT_CHARS_MAX
