import pytest

from services.agent_worker.models.topic import SUBJECT_CHARS, topic_of


@pytest.mark.parametrize(
    ("question", "a", "b"),
    [
        ("Why do rivers split?", "rivers", "rivers"),
        ("Should towns give rivers their floodplains back?", "towns", "floodplains"),
        ("Explain the course of the longest rivers", "the course", "the longest rivers"),
        ("How does a river find its way to the sea?", "a river", "the sea"),
        ("In one sentence, sum up: what my cat did", "your cat", "your cat"),
        ("Compare tea and coffee", "coffee", "coffee"),
        ("Show me everything you have.", "the question", "the question"),
        ("", "the question", "the question"),
    ],
)
def test_what_a_question_is_about_can_stand_after_about(question, a, b):
    assert topic_of(question)[1:] == (a, b)


def test_the_subject_is_the_question_in_one_line_that_is_not_long():
    assert (
        topic_of("Notes: none\n\nIn two sentences, answer: How wide is the Nile? Be brief.").subject
        == "How wide is the Nile?"
    )
    assert len(topic_of("why " * 100).subject) <= SUBJECT_CHARS + 2
