from schemas import events as ev
from schemas.transcript import Agent as AgentItem
from schemas.transcript import Message
from services.agent_worker.agents.debate import debate
from services.agent_worker.models.scripted import Scripted


async def test_both_sides_speak_at_once_each_in_a_namespace_of_its_own_and_are_weighed_after_both(stage):
    stage.agents["debate"] = debate
    async with stage.worker(model=Scripted(2000)):
        command = await stage.post("debate", "Tea is better than coffee")
        fold = await stage.ended(command.run)
    sides = [item for item in fold.items(command.run) if isinstance(item, AgentItem)]
    said = [item for item in fold.items(command.run) if isinstance(item, Message) and item.role == "assistant"]
    places = [(event.ns or frame.ns, type(event)) for frame in await stage.frames() for event in frame.events]

    assert [item.ns for item in sides] == ["main/advocate:1", "main/sceptic:1"]
    first_end = min(places.index((item.ns, ev.AgentFinished)) for item in sides)
    assert all(places.index((item.ns, ev.AgentStarted)) < first_end for item in sides)
    assert {item.ns for item in said[:2]} == {"main/advocate:1", "main/sceptic:1"}
    assert {item.ns: item.result for item in sides} == {item.ns: item.content for item in said[:2]}
    assert [item.ns for item in said[2:]] == ["main"]
    assert said[2].started >= max(item.ended for item in sides)
