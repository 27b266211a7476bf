"""The analyst: collects the figures that bear on the question, describes them, and says what they show."""

from __future__ import annotations

from typing import Any

from services.agent_worker.agents.agent import agent
from services.agent_worker.agents.room import answer_tokens
from services.agent_worker.run import Run
from services.agent_worker.tools.collect_figures import collect_figures
from services.agent_worker.tools.describe_values import describe_values


@agent("analysis", description="Works out what the figures say.")
async def analysis(run: Run, task: str) -> str:
    async with run.step("Collect the figures"):
        figures = await run.tool(collect_figures, query=task)
    async with run.step("Describe them"):
        described = await run.tool(describe_values, values=[row["value"] for row in figures["rows"]])
    said = await run.say(
        f"Facts: {_facts(figures, described)}\n\nRewrite these facts as two sentences.",
        system="You are an analyst. You only use the figures you are given.",
        max_tokens=answer_tokens(run.model, 90),
    )
    return said.text


def _facts(figures: dict[str, Any], described: dict[str, Any]) -> str:
    """What the figures show, worked out here: a model is asked for words, not for arithmetic."""
    rows = sorted(figures["rows"], key=lambda row: row["value"])
    least, most = rows[0], rows[-1]
    facts = [
        f"The largest is {most['label']} with {_with_unit(most['value'], figures)}.",
        f"The smallest is {least['label']} with {_with_unit(least['value'], figures)}.",
        f"The mean is {_with_unit(described['mean'], figures)}.",
    ]
    if least["value"] > 0:
        facts.append(f"The largest is {most['value'] / least['value']:.2g} times the smallest.")
    return " ".join(facts)


def _with_unit(value: float, figures: dict[str, Any]) -> str:
    return f"{value:,.10g} {figures['unit']}".strip()
