import asyncio

import msgspec
import pytest
import websockets

from schemas import events as ev
from schemas import wire
from services.gateway.push import EXTENSION
from services.gateway.session import BAD_MESSAGES_MAX, Close
from tests.broker.waiting import eventually
from tests.gateway.stream import kit
from tests.gateway.stream.conftest import gateway_on
from tests.gateway.stream.kit import CONVERSATION, Client

BOTH = pytest.mark.parametrize("protocol", [wire.JSON_PROTOCOL, wire.MSGPACK_PROTOCOL])


def subscribe(**options):
    return wire.Subscribe(conversation=CONVERSATION, **options)


@BOTH
async def test_a_viewer_sees_a_run_live_in_either_protocol(gateway, log, protocol):
    await log.write_all([kit.created(), kit.asked()])
    client = Client()
    async with gateway.connect(protocol) as socket:
        assert socket.connection.subprotocol == protocol
        await socket.say(subscribe())
        await socket.hear_until(wire.CaughtUp, client)
        await log.write_all([kit.started(), *map(kit.delta, range(50)), kit.ended(50)])
        while client.fold.snapshot() != log.transcript():
            await socket.hear_until(wire.Events, client)


async def test_a_number_too_large_for_messagepack_is_seen_rounded_there_and_whole_in_json(gateway, log):
    await log.write_all([kit.created(), kit.asked()])
    async with gateway.connect(wire.MSGPACK_PROTOCOL) as packed, gateway.connect() as plain:
        for socket in (packed, plain):
            await socket.say(subscribe())
            await socket.hear_until(wire.CaughtUp)
        opened = [ev.RunStarted(agent="a"), ev.ToolStarted(id="t2-1", name="power")]
        await log.write(ev.Frame(run="r1", n=1, ts=3, events=[*opened, ev.ToolResult(id="t2-1", result=[2**100])]))
        for socket, seen in ((packed, float(2**100)), (plain, 2**100)):
            [*_, events] = await socket.hear_until(wire.Events)
            result = events.frames[0].events[-1].result[0]
            assert (result, type(result)) == (seen, type(seen))
    async with gateway.connect(wire.MSGPACK_PROTOCOL) as late:
        await late.say(subscribe())
        [*_, snapshot] = await late.hear_until(wire.Snapshot)
        assert snapshot.transcript.items[-1].result == [float(2**100)]


async def test_without_a_subprotocol_the_socket_speaks_json(gateway, log):
    await log.write(kit.created())
    async with gateway.connect(None) as socket:
        assert socket.connection.subprotocol is None
        await socket.say(wire.Ping())
        assert await socket.hear() == wire.Pong()


async def test_an_unknown_subprotocol_is_refused_with_an_error_that_says_which_there_are(gateway):
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with gateway.connect("graphql-ws"):
            pass
    assert caught.value.response.status_code == 400
    assert msgspec.json.decode(caught.value.response.body)["code"] == "unknown_subprotocol"


async def test_who_is_not_let_in_is_refused_before_the_handshake(gateway):
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with gateway.connect(origin="https://evil.example"):
            pass
    assert caught.value.response.status_code == 403


async def test_a_message_that_takes_long_holds_up_nothing_of_another_conversation(gateway):
    gateway.input.held["slow"] = asyncio.Event()
    async with gateway.connect() as socket:
        await socket.say(wire.Send(conversation="slow", id="one", text="?"))
        await socket.say(wire.Send(conversation="quick", id="two", text="?"))
        await socket.say(wire.Ping())
        assert [await socket.hear(), await socket.hear()] == [wire.Pong(), wire.Ack(ref="two", run="r1")]
        gateway.input.held["slow"].set()
        assert (await socket.hear()).ref == "one"


