"""services/broker/parser.py, with nats-py's own parser as the oracle."""

from __future__ import annotations

from typing import Any

import pytest
from nats.errors import ProtocolError
from nats.protocol.parser import Parser

from services.broker.parser import MessageParser

HEAD = b"NATS/1.0\r\nNats-Sequence: 7\r\n\r\n"

STREAM = b"".join(
    [
        b'INFO {"server_id":"x"}\r\n',
        b"PING\r\n",
        b"MSG a.b 1 5\r\nhello\r\n",
        b"MSG a.b 12 reply.to 5\r\nhello\r\n",
        b"+OK\r\n",
        b"MSG a.b 1 0\r\n\r\n",
        b"PONG\r\n",
        b"HMSG a.b 2 %d %d\r\n%shello\r\n" % (len(HEAD), len(HEAD) + 5, HEAD),
        b"HMSG a.b 2 reply.to %d %d\r\n%s\r\n" % (len(HEAD), len(HEAD), HEAD),
        b"MSG a.b 3 22\r\nPING\r\nMSG a 1 1\r\nx\r\n..\r\n",
        b"-ERR 'Permissions Violation'\r\n",
        b"MSG a.b 1 1\r\n!\r\n",
    ]
)


class Client:
    """Records what a parser makes of the bytes."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    async def _process_msg(self, *message: Any) -> None:
        self.calls.append(message)

    def dispatch(self, *message: Any) -> None:
        self.calls.append(message)

    async def _process_err(self, error: str) -> None:
        self.calls.append(("error", error))

    async def _process_ping(self) -> None:
        self.calls.append(("ping",))

    async def _process_pong(self) -> None:
        self.calls.append(("pong",))

    async def _process_info(self, info: dict[str, Any]) -> None:
        self.calls.append(("info", info))


async def parsed(*parts: bytes) -> list[tuple[Any, ...]]:
    client = Client()
    parser = MessageParser(client, client.dispatch)
    for part in parts:
        await parser.parse(part)
    return client.calls


async def by_nats_py(data: bytes) -> list[tuple[Any, ...]]:
    client = Client()
    await Parser(client).parse(data)
    return client.calls


async def test_it_makes_of_a_stream_what_nats_py_makes_of_it_wherever_the_reads_cut_it():
    expected = await by_nats_py(STREAM)
    assert len(expected) == 11
    assert await parsed(STREAM) == expected
    assert await parsed(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == expected
    for cut in range(len(STREAM) + 1):
        assert await parsed(STREAM[:cut], STREAM[cut:]) == expected, cut
        assert await parsed(STREAM[:cut], STREAM[cut : cut + 9], STREAM[cut + 9 :]) == expected, cut


async def test_messages_are_handed_over_as_bytes():
    _, message = await parsed(b"PING\r\nHMSG a 2 %d %d\r\n%shello\r\n" % (len(HEAD), len(HEAD) + 5, HEAD))
    assert message == (2, b"a", b"", b"hello", HEAD)
    assert all(type(part) is bytes for part in message[1:])


async def test_a_large_message_that_comes_in_many_parts_is_whole():
    body = bytes(range(256)) * 4096
    data = b"MSG a 1 %d\r\n%s\r\nMSG b 1 1\r\nx\r\n" % (len(body), body)
    assert await parsed(*(data[i : i + 1000] for i in range(0, len(data), 1000))) == [
        (1, b"a", b"", body, None),
        (1, b"b", b"", b"x", None),
    ]


@pytest.mark.parametrize(
    "line", [b"MSG a\r\n", b"MSG a 1 x\r\n", b"HMSG a 1 5\r\n", b"MSG a one 0\r\n\r\n", b"HELLO\r\n", b"Mail\r\n"]
)
async def test_what_is_no_line_of_the_protocol_is_an_error_of_it(line: bytes):
    with pytest.raises(ProtocolError):
        await parsed(line)


async def test_after_a_reset_half_a_message_is_forgotten():
    client = Client()
    parser = MessageParser(client, client.dispatch)
    await parser.parse(b"MSG a.b 1 5\r\nhe")
    parser.reset()
    await parser.parse(b"PING\r\n")
    assert client.calls == [("ping",)]
