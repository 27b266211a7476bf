"""The debate: two agents argue at the same time, one for and one against, and a third voice weighs what they said."""

from __future__ import annotations

import asyncio

from services.agent_worker.agents.agent import agent
from services.agent_worker.agents.room import answer_tokens
from services.agent_worker.run import Run

SIDES = (("advocate", "in favour of"), ("sceptic", "against"))


@agent("debate", description="Two agents argue for and against, at the same time; then it is weighed.")
async def debate(run: Run, task: str) -> str:
    async with asyncio.TaskGroup() as tasks:
        sides = [tasks.create_task(_argue(run, name, side, task)) for name, side in SIDES]
    said = await run.say(
        "\n\n".join(f"{name}: {argued.result()}" for (name, _), argued in zip(SIDES, sides, strict=True))
        + f"\n\nIn two sentences, weigh both sides of: {task}",
        system="You are fair and brief.",
        max_tokens=answer_tokens(run.model, 90),
    )
    return said.text


async def _argue(run: Run, name: str, side: str, task: str) -> str:
    async with run.agent(name, input=task, description=f"Argues {side} it.") as speaker:
        said = await speaker.say(
            f"In three sentences, argue {side} this: {task}",
            system="You argue one side, plainly.",
            max_tokens=answer_tokens(run.model, 120),
        )
        speaker.result = said.text
    return said.text
