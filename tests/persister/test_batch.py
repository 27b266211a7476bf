import msgspec
import pytest

from schemas.errors import Invalid
from schemas.seal import SealReference
from services.persister.batch import dead_letter, read
from tests.archive.seals import record, small


def test_a_seal_and_a_record_are_read_as_they_were_written():
    for message in (small(), record("title", 1)):
        assert read(msgspec.json.encode(message)) == message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"{}",
        b"[]",
        b'{"kind":"run"}',
        b'{"kind":"other"}',
        b"[" * 100_000,
        msgspec.json.encode(small())[:-9],
    ],
)
def test_what_is_no_message_of_the_stream_is_refused(data):
    with pytest.raises(Invalid) as refused:
        read(data)
    assert refused.value.code == "seal_unreadable"


def test_a_reference_that_the_broker_could_not_follow_is_refused():
    with pytest.raises(Invalid) as refused:
        read(msgspec.json.encode(SealReference(ref="x")))
    assert refused.value.code == "seal_gone"


def test_a_dead_letter_says_where_the_message_came_from_and_why_it_is_dead():
    letter = dead_letter("ab.seal.t1.c1.r1", b"data", Invalid("because", code="seal_digest"), 7)
    assert (letter.tenant, letter.conversation, letter.run) == ("t1", "c1", "r1")
    assert (letter.code, letter.reason, letter.data, letter.ts) == ("seal_digest", "because", b"data", 7)
