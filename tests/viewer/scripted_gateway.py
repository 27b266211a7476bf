"""A real WebSocket server that speaks `schemas.wire` over a log it is given, and can be told to cut, refuse or move on.

It is how the viewer meets what a healthy gateway does rarely; the healthy one is in `test_live.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from schemas import wire
from schemas.codec import json_hook
from schemas.events import Frame
from schemas.fold import fold_all
from tests.viewer import demo

_encode = msgspec.json.Encoder(enc_hook=json_hook).encode


@dataclass
class ScriptedGateway:
    """`log` is what it serves and grows by what `answer` gives for a message. `cut_after`: events per connection, in turn."""

    log: list[Frame]
    answer: Callable[[wire.Send, list[Frame]], Sequence[Frame]] | None = None
    cut_after: list[int] = field(default_factory=list)
    close_code: int = 1011
    subscribes: list[wire.Subscribe] = field(default_factory=list)
    sends: list[wire.Send] = field(default_factory=list)
    cancels: list[wire.Cancel] = field(default_factory=list)
    on_cancel: Callable[[wire.Cancel, list[Frame]], Sequence[Frame]] | None = None
    grown: asyncio.Event = field(default_factory=asyncio.Event)
    sockets: set[ServerConnection] = field(default_factory=set)
    url: str = ""

    def grow(self, frames: Sequence[Frame]) -> None:
        self.log += frames
        self.grown.set()

    async def hang_up(self, after_ms: int) -> None:
        """Drain: send every viewer elsewhere."""
        for socket in list(self.sockets):
            await _say(socket, wire.Reconnect(after_ms=after_ms))

    async def serve_socket(self, socket: ServerConnection) -> None:
        budget = self.cut_after.pop(0) if self.cut_after else None
        follower: asyncio.Task[None] | None = None
        self.sockets.add(socket)
        try:
            async for data in _until_closed(socket):
                match wire.decode_client(data, wire.JSON_PROTOCOL):
                    case wire.Subscribe() as subscribe:
                        self.subscribes.append(subscribe)
                        if follower is not None:
                            follower.cancel()
                        follower = asyncio.create_task(self._follow(socket, subscribe, budget))
                    case wire.Send() as send:
                        self.sends.append(send)
                        known = [one.id for one in self.sends[:-1]]
                        if self.answer is not None and send.id not in known:
                            self.grow(self.answer(send, self.log))
                        run = next(frame.run for frame in self.log if frame.is_input and _message(frame) == send.id)
                        await _say(socket, wire.Ack(ref=send.id, run=run, attached=send.id in known))
                    case wire.Cancel() as cancel:
                        self.cancels.append(cancel)
                        await _say(socket, wire.Ack(ref=cancel.run, run=cancel.run))
                        if self.on_cancel is not None:
                            self.grow(self.on_cancel(cancel, self.log))
        finally:
            self.sockets.discard(socket)
            if follower is not None:
                follower.cancel()

    async def _follow(self, socket: ServerConnection, subscribe: wire.Subscribe, budget: int | None) -> None:
        sub, position = subscribe.sub, 0
        snapshot = subscribe.mode == "snapshot" or not subscribe.after
        if snapshot:
            position = len(self.log)
        else:
            while position < len(self.log) and self.log[position].seq <= int(subscribe.after.partition("-")[2]):
                position += 1
        cursor = self._cursor(position)
        mode = "snapshot" if snapshot else "replay"
        await _say(socket, wire.Subscribed(sub=sub, conversation=subscribe.conversation, mode=mode, cursor=cursor))
        if snapshot:
            transcript = fold_all(subscribe.conversation, self.log[:position])
            await _say(socket, wire.Snapshot(sub=sub, cursor=cursor, transcript=transcript))
        caught_up = False
        while True:
            self.grown.clear()
            while position < len(self.log):
                if budget is not None and budget == 0:
                    await socket.close(self.close_code, "cut")
                    return
                budget = None if budget is None else budget - 1
                frame, prev = self.log[position], cursor
                position += 1
                cursor = self._cursor(position)
                await _say(socket, wire.Events(sub=sub, prev=prev, cursor=cursor, frames=[frame]))
            if not caught_up:
                caught_up = True
                await _say(socket, wire.CaughtUp(sub=sub, cursor=cursor))
            await self.grown.wait()

    def _cursor(self, position: int) -> str:
        return f"{demo.EPOCH}-{self.log[position - 1].seq if position else 0}"


def _message(frame: Frame) -> str:
    return next((event.id for event in frame.events if hasattr(event, "multitask")), "")


async def until(fact: Callable[[], object]) -> None:
    """Return once `fact()` is true. The caller has a deadline."""
    while not fact():  # noqa: ASYNC110 -- the facts are plain lists
        await asyncio.sleep(0.01)


async def _until_closed(socket: ServerConnection) -> AsyncIterator[bytes]:
    with contextlib.suppress(ConnectionClosed):  # however it ends
        while True:
            yield await socket.recv(decode=False)


async def _say(socket: ServerConnection, message: wire.ServerMessage) -> None:
    await socket.send(_encode(message), text=True)


@contextlib.asynccontextmanager
async def served(gateway: ScriptedGateway, *, port: int = 0) -> AsyncIterator[Server]:
    async with serve(gateway.serve_socket, "127.0.0.1", port, subprotocols=[wire.JSON_PROTOCOL]) as server:
        gateway.url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield server
