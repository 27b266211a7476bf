"""A strict client of the gateway for tests: it folds what it gets, checks every promise of the protocol on the way, and
can be cut after any message and continued, on any gateway, from its cursor.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import httpx2
import msgspec
import websockets

from schemas import wire
from schemas.fold import Fold
from schemas.transcript import RunState, Transcript

_decode = msgspec.json.Decoder(wire.AnyServerMessage).decode
DEADLINE_S = 60.0


class Viewer:
    """`cursor` and `fold` outlive connections; `messages` is what came, of all connections."""

    def __init__(self, conversation: str, **subscribe: object) -> None:
        self.conversation = conversation
        self.cursor = ""
        self.fold = Fold(Transcript(conversation=conversation))
        self.messages: list[wire.AnyServerMessage] = []
        self._subscribe = subscribe

    async def watch(
        self,
        url: str,
        *,
        until: Callable[[Viewer], bool],
        connected: asyncio.Event | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Subscribe on this gateway and read until `until(self)`; then cut the connection without a goodbye.

        `connected` is set once the viewer is level with the log. `headers`: of the handshake.
        """
        address = url.replace("http", "ws") + "/v1/ws"
        async with asyncio.timeout(DEADLINE_S), _abrupt(address, headers) as socket:
            request = wire.Subscribe(conversation=self.conversation, after=self.cursor, **self._subscribe)  # type: ignore[arg-type]
            await socket.send(msgspec.json.encode(request).decode())
            while not until(self):
                message = _decode(await socket.recv())
                self._take(message)
                if connected is not None and isinstance(message, wire.CaughtUp):
                    connected.set()

    def _take(self, message: wire.AnyServerMessage) -> None:
        self.messages.append(message)
        match message:
            case wire.Snapshot():
                self.fold = Fold(message.transcript)
                self.cursor = message.cursor
            case wire.Events():
                fresh = [self.fold.apply(frame) for frame in message.frames]
                assert all(fresh), f"frames came twice: {message}"
                self.cursor = message.cursor
            case wire.CaughtUp():
                self.cursor = message.cursor
            case wire.Error():
                raise AssertionError(f"{message.code}: {message.message}")

    def run(self, run: str) -> RunState | None:
        return self.fold.runs.get(run)

    def over(self, run: str) -> bool:
        state = self.run(run)
        return state is not None and state.over

    def transcript(self) -> Transcript:
        return self.fold.snapshot()


@contextlib.asynccontextmanager
async def _abrupt(address: str, headers: dict[str, str] | None):  # type: ignore[no-untyped-def]
    """A connection that ends like a pulled cable, not with a closing handshake."""
    protocols = [wire.JSON_PROTOCOL]
    socket = await websockets.connect(address, subprotocols=protocols, additional_headers=headers, max_size=None)  # type: ignore[arg-type]
    try:
        yield socket
    finally:
        socket.transport.abort()


class Api:
    """The few HTTP calls that tests make over and over."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self._client = httpx2.AsyncClient(base_url=url, timeout=30.0, headers=headers)

    async def conversation(self) -> str:
        answer = await self._client.post("/v1/conversations", json={})
        assert answer.status_code in (200, 201), answer.text
        return answer.json()["id"]

    async def send(self, conversation: str, text: str, **fields: object) -> dict[str, str]:
        """Returns the answer to the POST: run, cursor, …"""
        answer = await self._client.post(f"/v1/conversations/{conversation}/messages", json={"text": text, **fields})
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def get(self, path: str) -> httpx2.Response:
        return await self._client.get(path)

    async def post(self, path: str, **body: object) -> httpx2.Response:
        return await self._client.post(path, json=body)

    async def delete(self, path: str) -> httpx2.Response:
        return await self._client.delete(path)

    async def transcript(self, conversation: str) -> Transcript:
        answer = await self._client.get(f"/v1/conversations/{conversation}")
        assert answer.status_code == 200, answer.text
        return msgspec.convert(answer.json()["transcript"], Transcript)

    async def __aenter__(self) -> Api:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()


async def eventually(check: Callable[[], object], what: str) -> None:
    """Wait until `check()` is true, or fail saying what never came about."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                result = check()
                if asyncio.iscoroutine(result):
                    result = await result
                if result:
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"it never came about that {what}") from None
