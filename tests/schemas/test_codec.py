import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import events as ev
from schemas.codec import KNOWN_TYPES, decode_frame, encode_frame, expand, msgpack_hook
from schemas.errors import Invalid
from tests.schemas import logs


@given(st.integers(0, 2**32).map(random.Random))
def test_every_frame_survives_encoding(rng):
    for frame in logs.conversation(rng):
        assert decode_frame(encode_frame(logs.replace(frame, seq=0)), frame.seq) == frame


def test_a_frame_is_json_that_a_person_can_read():
    frame = ev.Frame(run="r1", n=3, ts=7, ns="main/a:1", events=[ev.MessageDelta(id="m2-1", at=4, text=" hi")])
    assert encode_frame(frame) == (
        b'{"run":"r1","n":3,"ts":7,"ns":"main/a:1","events":[{"type":"message.delta","id":"m2-1","at":4,"text":" hi"}]}'
    )


def test_an_unknown_event_is_carried_through_unchanged():
    unknown = b'{"type":"hologram.started","id":"h","size":[1,2]}'
    data = b'{"run":"r","n":1,"ts":1,"events":[' + unknown + b',{"type":"message.ended","id":"m"}]}'
    frame = decode_frame(data)
    assert type(frame) is ev.Frame
    assert frame.events[1] == ev.MessageEnded(id="m")
    assert unknown in encode_frame(frame)
    packed = msgspec.msgpack.decode(msgspec.msgpack.encode(frame, enc_hook=msgpack_hook))
    assert packed["events"][0] == {"type": "hologram.started", "id": "h", "size": [1, 2]}


def test_an_unknown_field_of_a_known_event_is_ignored():
    frame = decode_frame(b'{"run":"r","n":1,"ts":1,"later":0,"events":[{"type":"message.ended","id":"m","new":true}]}')
    assert frame.events == [ev.MessageEnded(id="m")]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a frame"),
        (b"[]", "Expected `object`"),
        (b'{"run":"r","n":1,"ts":1}', "missing required field `events`"),
        (b'{"run":"r","n":"1","ts":1,"events":[]}', "Expected `int`"),
        (b'{"run":"r","n":1,"ts":1,"events":[{"type":"message.ended"}]}', "missing required field `id`"),
        (b'{"run":"r","n":1,"ts":1,"events":[{"id":"m"}]}', "no type"),
        (b'{"run":"r","n":1,"ts":1,"events":[7]}', "no type"),
        (b'{"run":"\xff","n":1,"ts":1,"events":[]}', "not a frame"),
        (b'{"run":"r","n":1,"ts":1,"events":' + b"[" * 3000 + b"]" * 3000 + b"}", "not a frame"),
    ],
)
def test_bytes_that_are_no_frame_are_refused_with_what_is_wrong(data, said):
    with pytest.raises(Invalid, match=said):
        decode_frame(data)


def test_expanding_gives_every_event_its_number_namespace_and_time():
    frame = ev.Frame(
        run="r",
        n=5,
        ts=100,
        ns="main/a:1",
        attempt=2,
        events=[ev.MessageEnded(id="m"), ev.StepFinished(id="s", ns="main", dt=3)],
    )
    assert [(one.lane, one.n, one.attempt, one.ns, one.ts) for one in expand(frame)] == [
        ("r", 5, 2, "main/a:1", 100),
        ("r", 6, 2, "main", 103),
    ]


def test_a_merged_frame_cannot_be_expanded():
    with pytest.raises(Invalid):
        list(expand(ev.Frame(run="r", n=1, ts=1, count=9, events=[ev.MessageEnded(id="m")])))


def test_every_type_is_used_once():
    assert len(KNOWN_TYPES) == len(ev.KnownEvent.__args__)


def test_a_type_is_a_family_and_what_happened_in_it():
    assert all(name.count(".") in (1, 2) or name == "log" for name in KNOWN_TYPES)
