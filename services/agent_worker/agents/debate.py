"""The debate: two agents argue at the same time, one for and one against; a third voice says where they differ, both
answer that, again at the same time, and then it is weighed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.agent_worker.agents.agent import agent
from services.agent_worker.agents.room import answer_tokens
from services.agent_worker.run import Run

SIDES = (("advocate", "in favour of"), ("sceptic", "against"))
FAIR = "You are fair and brief."


class Speaker(NamedTuple):
    name: str
    side: str
    run: Run


@agent("debate", description="Two agents argue at the same time and answer each other; then it is weighed.")
async def debate(run: Run, task: str) -> str:
    async with contextlib.AsyncExitStack() as stack:
        speakers = [
            Speaker(
                name,
                side,
                await stack.enter_async_context(run.agent(name, input=task, description=f"Argues {side} it.")),
            )
            for name, side in SIDES
        ]
        argued = await _at_once(speakers, lambda side: f"In three sentences, argue {side} this: {task}")
        differ = await run.say(
            f"{argued}\n\nIn one sentence, say where the two sides differ about: {task}",
            system=FAIR,
            max_tokens=answer_tokens(run.model, 50),
        )
        answered = await _at_once(
            speakers, lambda side: f"{differ.text}\n\nIn one sentence, answer that as one who is {side} this: {task}"
        )
    weighed = await run.say(
        f"{argued}\n\n{answered}\n\nIn two sentences, weigh both sides of: {task}",
        system=FAIR,
        max_tokens=answer_tokens(run.model, 90),
    )
    return weighed.text


async def _at_once(speakers: Sequence[Speaker], prompt: Callable[[str], str]) -> str:
    """Let all of them speak at the same time; returns what they said."""
    async with asyncio.TaskGroup() as tasks:
        saying = [tasks.create_task(_say(speaker, prompt(speaker.side))) for speaker in speakers]
    return "\n\n".join(f"{speaker.name}: {said.result()}" for speaker, said in zip(speakers, saying, strict=True))


async def _say(speaker: Speaker, prompt: str) -> str:
    said = await speaker.run.say(
        prompt, system="You argue one side, plainly.", max_tokens=answer_tokens(speaker.run.model, 120)
    )
    speaker.run.result = said.text
    return said.text
