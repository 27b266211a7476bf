"""Pins what `PushProtocol` leans on in uvicorn, and shows what it is for: a viewer that does not read harms nobody."""

import asyncio
import inspect
import socket as sockets

import pytest
import uvicorn
import websockets
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from schemas import wire
from services.gateway.outlet import PushOutlet, Stalled
from services.gateway.push import EXTENSION, QUEUED_BYTES_MAX, PushProtocol, websocket_frame
from services.gateway.server import configure, listen
from services.gateway.session import Close
from tests.broker.waiting import eventually
from tests.gateway.stream import kit
from tests.gateway.stream.conftest import gateway_on
from tests.gateway.stream.kit import CONVERSATION, Client

USED = {
    "transport", "disconnected", "close_sent", "writable", "queue", "conn", "close_timer", "read_paused",
    "loop", "scope",
}  # fmt: skip


def test_uvicorn_has_every_private_part_that_is_used():
    source = inspect.getsource(WebSocketsSansIOProtocol)
    for name in USED:
        assert f"self.{name} = " in source or f"self.{name}: " in source, name
    assert "self.scope: WebSocketScope = {" in inspect.getsource(WebSocketsSansIOProtocol.handle_connect)
    assert "self.loop.create_task(self.run_asgi())" in inspect.getsource(WebSocketsSansIOProtocol.handle_connect)
    assert "await self.writable.wait()" in inspect.getsource(WebSocketsSansIOProtocol.send)
    assert "if self.close_timer is None:" in inspect.getsource(WebSocketsSansIOProtocol.run_asgi)
    assert callable(WebSocketsSansIOProtocol.stop_keepalive)


def test_the_server_uses_it_without_compression():
    config = configure(lambda: None)
    config.load()
    assert config.ws_protocol_class is PushProtocol
    assert config.ws_per_message_deflate is False
    assert config.ws_max_size == wire.MESSAGE_BYTES_MAX


def test_a_connection_waits_longer_for_its_next_request_than_a_proxy_keeps_it():
    config = configure(lambda: None)
    assert config.timeout_keep_alive > 600


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 1_000_000])
async def test_frames_of_every_size_arrive_as_they_are_pushed_or_written(size, gateway_with):
    payload = b"x" * size

    async def app(push):
        for _ in range(2):
            assert (
                push.push(websocket_frame(payload, text=False))
                or push.transport.get_write_buffer_size() > QUEUED_BYTES_MAX
            )
            await push.write(payload, text=True)

    async with gateway_with(app) as url, websockets.connect(url, max_size=None) as connection:
        kinds = [await connection.recv() for _ in range(2)]
        assert kinds == [payload, payload.decode()]


@pytest.fixture
def gateway_with():
    """A server whose sockets are given to a function as `Pushable`, once accepted; kept open after it."""

    class Running:
        def __init__(self, handle):
            self.handle = handle

        async def __aenter__(self):
            async def app(scope, receive, send):
                await receive()
                await send({"type": "websocket.accept"})
                await self.handle(scope["extensions"][EXTENSION])
                while (await receive())["type"] != "websocket.disconnect":
                    pass

            config = uvicorn.Config(app, ws=PushProtocol, lifespan="off", log_config=None, ws_per_message_deflate=False)
            self.server = uvicorn.Server(config)
            listener = listen("127.0.0.1", 0)
            self.task = asyncio.create_task(self.server._serve([listener]))
            return f"ws://127.0.0.1:{listener.getsockname()[1]}"

        async def __aexit__(self, *_):
            self.server.should_exit = True
            await self.task

    return Running


async def test_alternating_pushes_and_sends_arrive_in_order(gateway_with):
    async def app(push):
        for number in range(400):
            if number % 2:
                await push.send({"type": "websocket.send", "text": str(number)})
            else:
                assert push.push(websocket_frame(str(number).encode(), text=True))

    async with gateway_with(app) as url, websockets.connect(url) as connection:
        assert [int(await connection.recv()) for _ in range(400)] == list(range(400))


async def test_a_push_is_refused_once_the_bound_is_queued_and_what_was_taken_arrives(gateway_with):
    frame = websocket_frame(b"x" * 10_000, text=False)
    taken = asyncio.get_running_loop().create_future()

    async def app(push):
        count = 0
        while push.push(frame):
            count += 1
            await asyncio.sleep(0)
        assert QUEUED_BYTES_MAX < push.transport.get_write_buffer_size() < QUEUED_BYTES_MAX + 2 * len(frame)
        taken.set_result(count)

    async with gateway_with(app) as url, websockets.connect(url, max_queue=1) as connection:
        count = await taken
        assert count * len(frame) < 2_000_000
        for _ in range(count):
            assert len(await connection.recv()) == 10_000


async def test_of_many_who_wait_to_write_one_does_when_the_socket_takes_data(gateway_with):
    payload = b"x" * 1_000_000
    queued = asyncio.get_running_loop().create_future()

    async def app(push):
        highest = 0

        async def write():
            nonlocal highest
            await push.write(payload, text=False)
            highest = max(highest, push.transport.get_write_buffer_size())

        await asyncio.gather(*(write() for _ in range(20)))
        queued.set_result(highest)

    async with gateway_with(app) as url, websockets.connect(url, max_size=None, max_queue=1) as connection:
        for _ in range(20):
            assert len(await connection.recv()) == len(payload)
        assert await queued < 3 * len(payload)


