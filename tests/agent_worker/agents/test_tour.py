import hashlib
import zlib

import pytest

from schemas import events as ev
from schemas.transcript import Agent as AgentItem
from schemas.transcript import Artifact, Interrupt, Plan, ToolCall
from services.agent_worker import agents
from services.agent_worker.agents import Agent, tour_samples
from services.agent_worker.discovery import discover
from services.agent_worker.models.scripted import Scripted


async def answer(stage, run, kind, decision, value=None):
    """Wait until the run asks for this, and answer."""
    fold = await stage.until(
        lambda fold: any(
            isinstance(item, Interrupt) and item.kind == kind and not item.decision for item in fold.items()
        )
    )
    asked = next(item for item in fold.items() if isinstance(item, Interrupt) and not item.decision)
    await stage.input(run, ev.InterruptResolved(id=asked.id, decision=decision, value=value))


async def play(stage, *, decision, seats=2):
    stage.agents |= discover(agents, Agent)
    async with stage.worker(model=Scripted(5000)):
        command = await stage.post("tour", "Show me round")
        await answer(stage, command.run, "choice", "answered", "Mekong")
        await answer(stage, command.run, "approval", decision, {"river": "Mekong", "seats": seats})
        fold = await stage.ended(command.run)
    assert fold.runs[command.run].status == "completed"
    return list(fold.items(command.run))


@pytest.fixture
async def approved(stage):
    return await play(stage, decision="approved", seats=5)


async def test_an_approval_with_edited_arguments_calls_the_tool_with_them(approved):
    (booking,) = [item for item in approved if isinstance(item, ToolCall) and item.name == "book_boat"]
    assert booking.result == {"boat": "Heron of the Mekong", "seats": 5}


async def test_a_mistyped_edit_is_asked_again_and_the_plan_is_done_in_the_end(stage):
    stage.agents |= discover(agents, Agent)
    async with stage.worker(model=Scripted(5000)):
        command = await stage.post("tour", "Show me round")
        await answer(stage, command.run, "choice", "answered", "Mekong")
        await answer(stage, command.run, "approval", "approved", {"river": "Mekong", "seats": "many"})
        await answer(stage, command.run, "approval", "approved", {"river": "Mekong", "seats": 3})
        fold = await stage.ended(command.run)
    items = list(fold.items(command.run))
    assert fold.runs[command.run].status == "completed"
    assert [item.status for item in items if isinstance(item, ToolCall)] == ["failed", "done"]
    (plan,) = [item for item in items if isinstance(item, Plan)]
    assert {step.status for step in plan.items} == {"done"}


async def test_agents_stand_three_deep(approved):
    assert [item.ns for item in approved if isinstance(item, AgentItem)] == [
        "main/guide:1",
        "main/guide:1/lookout:1",
        "main/guide:1/lookout:1/scribe:1",
    ]


async def test_the_code_has_a_second_version_and_every_artifact_is_final(approved):
    made = {item.name: item for item in approved if isinstance(item, Artifact)}
    assert made.keys() == {"meander.py", "gauge.json", "postcard.html", "sunset.png"}
    assert [version.version for version in made["meander.py"].versions] == [1, 2]
    assert "width = 60" in made["meander.py"].versions[1].content
    assert all(version.status == "final" for item in made.values() for version in item.versions)
    assert made["sunset.png"].versions[0].digest == hashlib.sha256(tour_samples.sunset()).hexdigest()


async def test_a_denied_booking_is_not_made(stage):
    items = await play(stage, decision="denied")
    assert not [item for item in items if isinstance(item, ToolCall)]


def test_the_picture_is_a_png_of_its_size():
    data = tour_samples.sunset(width=30, height=20)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    start = data.index(b"IDAT") + 4
    length = int.from_bytes(data[start - 8 : start - 4], "big")
    assert len(zlib.decompress(data[start : start + length])) == 20 * (30 * 3 + 1)


async def test_the_pieces_of_a_sample_make_the_sample():
    assert "".join([piece async for piece in tour_samples.words(tour_samples.MARKDOWN)]) == tour_samples.MARKDOWN
