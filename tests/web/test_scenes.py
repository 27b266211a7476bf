"""Four scenes on the page, each undisturbed, reloaded and cut off in its midst: in the end everybody sees the same."""

from __future__ import annotations

from tests.web.balancer import balancing
from tests.web.scenes import as_uncut, at_the_end, in_the_midst, scenes


@scenes
async def test_a_scene_is_shown_as_it_happens_and_is_the_same_for_who_comes_late(chromium, world, scene):
    async with chromium.visitor(world.balancer.url) as visitor, chromium.visitor(world.balancer.url) as late:
        conversation = await in_the_midst(world, visitor, scene)
        await visitor.has_badge("live")
        seen = world.uncut[scene.name] = await at_the_end(world, visitor, conversation, scene)
        await late.open(conversation)
        assert await at_the_end(world, late, conversation, scene) == seen


@scenes
async def test_reloading_in_the_midst_of_a_run_loses_and_doubles_nothing(chromium, world, scene):
    uncut = await as_uncut(chromium, world, scene)
    async with chromium.visitor(world.balancer.url) as visitor:
        conversation = await in_the_midst(world, visitor, scene)
        await visitor.page.reload()
        assert await at_the_end(world, visitor, conversation, scene) == uncut


@scenes
async def test_a_cut_network_is_said_and_what_was_missed_is_made_up_for(chromium, world, scene):
    uncut = await as_uncut(chromium, world, scene)
    async with (
        balancing([gateway.port for gateway in world.stack.gateways]) as own,  # so that only this visitor is cut
        chromium.visitor(own.url) as visitor,
    ):
        conversation = await in_the_midst(world, visitor, scene)
        own.cut()
        await visitor.has_badge("reconnecting")
        own.mend()
        await visitor.has_badge("live", "ended")
        assert await at_the_end(world, visitor, conversation, scene) == uncut