async def test_messages_of_one_conversation_are_taken_in_their_order(gateway):
    gateway.input.held[CONVERSATION] = asyncio.Event()
    async with gateway.connect() as socket:
        for number in range(5):
            await socket.say(wire.Send(conversation=CONVERSATION, id=f"u{number}", text="?"))
        await socket.say(wire.Cancel(conversation=CONVERSATION, run="r1"))
        await socket.say(wire.Ping())
        assert await socket.hear() == wire.Pong()
        assert gateway.input.taken == []
        gateway.input.held[CONVERSATION].set()
        assert [(await socket.hear()).ref for _ in range(6)] == ["u0", "u1", "u2", "u3", "u4", "r1"]


async def test_a_message_is_taken_although_its_socket_closes_meanwhile(gateway):
    gateway.input.held["slow"] = asyncio.Event()
    async with gateway.connect() as socket:
        await socket.say(wire.Send(conversation="slow", id="one", text="?"))
        await socket.say(wire.Ping())
        await socket.hear()
    gateway.input.held["slow"].set()
    await eventually(lambda: gateway.input.taken and gateway.hub.sockets == 0)


async def test_one_socket_carries_many_subscriptions_each_under_its_name(gateway, core, log):
    await log.write_all([kit.created(), kit.asked()])
    other = kit.Log(gateway.broker, "other")
    await other.write_all([kit.created(), kit.asked()])
    async with gateway.connect() as socket:
        await socket.say(subscribe(sub="a", mode="tail"))
        await socket.say(wire.Subscribe(conversation="other", mode="tail"))
        for _ in range(2):
            await socket.hear_until(wire.CaughtUp)
        await log.write(kit.started())
        await other.write(kit.started())
        heard = [*await socket.hear_until(wire.Events), *await socket.hear_until(wire.Events)]
        assert {message.sub for message in heard} == {"a", "other"}


async def test_after_unsubscribing_nothing_more_comes(gateway, log):
    await log.write_all([kit.created(), kit.asked()])
    async with gateway.connect() as socket:
        await socket.say(subscribe(mode="tail"))
        await socket.hear_until(wire.CaughtUp)
        await socket.say(wire.Unsubscribe(sub=CONVERSATION))
        assert await socket.hear() == wire.Ack(ref=CONVERSATION)
        await log.write(kit.started())
        await socket.say(wire.Ping())
        assert await socket.hear() == wire.Pong()


async def test_what_a_client_writes_goes_to_the_input_and_is_acknowledged(gateway):
    async with gateway.connect() as socket:
        for message, ref in [
            (wire.Send(conversation="c", id="m1", text="hi"), "m1"),
            (wire.Cancel(conversation="c", run="r1"), "r1"),
            (wire.Resolve(conversation="c", interrupt="i1", decision="approved"), "i1"),
        ]:
            await socket.say(message)
            ack = await socket.hear()
            assert isinstance(ack, wire.Ack)
            assert ack.ref == ref
            assert gateway.input.taken[-1] == message


@pytest.mark.parametrize(
    ("message", "code", "ref"),
    [
        ({"op": "subscribe", "conversation": "nobody"}, "unknown_conversation", "nobody"),
        ({"op": "subscribe", "conversation": "c", "sub": "s", "after": "garbage"}, "invalid_cursor", "s"),
        ({"op": "subscribe", "conversation": "c", "namespaces": ["evil"]}, "invalid_namespace", "c"),
        ({"op": "subscribe", "conversation": "a.b"}, "invalid_message", ""),
        ({"op": "subscribe", "conversation": "c", "mode": "warp"}, "invalid_message", ""),
        ({"op": "unsubscribe", "sub": "none"}, "unknown_subscription", "none"),
        ({"op": "auth", "token": "somebody else"}, "tenant_changed", "auth"),
        ({"op": "reboot"}, "invalid_message", ""),
        ([], "invalid_message", ""),
    ],
)
async def test_what_cannot_be_is_an_error_and_the_socket_lives(gateway, log, message, code, ref):
    await log.write(kit.created())
    async with gateway.connect() as socket:
        await socket.connection.send(msgspec.json.encode(message).decode())
        error = await socket.hear()
        assert isinstance(error, wire.Error)
        assert (error.code, error.ref) == (code, ref)
        await socket.say(wire.Ping())
        assert await socket.hear() == wire.Pong()


