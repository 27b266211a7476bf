"""People at the one address of a stack: some send messages and repeat them until they are accepted, some watch and come back
with their cursors whenever they are cut off. They write down what they saw, and judge nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import msgspec
import websockets

from schemas import events as ev
from schemas import wire
from services.runtime import new_id
from tests.history import View, frames_of

_decode = msgspec.json.Decoder(wire.AnyServerMessage).decode

AGAIN_S = 0.2
"""Between two tries of whoever was cut off or refused."""

CUT = (OSError, TimeoutError, websockets.WebSocketException, httpx2.TransportError, httpx2.StreamError)
"""What a connection says that ended before it was done."""


class Watcher:
    """Watches one conversation from its beginning, by WebSocket or SSE. `cuts`: how often it had to come back."""

    def __init__(self, name: str, url: str, conversation: str, read: Reader) -> None:
        self.name = name
        self.conversation = conversation
        self.messages: list[wire.AnyServerMessage] = []
        self.cursor = ""
        self.cuts = -1
        self.ended: set[str] = set()
        self._url = url
        self._read = read

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            self.cuts += 1
            with contextlib.suppress(*CUT):
                async for message in self._read(self._url, self.conversation, self.cursor):
                    self._take(message)
            await asyncio.sleep(AGAIN_S)

    def _take(self, message: wire.AnyServerMessage) -> None:
        self.messages.append(message)
        if isinstance(message, wire.Events):
            self.cursor = message.cursor
            self.ended |= {
                frame.run for frame in message.frames for event in frame.events if isinstance(event, ev.RUN_ENDS)
            }

    def view(self) -> View:
        return View(self.name, self.conversation, frames_of(self.messages))


Reader = Callable[[str, str, str], AsyncIterator[wire.AnyServerMessage]]


async def by_websocket(url: str, conversation: str, cursor: str) -> AsyncIterator[wire.AnyServerMessage]:
    async with websockets.connect(
        url.replace("http", "ws") + "/v1/ws",
        subprotocols=[wire.JSON_PROTOCOL],  # type: ignore[list-item]
        max_size=None,
    ) as socket:
        request = wire.Subscribe(conversation=conversation, after=cursor, mode="replay")
        await socket.send(msgspec.json.encode(request).decode())
        async for text in socket:
            yield _decode(text)


async def by_sse(url: str, conversation: str, cursor: str) -> AsyncIterator[wire.AnyServerMessage]:
    where = f"/v1/conversations/{conversation}/events?mode=replay&after={cursor}"
    async with httpx2.AsyncClient(base_url=url, timeout=30.0) as client, client.stream("GET", where) as answer:
        if answer.status_code == 200:
            async for line in answer.aiter_lines():
                if line.startswith("data:"):
                    yield _decode(line[5:])


class Crowd:
    """`accepted`: as History has it. `repeated`: requests that were sent again for want of an answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.accepted: dict[str, tuple[str, str]] = {}
        self.repeated = 0
        self.watchers: list[Watcher] = []

    async def conversation(self) -> str:
        return (await self._insist("/v1/conversations", {}))["id"]

    def watched(self, conversation: str) -> None:
        """One viewer by WebSocket and one by SSE."""
        self.watchers += [
            Watcher("websocket", self.url, conversation, by_websocket),
            Watcher("sse", self.url, conversation, by_sse),
        ]

    async def say(self, conversation: str, text: str, agent: str) -> str:
        """Send a message until it is accepted, always with one id; returns the run."""
        message = new_id("m_")
        answer = await self._insist(
            f"/v1/conversations/{conversation}/messages", {"text": text, "agent": agent, "id": message}
        )
        self.accepted[message] = (conversation, answer["run"])
        return answer["run"]

    async def talk(self, conversation: str, every_s: float, stop: asyncio.Event) -> None:
        """Until `stop` is set: a message, now to one agent, now to a team."""
        for number, agent in zip(itertools.count(1), itertools.cycle(["assistant", "team"])):
            await self.say(conversation, f"Question {number}: why do rivers meander?", agent)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_s)
                return

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(watcher.watch()) for watcher in self.watchers]
            yield
            for task in tasks:
                task.cancel()

    def all_ended(self) -> bool:
        """Whether every viewer has seen the end of every run of its conversation."""
        runs = {
            watcher: {run for where, run in self.accepted.values() if where == watcher.conversation}
            for watcher in self.watchers
        }
        return all(wanted <= watcher.ended for watcher, wanted in runs.items())

    async def _insist(self, path: str, body: dict[str, str]) -> dict[str, str]:
        async with httpx2.AsyncClient(base_url=self.url, timeout=30.0) as client:
            while True:
                with contextlib.suppress(*CUT):
                    answer = await client.post(path, json=body)
                    if answer.is_success:
                        return answer.json()
                    assert answer.status_code >= 500 or answer.status_code == 429, answer.text
                self.repeated += 1
                await asyncio.sleep(AGAIN_S)


async def until(check: Callable[[], bool | Awaitable[bool]], seconds: float, what: str) -> None:
    """Wait until `check()` holds, or fail saying what never came about."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = check()
                if (await found) if isinstance(found, Awaitable) else found:
                    return
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"it never came about that {what}") from None
