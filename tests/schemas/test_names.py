import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import cursor, namespace, subjects
from schemas.errors import Invalid
from schemas.ids import check_id, item_id

BAD_IDS = ["", "a.b", "*", ">", "a b", "a\n", "é", "x" * 65, "a/b", "a:b"]


@pytest.mark.parametrize("bad", BAD_IDS)
def test_what_is_no_id_never_reaches_a_subject(bad):
    with pytest.raises(Invalid):
        check_id(bad)
    for make in (
        lambda: subjects.event(0, bad, "c", "l"),
        lambda: subjects.event(0, "t", bad, "l"),
        lambda: subjects.event(0, "t", "c", bad),
        lambda: subjects.live(0, "t", bad),
        lambda: subjects.command(bad, "t", "c"),
        lambda: subjects.control(bad),
        lambda: subjects.seal("t", "c", bad),
    ):
        with pytest.raises(Invalid):
            make()


def test_an_event_subject_can_be_taken_apart_again():
    subject = subjects.event(3, "tenant", "conv", "run")
    assert subject == "ab.evt.3.tenant.conv.run"
    assert subjects.parse_event(subject) == (3, "tenant", "conv", "run")
    assert subjects.parse_event(subject.replace("evt", "live")) == (3, "tenant", "conv", "run")


@given(st.integers(1, 64), st.text("abc123_-", min_size=1, max_size=20))
def test_a_partition_is_one_of_those_there_are(partitions, conversation):
    assert 0 <= subjects.partition_of("default", conversation, partitions) < partitions


def test_a_partition_is_fnv_1a_of_the_tokens():
    # The published FNV-1a-32 vector of "foobar" is 0xbf9cf968.
    assert subjects.partition_of("foo", "bar", 2**32) == 0xBF9CF968


@pytest.mark.parametrize("good", ["main", "main/a:1", "main/analysis:t1/writer:w2", "main" + "/a:1" * 7])
def test_a_namespace_is_a_path_of_invocations(good):
    assert namespace.check(good) == good


@pytest.mark.parametrize(
    "bad",
    ["", "Main", "main/", "main/a", "main/a:", "main/:1", "main//a:1", "main/a:1:2", "main/a.b:1", "main" + "/a:1" * 8],
)
def test_what_is_no_namespace_is_refused(bad):
    with pytest.raises(Invalid):
        namespace.check(bad)


def test_a_subtree_contains_itself_and_what_is_below_and_no_neighbour():
    assert namespace.within("main/a:1", "main/a:1")
    assert namespace.within("main/a:1/b:1", "main/a:1")
    assert not namespace.within("main/a:10", "main/a:1")
    assert not namespace.within("main", "main/a:1")


def test_a_namespace_knows_its_parent_agent_and_depth():
    ns = namespace.child("main/a:1", "writer", "2")
    assert (namespace.parent(ns), namespace.agent_of(ns), namespace.depth(ns)) == ("main/a:1", "writer", 3)
    assert (namespace.parent("main"), namespace.agent_of("main"), namespace.depth("main")) == (None, "main", 1)


@given(st.text("0123456789abcdef", min_size=1, max_size=16), st.integers(0, 2**63 - 1))
def test_a_cursor_survives_its_text(epoch, seq):
    position = cursor.Cursor(epoch, seq)
    assert cursor.parse(str(position)) == position


@pytest.mark.parametrize(
    "bad", ["", "abc", "abc-", "-1", "abc--1", "xyz-1", "abc-1\n", "abc-" + "9" * 19, "a" * 17 + "-1", "abc-1 "]
)
def test_what_is_no_cursor_is_refused(bad):
    with pytest.raises(Invalid, match="is not a cursor"):
        cursor.parse(bad)


def test_an_item_id_is_an_id_and_unique_per_run_kind_and_count():
    ids = {item_id(ordinal, kind, count) for ordinal in (2, 12) for kind in "mt" for count in (1, 11, 21)}
    assert len(ids) == 12
    assert all(check_id(one) for one in ids)


@pytest.mark.parametrize("name", ["", "fox 🦊", "a:b", "a/b", "x" * 65])
def test_a_name_that_no_agent_can_have_is_called_so(name):
    with pytest.raises(Invalid, match="no name for an agent"):
        namespace.child("main", name, "1")
