import msgspec
import pytest

from schemas import wire
from schemas.errors import Invalid


@pytest.mark.parametrize("protocol", [wire.JSON_PROTOCOL, wire.MSGPACK_PROTOCOL])
def test_a_client_message_means_the_same_in_both_encodings(protocol):
    encode = msgspec.msgpack.encode if protocol == wire.MSGPACK_PROTOCOL else msgspec.json.encode
    message = wire.Subscribe(conversation="c1", after="ab-3", mode="replay", namespaces=["main/a:1"])
    assert wire.decode_client(encode(message), protocol) == message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not a message"),
        ("[]", "Expected `object`"),
        ('{"op":"dance"}', "Invalid value 'dance'"),
        ('{"op":"subscribe"}', "conversation"),
        ('{"op":"subscribe","conversation":"a.b"}', "conversation"),
        ('{"op":"subscribe","conversation":"c","mode":"sideways"}', "sideways"),
        ('{"op":"subscribe","conversation":"c","colour":"red"}', "colour"),
        ('{"op":"send","conversation":"c","id":"m","text":""}', "text"),
        ('{"op":"send","conversation":"c","id":"m","text":7}', "text"),
        ('{"op":"resolve","value":' + "[" * 100_000, "not a message"),
    ],
)
def test_a_bad_message_is_refused_with_what_is_wrong(text, said):
    with pytest.raises(Invalid, match=said):
        wire.decode_client(text.encode(), wire.JSON_PROTOCOL)
