"""The reader: takes one text of the collection and says in a sentence what it says."""

from __future__ import annotations

from services.agent_worker.agents.agent import agent
from services.agent_worker.agents.room import answer_tokens
from services.agent_worker.run import Run
from services.agent_worker.tools.read_text import read_text


@agent("reader", description="Reads one text and sums it up.")
async def reader(run: Run, task: str) -> str:
    """`task` is the id of the text."""
    text = await run.tool(read_text, id=task)
    prompt = f"Sum up this text in one sentence.\n\n{text['title']}: {text['body']}"
    said = await run.say(prompt, system="You sum up texts faithfully.", max_tokens=answer_tokens(run.model, 70))
    return said.text
