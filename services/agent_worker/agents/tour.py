"""The tour: one of everything that a page can draw, and two questions to a person on the way.

What the model says is the model's; the samples (Markdown, code, a web page, a picture) are made here, so that they are the same
with every model.
"""

from __future__ import annotations

import asyncio
from typing import Any

from services.agent_worker.agents import tour_samples
from services.agent_worker.agents.agent import agent
from services.agent_worker.agents.plan import worked_off
from services.agent_worker.agents.room import answer_tokens
from services.agent_worker.run import Run
from services.agent_worker.tools.tool import Progress, ToolError, tool

PLAN = ("Choose a river", "Look around", "Collect souvenirs", "Book a boat")
RIVERS = ("Danube", "Mekong", "Okavango")
ANSWER_S = 600.0
"""How long each question waits for a person before the tour goes on without one."""


@tool
async def book_boat(river: str, seats: int, progress: Progress) -> dict[str, str | int]:
    """Reserve seats on a boat."""
    for percent, text in ((30, "calling the harbour"), (70, "choosing a boat"), (100, "writing the ticket")):
        await progress("booking", percent, text)
        await asyncio.sleep(0.15)
    return {"boat": f"Heron of the {river}", "seats": seats}


@agent("scribe", description="Writes one line into the log.")
async def scribe(run: Run, task: str) -> str:
    said = await run.say(
        f"In one short sentence, note for a ship's log: {task}", max_tokens=answer_tokens(run.model, 30)
    )
    return said.text


@agent("lookout", description="Keeps watch and has it written down.")
async def lookout(run: Run, task: str) -> str:
    run.set_state({"watch": 1, "river": task})
    async with run.step("Keep watch"):
        line = await scribe.under(run, f"a quiet first watch on the {task}")
    run.patch_state([{"op": "replace", "path": "/watch", "value": 2}])
    return line


@agent("guide", description="Knows the way, and sends a lookout ahead.")
async def guide(run: Run, task: str) -> str:
    said = await run.say(
        f"In two sentences, tell travellers what to look for along the {task}.", max_tokens=answer_tokens(run.model, 60)
    )
    await lookout.under(run, task)
    run.log(f"the {task} is calm", "info")
    return said.text


@agent("tour", description="Shows one of everything: questions to you, agents in agents, code, a web page, a picture.")
async def tour(run: Run, task: str) -> None:
    run.plan(worked_off(PLAN, 0))
    river = await run.ask("choice", "Which river shall we follow?", options=RIVERS, timeout_s=ANSWER_S)
    name = str(river.value) if river.value in RIVERS else RIVERS[0]
    run.plan(worked_off(PLAN, 1))
    await guide.under(run, name)
    run.plan(worked_off(PLAN, 2))
    said = await run.say(tour_samples.words(tour_samples.MARKDOWN))
    await _souvenirs(run, said.id)
    run.plan(worked_off(PLAN, 3))
    await _book(run, name)
    run.plan(worked_off(PLAN, len(PLAN)))
    await run.say(
        f"In one sentence, say goodbye to travellers who followed the {name}.", max_tokens=answer_tokens(run.model, 40)
    )


async def _book(run: Run, river: str) -> None:
    """Ask until the answer is no, or one that the tool can take: people mistype, and a run should survive it."""
    asked = f"Book a boat on the {river}? You may change the seats."
    wanted: dict[str, Any] = {"river": river, "seats": 2}
    while True:
        answer = await run.ask("approval", asked, tool=book_boat.name, args=wanted, timeout_s=ANSWER_S)
        if answer.decision != "approved":
            return
        try:
            await run.tool(book_boat, **(answer.value if isinstance(answer.value, dict) else wanted))
        except ToolError as error:
            asked = f"That did not work: {error.message} Once more: a boat on the {river}?"
        else:
            return


async def _souvenirs(run: Run, message: str) -> None:
    for kind, name, media_type, content in tour_samples.SOUVENIRS:
        async with run.artifact(kind, name, media_type, message=message) as souvenir:
            for line in content.splitlines(keepends=True):
                await souvenir.write(line)
        if kind == "code":
            async with run.artifact(kind, name, media_type, of=souvenir.id, message=message) as second:
                await second.write(content.replace("width = 40", "width = 60"))
    async with run.artifact("image", "sunset.png", "image/png", message=message) as picture:
        await picture.write(tour_samples.sunset())