async def test_what_a_socket_has_taken_is_what_it_was_given_without_what_still_waits(gateway_with):
    frame, payload = websocket_frame(b"x" * 10_000, text=False), b"y" * 500_000
    full, read = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def app(push):
        pushed = 0
        while push.push(frame):
            pushed += len(frame)
        assert push.taken() == pushed - push.transport.get_write_buffer_size() < pushed
        full.set()
        await push.write(payload, text=False)
        await eventually(lambda: push.transport.get_write_buffer_size() == 0)
        read.set_result(push.taken() == pushed + len(websocket_frame(payload, text=False)))

    async with gateway_with(app) as url, websockets.connect(url, max_size=None, max_queue=1) as connection:
        await full.wait()
        while await connection.recv() != payload:
            pass
        assert await read


class Crowded:
    """A socket whose queue, filled by others, has room only after `turns` deadlines; `reads`: its peer takes bytes meanwhile."""

    def __init__(self, *, reads, turns=3):
        self._reads = reads
        self._turns = turns
        self._taken = 0

    async def write(self, payload, *, text):
        self._turns -= 1
        self._taken += self._reads
        if self._turns > 0:
            await asyncio.get_running_loop().create_future()

    def taken(self):
        return self._taken

    def push(self, frame):
        return False


async def test_a_writer_waits_its_turn_as_long_as_the_peer_takes_bytes():
    await PushOutlet(Crowded(reads=True), text=True, stalled_s=0.01).write(b"x")


async def test_a_writer_gives_up_once_the_peer_takes_nothing():
    with pytest.raises(Stalled):
        await PushOutlet(Crowded(reads=False), text=True, stalled_s=0.01).write(b"x")


async def test_a_push_to_a_closed_socket_is_refused(gateway_with):
    seen = asyncio.get_running_loop().create_future()

    async def app(push):
        await push.receive()
        seen.set_result(push.push(websocket_frame(b"x", text=False)))

    async with gateway_with(app) as url:
        async with websockets.connect(url):
            pass
        assert await seen is False


async def test_ending_sends_the_last_message_and_the_code(gateway_with):
    async def app(push):
        push.end(4000, "away", last=b"bye", text=True)
        assert push.push(websocket_frame(b"more", text=True)) is False

    async with gateway_with(app) as url, websockets.connect(url) as connection:
        assert await connection.recv() == "bye"
        with pytest.raises(websockets.ConnectionClosed):
            await connection.recv()
        assert connection.close_code == 4000


class Deaf:
    """A WebSocket client that subscribes and then does not read until told to."""

    def __init__(self, port):
        self.port = port

    async def open(self):
        raw = sockets.socket()
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 64 * 1024)
        raw.connect(("127.0.0.1", self.port))
        raw.setblocking(False)
        url = f"ws://127.0.0.1:{self.port}/v1/ws"
        return await websockets.connect(url, sock=raw, subprotocols=[wire.JSON_PROTOCOL], max_size=None, max_queue=1)


async def test_a_viewer_that_does_not_read_falls_behind_and_loses_nothing(gateway, log):
    await log.write_all([kit.created(), kit.asked(), kit.started()])
    deaf, client = await Deaf(gateway.port).open(), Client()
    text = "y" * 4000
    async with gateway.connect() as quick:
        socket = type(quick)(deaf)
        for one in (socket, quick):
            await one.say(wire.Subscribe(conversation=CONVERSATION))
        await socket.hear_until(wire.CaughtUp, client)
        other = Client()
        await quick.hear_until(wire.CaughtUp, other)
        for number in range(400):
            await log.write(kit.delta(number, text=text))
            if number % 10 == 9:
                await quick.hear_until(wire.Events, other)
        while other.fold.snapshot() != log.transcript():
            await quick.hear_until(wire.Events, other)
        assert "lagging" not in other.ops
        while client.fold.snapshot() != log.transcript():
            await socket.hear_until(wire.Events, client)
        await socket.hear_until(wire.CaughtUp, client)
        assert client.ops.count("lagging") == 1
        assert client.seqs != other.seqs, "deltas were merged for the one that lagged"
        await log.write(kit.delta(400, text=text))
        await socket.hear_until(wire.Events, client)
        assert client.fold.snapshot() == log.transcript()
    await deaf.close()


async def test_a_viewer_that_takes_nothing_at_all_is_closed_as_one_that_may_come_back(core, log):
    await log.write_all([kit.created(), kit.asked(), kit.started()])
    async with gateway_on(core, stalled_s=0.2) as gateway, gateway.connect() as quick:
        deaf = await Deaf(gateway.port).open()
        socket = type(quick)(deaf)
        await socket.say(wire.Subscribe(conversation=CONVERSATION))
        await socket.hear_until(wire.CaughtUp)
        for number in range(300):
            await log.write(kit.delta(number, text="z" * 4000))
            await asyncio.sleep(0)
        await eventually(lambda: gateway.hub.sockets == 1)
        await quick.say(wire.Ping())
        assert await quick.hear() == wire.Pong()
        with pytest.raises(websockets.ConnectionClosed):
            while True:
                await socket.hear()
        assert deaf.close_code in {Close.STALLED, 1006}, "what is queued goes first; the connection may be cut before"
