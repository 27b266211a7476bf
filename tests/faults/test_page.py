"""Four scenes on the page while a gateway or the worker is killed in their midst: the page ends as without that."""

from __future__ import annotations

from tests.web.balancer import balancing
from tests.web.scenes import Shown, as_uncut, at_the_end, in_the_midst, scenes


def work(seen: list[Shown]) -> list[Shown]:
    """All but what the runs took, which is more with two attempts."""
    return sorted(one for one in seen if one.type != "summary")


def words(seen: list[Shown]) -> dict[str, list[str]]:
    """What was said, by namespace."""
    said: dict[str, list[str]] = {}
    for one in seen:
        if one.type in {"message", "reasoning"}:
            said.setdefault(one.ns, []).append(one.text)
    return said


@scenes
async def test_a_killed_gateway_is_left_for_another_and_nothing_is_lost(chromium, world, scene):
    uncut = await as_uncut(chromium, world, scene)
    first = world.stack.gateways[0]
    async with (
        balancing([gateway.port for gateway in world.stack.gateways], spread=False) as own,  # to the first, if it is up
        chromium.visitor(own.url) as visitor,
    ):
        conversation = await in_the_midst(world, visitor, scene)
        before = own.accepted
        first.kill()
        try:
            assert await at_the_end(world, visitor, conversation, scene) == uncut
            assert own.accepted > before, "it was cut off and came back"
        finally:
            first.start()
            await first.ready()


@scenes
async def test_a_killed_worker_is_replaced_and_the_page_ends_as_without_it(chromium, world, scene):
    uncut = await as_uncut(chromium, world, scene)
    async with chromium.visitor(world.balancer.url) as visitor, chromium.visitor(world.balancer.url) as late:
        conversation = await in_the_midst(world, visitor, scene)
        world.stack.workers[-1].kill()
        world.stack.add_worker()
        seen = await at_the_end(world, visitor, conversation, scene)
        assert max(run.get("attempt", 1) for run in await world.runs(conversation)) == 2, "it was taken over"
        assert work(seen) == work(uncut), "all of it is there once and in its place"
        assert words(seen) == words(uncut), (
            "and each agent said it in its order; among agents, what was torn comes later"
        )
        await late.open(conversation)
        assert await at_the_end(world, late, conversation, scene) == seen
