"""The researcher: searches the collection, has the best text read by an agent of its own, and answers from what was found."""

from __future__ import annotations

from services.agent_worker.agents.agent import agent
from services.agent_worker.agents.reader import reader
from services.agent_worker.agents.room import answer_tokens
from services.agent_worker.run import Run
from services.agent_worker.tools.search_texts import search_texts

NOTE_CHARS = 160
"""Of each further passage: a small model answers worse from long notes than from short ones."""


@agent("research", description="Looks up what is known about the question.")
async def research(run: Run, task: str) -> str:
    async with run.step("Search the collection"):
        found = await run.tool(search_texts, query=task)
    for text in found:
        run.source(f"text:{text['id']}", title=text["title"], quote=text["passage"])
    notes = [f"{text['title']}: {text['passage'][:NOTE_CHARS]}" for text in found[1:]]
    if found:
        async with run.step(f"Read {found[0]['title']}"):
            notes.insert(0, await reader.under(run, found[0]["id"]))
    said = await run.say(
        f"Notes:\n{_listed(notes)}\n\nUsing the notes, answer in three sentences: {task}",
        system="You are a researcher. You write plainly and add nothing that is not in your notes.",
        max_tokens=answer_tokens(run.model, 130),
    )
    return said.text


def _listed(notes: list[str]) -> str:
    return "\n".join(f"- {note}" for note in notes) or "- The collection has nothing about it."
