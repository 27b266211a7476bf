"""A worker process with agents for tests: `python -m tests.agent_worker.process URL`. SIGTERM drains it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator

from services.agent_worker.attempt import Limits
from services.agent_worker.publisher import Publisher
from services.agent_worker.worker import Worker
from services.broker.jetstream import connect
from services.runtime import new_id

ACK_WAIT_S = 1.5
WORDS = 40
WORD_S = 0.015


async def words(name: str) -> AsyncIterator[str]:
    for number in range(WORDS):
        yield f" {name}{number}"
        await asyncio.sleep(WORD_S)


def whole(name: str) -> str:
    return "".join(f" {name}{number}" for number in range(WORDS))


async def talker(run, task: str) -> None:
    """Three messages of 0.6 s each, the second by two agents at once."""
    await run.say(words("first"))

    async def work(name: str) -> None:
        async with run.agent(name) as sub:
            await sub.say(words(name))

    async with asyncio.TaskGroup() as group:
        group.create_task(work("left"))
        group.create_task(work("right"))
    await run.say(words("last"))


async def main(url: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    broker = await connect(url, "worker")
    async with Publisher(broker) as publisher:
        limits = Limits(ack_wait_s=ACK_WAIT_S)
        agents = {"talker": talker}
        await Worker(broker, publisher, agents, name=new_id("w_"), limits=limits, drain_s=0.1).run(stop)
    await broker.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
