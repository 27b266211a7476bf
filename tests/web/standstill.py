"""A run that stands still in its midst, with everything open that can be: to be looked at for as long as a test wants."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from services.agent_worker.agents.tour_samples import SOUVENIRS, sunset
from services.agent_worker.open_run import open_run
from services.agent_worker.run import Run
from services.agent_worker.tools.tool import Progress, tool
from services.broker.jetstream import connect

AGENT = "dredger"


LOOKED_AT_S_MAX = 600.0
"""The tool's and the question's time: longer than a module of tests takes."""

BEGUN_S_MAX = 30.0


@contextlib.asynccontextmanager
async def standing_still(nats_url: str, *, midst: str, asking: str) -> AsyncIterator[None]:
    """In the conversation `midst` a run is at work, in `asking` one waits for a word from a person; both until this is left."""
    begun, over = asyncio.Event(), asyncio.Event()
    standing = asyncio.create_task(_stand(nats_url, midst, asking, begun, over))
    try:
        async with asyncio.timeout(BEGUN_S_MAX):
            await begun.wait()
        yield
    finally:
        over.set()
        await standing


async def _stand(nats_url: str, midst: str, asking: str, begun: asyncio.Event, over: asyncio.Event) -> None:
    broker = await connect(nats_url, AGENT)
    try:
        async with (
            open_run(broker, agent=AGENT, message="How deep is the river?", conversation=midst) as run,
            open_run(broker, agent=AGENT, message="Ask me for a word.", conversation=asking) as other,
            asyncio.TaskGroup() as tasks,
        ):
            question = tasks.create_task(other.ask("input", "What is it called?", timeout_s=LOOKED_AT_S_MAX))
            await _work(run, begun, over)
            question.cancel()
    finally:
        await broker.close()


async def _work(run: Run, begun: asyncio.Event, over: asyncio.Event) -> None:
    @tool(timeout_s=LOOKED_AT_S_MAX)
    async def dredge(depth: int, progress: Progress) -> str:
        """Take up what lies at the bottom."""
        await progress("dredging", 40, "so far only mud")
        await over.wait()
        return "mud"

    async def words(text: str) -> AsyncIterator[str]:
        yield text
        begun.set()
        await over.wait()

    await run.say(_at_once("Here is what was brought home.\n\n| river | km |\n|---|---:|\n| Danube | 2850 |\n"))
    for kind, name, media_type, content in SOUVENIRS:
        async with run.artifact(kind, name, media_type) as souvenir:
            await souvenir.write(content)
    async with run.artifact("image", "sunset.png", "image/png") as picture:
        await picture.write(sunset())
    run.plan(["Measure", "Dredge"])
    async with run.agent("digger") as digger, asyncio.TaskGroup() as tasks:
        tasks.create_task(digger.tool(dredge, depth=4))
        async with digger.artifact("table", "depths.csv", "text/csv") as table:
            await table.write("place,depth\nford,1.5\n")
            await run.say(words("It is **deeper** than one thinks, and"))


async def _at_once(text: str) -> AsyncIterator[str]:
    yield text
