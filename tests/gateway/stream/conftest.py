"""A real server on a real socket around the WebSocket endpoint, on a memory broker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from schemas import wire
from schemas.errors import Forbidden
from services.broker.memory import MemoryBroker, MemoryCore
from services.gateway.endpoint import WebSocketEndpoint
from services.gateway.hub import Hub, HubSettings
from services.gateway.identity import Identity
from services.gateway.server import listen, serve
from tests.gateway.stream import kit


async def identify(scope, token: str = "") -> Identity:
    """Lets everybody in but pages of evil.example; a token is the name of its tenant."""
    headers = dict(scope["headers"])
    if headers.get(b"origin") == b"https://evil.example":
        raise Forbidden("not for you", code="forbidden_origin")
    return Identity(token or kit.TENANT)


class Input:
    """Acknowledges all it is sent, and remembers it. A message of a conversation in `held` takes until that is set."""

    def __init__(self) -> None:
        self.taken: list[object] = []
        self.held: dict[str, asyncio.Event] = {}

    async def send(self, tenant: str, message: wire.Send) -> wire.Ack:
        if message.conversation in self.held:
            await self.held[message.conversation].wait()
        self.taken.append(message)
        return wire.Ack(ref=message.id, run="r1")

    async def cancel(self, tenant: str, message: wire.Cancel) -> wire.Ack:
        self.taken.append(message)
        return wire.Ack(ref=message.run)

    async def resolve(self, tenant: str, message: wire.Resolve) -> wire.Ack:
        self.taken.append(message)
        return wire.Ack(ref=message.interrupt)


class Socket:
    """A client's socket, JSON or MessagePack by its subprotocol."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        kind = msgspec.msgpack if connection.subprotocol == wire.MSGPACK_PROTOCOL else msgspec.json
        self._encode = kind.Encoder().encode
        self._decode = kind.Decoder(wire.AnyServerMessage).decode

    async def say(self, message: wire.ClientMessage) -> None:
        data = self._encode(message)
        await self.connection.send(data if self.connection.subprotocol == wire.MSGPACK_PROTOCOL else data.decode())

    async def hear(self, within_s: float = 10.0) -> wire.AnyServerMessage:
        async with asyncio.timeout(within_s):
            data = await self.connection.recv()
        return self._decode(data if isinstance(data, bytes) else data.encode())

    async def hear_until(self, kind: type, client: kit.Client | None = None) -> list[wire.AnyServerMessage]:
        heard = [await self.hear()]
        while True:
            if client is not None:
                client.take(heard[-1])
            if isinstance(heard[-1], kind):
                return heard
            heard.append(await self.hear())


class Gateway:
    def __init__(self, hub: Hub, broker: MemoryBroker, input: Input, port: int, stop: asyncio.Event) -> None:
        self.hub = hub
        self.broker = broker
        self.input = input
        self.port = port
        self.stop = stop
        self.served: asyncio.Task[None]

    @contextlib.asynccontextmanager
    async def connect(self, protocol: str | None = wire.JSON_PROTOCOL, **options) -> AsyncIterator[Socket]:
        subprotocols = [protocol] if protocol else None
        async with websockets.connect(
            f"ws://127.0.0.1:{self.port}/v1/ws", subprotocols=subprotocols, max_size=None, **options
        ) as connection:
            yield Socket(connection)


@contextlib.asynccontextmanager
async def gateway_on(
    core: MemoryCore, *, stalled_s: float = 30.0, wrap: Callable = lambda app: app, settings: HubSettings = kit.QUICK
):
    broker, input = MemoryBroker(core), Input()
    listener = listen("127.0.0.1", 0)
    stop = asyncio.Event()
    async with Hub(broker, kit.Archive(), settings) as hub, asyncio.TaskGroup() as tasks:
        endpoint = wrap(WebSocketEndpoint(hub, identify, input, stalled_s=stalled_s))

        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                while (message := await receive())["type"] != "lifespan.shutdown":
                    await send({"type": f"{message['type']}.complete"})
                await send({"type": "lifespan.shutdown.complete"})
            else:
                await endpoint(scope, receive, send)

        gateway = Gateway(hub, broker, input, listener.getsockname()[1], stop)
        gateway.served = tasks.create_task(serve(app, listener, hub, stop, drain_s=5.0))
        try:
            yield gateway
        finally:
            stop.set()


@pytest.fixture
def core() -> MemoryCore:
    return MemoryCore()


@pytest.fixture
def log(core) -> kit.Log:
    return kit.Log(MemoryBroker(core))


@pytest.fixture
async def gateway(core) -> AsyncIterator[Gateway]:
    async with gateway_on(core) as gateway:
        yield gateway
