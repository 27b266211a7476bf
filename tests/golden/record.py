"""Write the golden logs anew: only when the event model has got something that they do not show yet."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import msgspec

from schemas import subjects
from schemas.codec import decode_frame, encode_frame
from schemas.events import Frame
from schemas.fold import fold_all
from services.agent_worker.agents.team import team
from services.agent_worker.library import run_once
from services.agent_worker.models.scripted import Scripted
from services.broker.memory import MemoryBroker
from tests.schemas import logs

FOLDER = Path(__file__).parent


def record(name: str, frames: list[Frame]) -> None:
    conversation = "golden"
    (FOLDER / f"{name}.log.jsonl").write_bytes(b"".join(encode_frame(frame) + b"\n" for frame in frames))
    transcript = msgspec.json.format(msgspec.json.encode(fold_all(conversation, frames)), indent=1)
    (FOLDER / f"{name}.transcript.json").write_bytes(transcript + b"\n")


async def team_log() -> list[Frame]:
    """A run of the team on the rehearsed model, as a worker writes it."""
    broker = MemoryBroker()
    transcript = await run_once(broker, team, "How fast does the river flow?", model=Scripted(0))
    subject = subjects.conversation_events(0, "default", transcript.conversation)
    frames: list[Frame] = []
    while batch := (await broker.read(0, subject, frames[-1].seq if frames else 0)).records:
        frames += [decode_frame(one.data, one.seq) for one in batch]
    await broker.close()
    return frames


if __name__ == "__main__":
    record("team", asyncio.run(team_log()))
    record("every_event", logs.conversation(random.Random(1), runs=3, size=4, takeovers=False))
    record("taken_over", logs.conversation(random.Random(5), runs=2, size=3))
