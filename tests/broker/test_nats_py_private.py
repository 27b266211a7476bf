"""What services/broker/client.py needs of nats-py beyond its public face: if one of these fails after an upgrade, look there."""

from __future__ import annotations

import inspect
from importlib.metadata import version

from nats.aio.client import Client
from nats.protocol.parser import Parser

from services.broker.client import NatsClient
from tests.broker.waiting import eventually


def test_the_version_is_the_one_that_the_adapter_was_written_for():
    assert version("nats-py") == "2.16.0"


def test_the_client_reads_through_the_parser_that_can_be_replaced():
    assert type(Client()._ps) is Parser
    assert inspect.iscoroutinefunction(Parser.parse)
    assert list(inspect.signature(Parser.parse).parameters) == ["self", "data"]
    assert list(inspect.signature(Parser.reset).parameters) == ["self"]


async def test_a_subscription_knows_the_number_that_messages_come_with(one_node):
    client = NatsClient()
    await client.connect(one_node.url)
    heard: list[bytes] = []
    subscription = await client.listen("test.private", lambda subject, reply, data, headers: heard.append(data))
    assert client._subs[subscription._id] is subscription
    await client.publish("test.private", b"hello")
    await eventually(lambda: heard == [b"hello"])
    await client.discard()


async def test_an_exception_in_a_handler_does_not_end_the_read_loop(one_node):
    client = NatsClient()
    await client.connect(one_node.url)
    heard: list[bytes] = []

    def handler(subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        if data == b"bad":
            raise ValueError("on purpose")
        heard.append(data)

    await client.listen("test.private", handler)
    for data in (b"bad", b"good"):
        await client.publish("test.private", data)
    await eventually(lambda: heard == [b"good"])
    await client.discard()


async def test_messages_are_dispatched_synchronously_in_the_order_in_which_they_come(one_node):
    client = NatsClient()
    await client.connect(one_node.url)
    heard: list[int] = []
    await client.listen("test.order.*", lambda subject, reply, data, headers: heard.append(int(data)))
    for n in range(5000):
        await client.publish(f"test.order.{n % 7}", b"%d" % n)
    await eventually(lambda: len(heard) == 5000)
    assert heard == list(range(5000))
    await client.discard()