async def test_a_cursor_from_the_future_is_an_error_of_that_subscription(gateway, core, log):
    await log.write(kit.created())
    async with gateway.connect() as socket:
        await socket.say(subscribe(after=f"{core.epoch}-999"))
        error = await socket.hear()
        assert isinstance(error, wire.Error)
        assert (error.code, error.ref) == ("cursor_from_future", CONVERSATION)


async def test_garbage_is_answered_and_at_last_closed_as_not_to_come_back(gateway):
    async with gateway.connect() as socket:
        for _ in range(BAD_MESSAGES_MAX + 1):
            await socket.connection.send("{nonsense")
        with pytest.raises(websockets.ConnectionClosed):
            while True:
                message = await socket.hear()
                assert isinstance(message, wire.Error)
                assert message.code == "malformed"
        assert socket.connection.close_code == Close.BAD_MESSAGES


async def test_a_message_over_the_limit_closes_its_socket_and_harms_no_other(gateway, log):
    await log.write(kit.created())
    async with gateway.connect() as socket, gateway.connect() as other:
        await socket.connection.send("x" * (wire.MESSAGE_BYTES_MAX + 1))
        with pytest.raises(websockets.ConnectionClosed):
            await socket.hear()
        assert socket.connection.close_code == 1009
        await other.say(wire.Ping())
        assert await other.hear() == wire.Pong()


async def test_a_storm_of_subscriptions_is_bounded_per_socket_and_harms_no_other(gateway, log):
    await log.write_all([kit.created(), kit.asked()])
    async with gateway.connect() as socket, gateway.connect() as other:
        total = wire.SUBSCRIPTIONS_MAX + 20
        for number in range(total):
            await socket.say(subscribe(sub=f"s{number}", mode="tail"))
        await other.say(subscribe())
        await other.hear_until(wire.CaughtUp)
        answers = {"subscribed": 0, "error": 0}
        while sum(answers.values()) < total:
            message = await socket.hear()
            op = message.__struct_config__.tag
            answers[op] = answers.get(op, 0) + (op in {"subscribed", "error"})
            if isinstance(message, wire.Error):
                assert message.code == "too_many_subscriptions"
        assert answers["subscribed"] == wire.SUBSCRIPTIONS_MAX


async def test_messages_over_the_rate_are_refused_and_the_socket_lives(gateway):
    async with gateway.connect() as socket:
        heard = set()
        for _ in range(700):
            await socket.say(wire.Ping())
        for _ in range(700):
            message = await socket.hear()
            heard.add(message.code if isinstance(message, wire.Error) else "pong")
        assert heard == {"pong", "too_many_messages"}


async def test_when_the_gateway_goes_away_viewers_are_told_when_to_come_back(core, log):
    await log.write(kit.created())
    async with gateway_on(core) as gateway, gateway.connect() as socket:
        await socket.say(subscribe())
        await socket.hear_until(wire.CaughtUp)
        gateway.stop.set()
        told = await socket.hear()
        assert isinstance(told, wire.Reconnect)
        assert told.after_ms >= 0
        with pytest.raises(websockets.ConnectionClosed):
            await socket.hear()
        assert socket.connection.close_code == Close.GOING_AWAY
        async with asyncio.timeout(5):
            await asyncio.wait([gateway.served])


async def test_on_a_server_that_cannot_push_everything_goes_through_send(core, log):
    def without_push(app):
        async def plain(scope, receive, send):
            scope["extensions"].pop(EXTENSION, None)
            await app(scope, receive, send)

        return plain

    await log.write_all([kit.created(), kit.asked()])
    client = Client()
    async with gateway_on(core, wrap=without_push) as gateway, gateway.connect() as socket:
        await socket.say(subscribe())
        await socket.hear_until(wire.CaughtUp, client)
        await log.write_all([kit.started(), *map(kit.delta, range(20))])
        while client.fold.snapshot() != log.transcript():
            await socket.hear_until(wire.Events, client)
