"""Child: what the page is measured with, by `open_run`: many agents that speak at once, and a long conversation."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from services.agent_worker.open_run import open_run
from services.agent_worker.run import Run
from services.agent_worker.tools.tool import tool
from services.broker.jetstream import connect
from services.broker.port import Broker
from tests.bench.child import Operation, serve
from tests.bench.lanes import token

PARAGRAPH_TOKENS = 60
MESSAGE_TOKENS = 600
"""An agent says one message after another, as long as a good answer."""


class Speakers:
    def __init__(self) -> None:
        self._broker: Broker
        self._speaking: asyncio.Task[None] | None = None

    async def open(self, url: str) -> None:
        self._broker = await connect(url, "bench")

    async def speak(self, conversation: str, agents: int, tokens_per_s: float, seconds: float) -> None:
        """Begin a run in which so many agents stream; returns at once."""

        async def run() -> None:
            async with (
                open_run(self._broker, agent="choir", message="All at once.", conversation=conversation) as opened,
                asyncio.TaskGroup() as tasks,
            ):
                for number in range(agents):
                    tasks.create_task(_speak(opened, number, tokens_per_s, time.monotonic() + seconds))

        self._speaking = asyncio.create_task(run())

    async def call(self, conversation: str, agents: int, before: int, calls_per_s: float, seconds: float) -> None:
        """Begin a run in which so many agents call a tool: `before` times in all at once, which is when this returns, and
        then each so many times a second.
        """
        called = asyncio.Event()

        async def run() -> None:
            async with (
                open_run(self._broker, agent="choir", message="Look it up.", conversation=conversation) as opened,
                contextlib.AsyncExitStack() as stack,
                asyncio.TaskGroup() as tasks,
            ):
                voices = [await stack.enter_async_context(opened.agent(f"voice{number}")) for number in range(agents)]
                for number in range(before):
                    await voices[number % agents].tool(look_up, key=str(number))
                called.set()
                for voice in voices:
                    tasks.create_task(_call(voice, calls_per_s, time.monotonic() + seconds))

        self._speaking = asyncio.create_task(run())
        await called.wait()

    async def spoken(self) -> None:
        """Return when the run has ended."""
        assert self._speaking is not None
        await self._speaking

    async def long(self, conversation: str, messages: int) -> None:
        """A finished run of so many messages."""
        async with open_run(self._broker, agent="choir", message="At length.", conversation=conversation) as run:
            for number in range(messages):
                await run.say(_once(f"Message {number}: " + "".join(token(number + i) for i in range(40))))


async def _speak(run: Run, number: int, tokens_per_s: float, until: float) -> None:
    async with run.agent(f"voice{number}") as voice:
        while time.monotonic() < until:
            await voice.say(_tokens(number, tokens_per_s, until))


@tool
async def look_up(key: str) -> str:
    """Look up what is known of a key."""
    return f"What is known of {key}."


async def _call(voice: Run, calls_per_s: float, until: float) -> None:
    while time.monotonic() < until:
        await voice.tool(look_up, key=f"{until - time.monotonic():.1f}")
        await asyncio.sleep(1 / calls_per_s)


async def _tokens(seed: int, tokens_per_s: float, until: float) -> AsyncIterator[str]:
    begun = time.monotonic()
    for spoken in range(MESSAGE_TOKENS):
        if time.monotonic() >= until:
            return
        ends = (spoken + 1) % PARAGRAPH_TOKENS == 0
        yield ".\n\n" if ends else token(seed * 17 + spoken * 31)
        await asyncio.sleep(max(0.0, begun + (spoken + 1) / tokens_per_s - time.monotonic()))


async def _once(text: str) -> AsyncIterator[str]:
    yield text


async def setup() -> dict[str, Operation]:
    speakers = Speakers()
    return {name: getattr(speakers, name) for name in ("open", "speak", "call", "spoken", "long")}


if __name__ == "__main__":
    serve(setup)
