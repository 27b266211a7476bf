"""The visualiser: a table, a chart and a report, each an artifact that grows while it is written."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from services.agent_worker.agents.agent import agent
from services.agent_worker.agents.room import answer_tokens
from services.agent_worker.artifacts import ArtifactWriter
from services.agent_worker.run import Run
from services.agent_worker.tools.collect_figures import collect_figures
from services.agent_worker.tools.draw_bars import draw_bars

VEGA_LITE_TYPE = "application/vnd.vegalite.v5+json"


class Brief(msgspec.Struct, frozen=True):
    """What this agent's task is made of: the question, and what the others have found."""

    question: str
    findings: str


@agent("visualisation", description="Shows the findings: a table, a chart and a report.")
async def visualisation(run: Run, task: str) -> str:
    """`task` is a `Brief` as JSON; any other text is a question without findings."""
    brief = _brief(task)
    figures = await run.tool(collect_figures, query=brief.question)
    title = f"{figures['source']}, {figures['unit']}".strip(", ")
    said = await run.say(
        f"In one sentence, introduce a table and a bar chart of: {title}",
        max_tokens=answer_tokens(run.model, 50),
    )
    # Table and chart stay intermediate until the report that speaks about them is written.
    async with (
        run.artifact("table", "figures.csv", "text/csv", message=said.id) as table,
        run.artifact("chart", "figures.vl.json", VEGA_LITE_TYPE, message=said.id) as chart,
        run.artifact("report", "report.md", "text/markdown", message=said.id) as report,
    ):
        await _write_table(table, figures)
        await _write_chart(chart, await run.tool(draw_bars, title=title, rows=figures["rows"], unit=figures["unit"]))
        await report.write(f"# {brief.question}\n\n")
        await report.take(_report(run, brief))
    return said.text


def _brief(task: str) -> Brief:
    try:
        return msgspec.json.decode(task, type=Brief)
    except msgspec.DecodeError:
        return Brief(task, "")


async def _write_table(table: ArtifactWriter, figures: dict[str, Any]) -> None:
    await table.write(_csv_line("label", figures["unit"] or "value"))
    for row in figures["rows"]:
        await table.write(_csv_line(row["label"], f"{row['value']:g}"))


async def _write_chart(chart: ArtifactWriter, specification: dict[str, Any]) -> None:
    text = msgspec.json.format(msgspec.json.encode(specification), indent=2).decode()
    for line in text.splitlines(keepends=True):
        await chart.write(line)


def _report(run: Run, brief: Brief) -> AsyncGenerator[str, None]:
    return run.stream(
        f"Findings:\n{brief.findings}\n\nFrom these findings, write a report of two short paragraphs about: {brief.question}",
        system="You write short reports in Markdown, without a title.",
        max_tokens=answer_tokens(run.model, 220),
    )


def _csv_line(*fields: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(fields)
    return line.getvalue()
