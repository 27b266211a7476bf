"""Write golden logs anew, those that are named: only when the event model has got something that they do not show yet.

python -m tests.golden.record nesting
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec

from schemas import subjects
from schemas.codec import decode_frame, encode_frame
from schemas.events import Frame
from schemas.fold import fold_all
from services.agent_worker.agents import agent
from services.agent_worker.agents.team import team
from services.agent_worker.library import run_once
from services.agent_worker.models.scripted import Scripted
from services.agent_worker.run import Run
from services.broker.memory import MemoryBroker
from tests.schemas import logs

FOLDER = Path(__file__).parent


def record(name: str, frames: list[Frame]) -> None:
    conversation = "golden"
    (FOLDER / f"{name}.log.jsonl").write_bytes(b"".join(encode_frame(frame) + b"\n" for frame in frames))
    transcript = msgspec.json.format(msgspec.json.encode(fold_all(conversation, frames)), indent=1)
    (FOLDER / f"{name}.transcript.json").write_bytes(transcript + b"\n")


async def words(text: str) -> AsyncIterator[str]:
    for word in text.split(" "):
        yield f"{word} "


@agent("porter", description="Carries.")
async def porter(run: Run, task: str) -> str:
    return (await run.say(words(f"I carry {task}."))).text


@agent("guide", description="Leads, and has a porter carry.")
async def guide(run: Run, task: str) -> str:
    return str(await run.tool(porter.as_tool(run), task=task))


@agent("scout", description="Goes ahead with a guide.")
async def scout(run: Run, task: str) -> str:
    await run.say(words("I go ahead."))
    return await guide.under(run, task)


async def nesting(run: Run, task: str) -> None:
    """Agents that tool calls started, three deep and two at once; and one that speaks again after `main` did."""
    async with run.agent("keeper", description="Keeps the diary.") as keeper:
        await keeper.say(words("We set out."))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run.tool(scout.as_tool(run), task="the tent"))
            tasks.create_task(run.tool(porter.as_tool(run), task="the boat"))
        await run.say(words("We are there."))
        await keeper.say(words("We arrived."))


async def run_log(agent: Callable[[Run, str], Awaitable[object]], text: str) -> list[Frame]:
    """A run of `agent` on the rehearsed model, as a worker writes it."""
    broker = MemoryBroker()
    transcript = await run_once(broker, agent, text, model=Scripted(0))
    subject = subjects.conversation_events(0, "default", transcript.conversation)
    frames: list[Frame] = []
    while batch := (await broker.read(0, subject, frames[-1].seq if frames else 0)).records:
        frames += [decode_frame(one.data, one.seq) for one in batch]
    await broker.close()
    return frames


LOGS: dict[str, Callable[[], list[Frame]]] = {
    "team": lambda: asyncio.run(run_log(team, "How fast does the river flow?")),
    "nesting": lambda: asyncio.run(run_log(nesting, "Carry the tent and the boat over the pass.")),
    "every_event": lambda: logs.conversation(random.Random(1), runs=3, size=4, takeovers=False),
    "taken_over": lambda: logs.conversation(random.Random(5), runs=2, size=3),
}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        record(name, LOGS[name]())
