"""The analyst: collects the figures that bear on the question, describes them, and says what they show."""

from __future__ import annotations

from services.agent_worker.agents.agent import agent
from services.agent_worker.agents.room import answer_tokens
from services.agent_worker.run import Run
from services.agent_worker.tools.collect_figures import collect_figures
from services.agent_worker.tools.describe_values import describe_values

ROWS_TOLD = 8
"""To the model: more numbers than this a small one mixes up."""


@agent("analysis", description="Works out what the figures say.")
async def analysis(run: Run, task: str) -> str:
    async with run.step("Collect the figures"):
        figures = await run.tool(collect_figures, query=task)
    async with run.step("Describe them"):
        described = await run.tool(describe_values, values=[row["value"] for row in figures["rows"]])
    unit = figures["unit"]
    told = ", ".join(f"{row['label']} {row['value']:g} {unit}" for row in figures["rows"][:ROWS_TOLD])
    said = await run.say(
        f"Figures from {figures['source']}: {told}. Mean {described['mean']:g} {unit}, median {described['median']:g} {unit}.\n\n"
        "In two sentences, say which is the largest, which the smallest, and how far they are apart.",
        system="You are an analyst. You only use the figures you are given.",
        max_tokens=answer_tokens(run.model, 90),
    )
    return said.text
