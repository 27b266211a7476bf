import itertools

from schemas import events as ev
from schemas.transcript import Agent as AgentItem
from schemas.transcript import Message
from services.agent_worker.agents.debate import debate
from services.agent_worker.models.scripted import Scripted
from tests.agent_worker.tape import plain, take_up

SIDES = {"main/advocate:1", "main/sceptic:1"}


async def test_both_sides_speak_at_once_twice_with_a_third_voice_between_and_are_weighed_after_that(stage):
    stage.agents["debate"] = debate
    async with stage.worker(model=Scripted(2000)):
        command = await stage.post("debate", "Tea is better than coffee")
        fold = await stage.ended(command.run)
    sides = [item for item in fold.items(command.run) if isinstance(item, AgentItem)]
    said = [item for item in fold.items(command.run) if isinstance(item, Message) and item.role == "assistant"]
    places = [(event.ns or frame.ns, type(event)) for frame in await stage.frames() for event in frame.events]

    assert [item.ns for item in sides] == ["main/advocate:1", "main/sceptic:1"]
    rounds = [said[:2], said[2:3], said[3:5], said[5:]]
    assert [{item.ns for item in part} for part in rounds] == [SIDES, {"main"}, SIDES, {"main"}]
    for earlier, later in itertools.pairwise(rounds):
        assert max(item.ended for item in earlier) <= min(item.started for item in later)
    first_end = min(places.index((item.ns, ev.MessageEnded)) for item in sides)
    assert all(places.index((item.ns, ev.MessageStarted)) < first_end for item in sides)
    assert {item.ns: item.result for item in sides} == {item.ns: item.content for item in rounds[2]}


async def test_a_debate_taken_over_at_any_event_ends_as_if_nothing_had_happened():
    run, whole = take_up(model=Scripted(0))
    await debate(run, "Tea or coffee?")
    expected = plain(whole.fold())
    for cut, frame in enumerate(whole.frames):
        if cut % 5 and isinstance(frame.events[0], ev.TEXT_DELTAS):
            continue  # one of many that look alike
        run, tape = take_up(whole.frames[:cut], attempt=2, model=Scripted(0))
        await debate(run, "Tea or coffee?")
        assert plain(tape.fold()) == expected, f"cut at {cut}"
