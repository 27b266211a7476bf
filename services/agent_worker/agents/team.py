"""The team: a supervisor that asks two agents at the same time, and one that shows what came of it.

The two are asked by tool calls, as a model that leads a team would ask them. But who does what, and when, is code; every
word is the model's. So it works with a model that is too small to choose tools.
"""

from __future__ import annotations

import asyncio

import msgspec

from services.agent_worker.agents.agent import agent
from services.agent_worker.agents.analysis import analysis
from services.agent_worker.agents.plan import worked_off
from services.agent_worker.agents.research import research
from services.agent_worker.agents.room import answer_tokens
from services.agent_worker.agents.visualisation import Brief, visualisation
from services.agent_worker.run import Run

SYSTEM = "You lead a small research team. You write briefly and plainly."
QUESTION_CHARS_MAX = 500
"""Each agent's prompt repeats the question: a longer one would crowd out the notes in a small model's context."""

PLAN = ("Look at the figures and the texts", "Show what was found", "Sum it up")


@agent("team", description="A supervisor with an analyst, a researcher and a visualiser.")
async def team(run: Run, task: str) -> str:
    question = task if len(task) <= QUESTION_CHARS_MAX else task[:QUESTION_CHARS_MAX].rsplit(" ", 1)[0] + " …"
    run.plan(worked_off(PLAN, 0))
    await run.say(
        f"In two sentences, tell the reader how your team will answer this question: {question}",
        system=SYSTEM,
        max_tokens=answer_tokens(run.model, 80),
    )
    async with asyncio.TaskGroup() as tasks:
        figures = tasks.create_task(run.tool(analysis.as_tool(run), task=question))
        texts = tasks.create_task(run.tool(research.as_tool(run), task=question))
    findings = f"{figures.result()}\n\n{texts.result()}"
    run.plan(worked_off(PLAN, 1))
    await visualisation.under(run, msgspec.json.encode(Brief(question, findings)).decode())
    run.plan(worked_off(PLAN, 2))
    said = await run.say(
        f"Findings:\n{findings}\n\nIn two sentences, answer the question from these findings: {question}",
        system=SYSTEM,
        max_tokens=answer_tokens(run.model, 90),
    )
    run.plan(worked_off(PLAN, len(PLAN)))
    return said.text
