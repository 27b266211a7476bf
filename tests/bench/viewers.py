"""Child: many viewers of a gateway, or of the bare server, and one raw subscriber of the live subjects beside them."""

from __future__ import annotations

import asyncio
import gc
import resource
import time
from array import array
from typing import Any

import msgspec

from schemas import subjects, wire
from tests.bench.child import Operation, serve
from tests.bench.figures import percentile
from tests.bench.lanes import PARTITION, STAMP, TENANT
from tests.bench.raw import connect
from tests.bench.sockets import Socket

CONNECTING_MAX = 50
READY_S = 60.0
_stamps = STAMP.findall


class Arrivals:
    """What stamped frames took to get here, in ms, in one window."""

    def __init__(self) -> None:
        self.ms = array("d")
        self.bytes = 0

    def take(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self.bytes += len(data)
        for stamp in _stamps(data):
            self.ms.append((now - int(stamp)) / 1e6)

    def report(self, seconds: float) -> dict[str, float]:
        """Of the `seconds` since the last one. Where nothing came, it took longer than that: they stand for it."""
        ordered = sorted(self.ms) or [seconds * 1e3]
        report = {"frames": len(self.ms), "per_s": len(self.ms) / seconds, "bytes": self.bytes}
        self.ms = array("d")
        self.bytes = 0
        return report | {f"p{percent}": percentile(ordered, percent) for percent in (50, 99)}


class Viewers:
    def __init__(self) -> None:
        self._sockets: list[Socket] = []
        self._viewed = Arrivals()
        self._raw = Arrivals()

    async def open(self, port: int, path: str, conversations: list[str]) -> None:
        """One socket for each entry, subscribed to its tail and caught up; an empty entry only connects."""
        limit = asyncio.Semaphore(CONNECTING_MAX)

        async def one(conversation: str) -> None:
            async with limit, asyncio.timeout(READY_S):
                self._sockets.append(await self._viewer(port, path, conversation))

        async with asyncio.TaskGroup() as tasks:
            for conversation in conversations:
                tasks.create_task(one(conversation))

    async def _viewer(self, port: int, path: str, conversation: str) -> Socket:
        if not conversation:
            return await Socket.connect(port, path, "", self._viewed.take)
        level = asyncio.get_running_loop().create_future()

        def until_level(message: bytes) -> None:
            if message.startswith(b'{"op":"caught_up"'):
                socket.on_message = self._viewed.take
                level.set_result(None)
            elif message.startswith(b'{"op":"error"'):
                level.set_exception(RuntimeError(message.decode()))

        socket = await Socket.connect(port, path, wire.JSON_PROTOCOL, until_level)
        socket.send({"op": "subscribe", "conversation": conversation, "mode": "tail"})
        await level
        return socket

    async def tap(self, nats_url: str, conversations: list[str]) -> None:
        """Listen to the live subjects with nothing in between."""
        client = await connect(nats_url)
        for conversation in conversations:
            subject = subjects.live(PARTITION, TENANT, conversation)
            await client.listen(subject, lambda data, headers: self._raw.take(data))

    async def window(self, seconds: float) -> dict[str, Any]:
        """What comes in `seconds` from now; `cpu` is the part of a core that we took, `closed` how many sockets are."""
        gc.collect()
        gc.freeze()
        self._viewed.report(1), self._raw.report(1)
        start, used = time.monotonic(), _cpu_s()
        await asyncio.sleep(seconds)
        taken = time.monotonic() - start
        return {
            "viewed": self._viewed.report(taken),
            "raw": self._raw.report(taken),
            "cpu": (_cpu_s() - used) / taken,
            "closed": sum(socket.closed for socket in self._sockets),
        }

    async def join(self, port: int, path: str, conversation: str, mode: str, after: str) -> dict[str, Any]:
        """Subscribe with a new socket; ms from the request to `caught_up`, and how many bytes came until then."""
        done: asyncio.Future[tuple[float, bytes]] = asyncio.get_running_loop().create_future()
        payload_bytes = messages = 0

        def on_message(message: bytes) -> None:
            nonlocal payload_bytes, messages
            payload_bytes += len(message)
            messages += 1
            if message.startswith(b'{"op":"caught_up"') and not done.done():
                done.set_result((time.monotonic(), message))

        socket = await Socket.connect(port, path, wire.JSON_PROTOCOL, on_message)
        start = time.monotonic()
        socket.send({"op": "subscribe", "conversation": conversation, "mode": mode, "after": after})
        async with asyncio.timeout(READY_S):
            end, level = await done
        socket.close()
        cursor = msgspec.json.decode(level)["cursor"]
        return {"ms": (end - start) * 1e3, "bytes": payload_bytes, "messages": messages, "cursor": cursor}

    async def close(self) -> None:
        for socket in self._sockets:
            socket.close()
        self._sockets = []


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def setup() -> dict[str, Operation]:
    viewers = Viewers()
    return {name: getattr(viewers, name) for name in ("open", "tap", "window", "join", "close")}


if __name__ == "__main__":
    serve(setup)
