"""Four scenes on the page: whoever watched, reloaded, was cut off or came late sees the same in the end. And what becomes of
agents that come back, of deep ones and of versions while somebody looks, in runs that the tests write themselves.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator

from playwright.async_api import Locator, expect

from services.agent_worker.open_run import open_run
from services.agent_worker.run import Run
from services.broker.jetstream import connect
from tests.web.balancer import balancing
from tests.web.browser import Visitor
from tests.web.scenes import World, at_the_end, in_the_midst, scenes


@scenes
async def test_who_reloads_in_the_midst_is_cut_off_or_comes_late_sees_at_the_end_what_one_sees_who_watched(
    chromium, world, scene
):
    url = world.balancer.url
    async with (
        balancing([gateway.port for gateway in world.stack.gateways]) as own,  # so that only this visitor is cut
        chromium.visitor(url) as steady,
        chromium.visitor(url) as reloading,
        chromium.visitor(own.url) as torn,
    ):
        conversation = await in_the_midst(world, steady, scene, reloading, torn)
        own.cut()
        await reloading.page.reload()
        await torn.has_badge("reconnecting")
        own.mend()
        await torn.has_badge("live", "ended")
        seen = await at_the_end(world, steady, conversation, scene)
        assert await at_the_end(world, reloading, conversation, scene) == seen
        assert await at_the_end(world, torn, conversation, scene) == seen
        async with chromium.visitor(url) as late:
            await late.open(conversation)
            assert await at_the_end(world, late, conversation, scene) == seen


PARAGRAPH = "What leaves the main course comes back to it further down, and nothing is lost on the way. " * 4
FOCUSED = """() => {
  // The panel in whose head the focus is, and how far under the upper edge of the conversation it begins, in px.
  const panel = document.activeElement.closest('[data-key]');
  const list = document.querySelector('[data-testid="conversation"]').getBoundingClientRect();
  return panel && [panel.dataset.key.replace(/^[^/]+\\//, ''), panel.getBoundingClientRect().top - list.top, list.height];
}"""
EDGE_PX = 40
"""So near the upper edge that it is what one reads first."""


@contextlib.asynccontextmanager
async def written(world: World, visitor: Visitor) -> AsyncIterator[Run]:
    """A run that the test writes while the visitor watches."""
    conversation = await world.begin()
    await visitor.open(conversation)
    await visitor.has_badge("live", "ended")
    broker = await connect(world.stack.nats.url, "author")
    async with open_run(broker, agent="author", message="Write.", conversation=conversation) as run:
        yield run
    await broker.close()


async def words(text: str) -> AsyncIterator[str]:
    yield text


def panel_of(visitor: Visitor, key: str) -> Locator:
    return visitor.page.locator(f'section[data-key$="/{key}"]')


async def follow_link(visitor: Visitor, part: str, arrow: str, other: str, *, at_edge: bool = True) -> None:
    """Press the link in one part of an agent's work: the focus is on the head of the other part, and that is in sight."""
    await panel_of(visitor, part).get_by_role("button", name=f"continues {arrow}").last.click()

    async def there() -> bool:
        key, below, height = await visitor.page.evaluate(FOCUSED) or ("", 0.0, 0.0)
        return key == other and -1 <= below <= (EDGE_PX if at_edge else height - EDGE_PX)

    await visitor.eventually(there, f"{other} is in sight and in focus")


async def test_the_parts_of_an_agents_work_lead_to_each_other_however_far_apart_they_are(chromium, world):
    keeper, mate = "main/keeper:1", "main/crew:1/mate:1"
    async with chromium.visitor(world.balancer.url) as visitor:
        async with (
            written(world, visitor) as run,
            run.agent("keeper") as diary,
            run.agent("crew") as crew,
            crew.agent("mate") as second,
        ):
            await diary.say(words("We set out."))
            await second.say(words("Aye."))
            for _ in range(30):
                await crew.say(words(PARAGRAPH))  # which leave the page far from the screen, within their panel
            await second.say(words("Aye, again."))
            for _ in range(30):
                await run.say(words(PARAGRAPH))  # which are rows of the list
            await diary.say(words("We arrived."))
        await visitor.has_badge("ended")
        await follow_link(visitor, f"{keeper}#2", "↑", keeper)
        await follow_link(visitor, mate, "↓", f"{mate}#2")
        await follow_link(visitor, f"{mate}#2", "↑", mate)
        await follow_link(visitor, keeper, "↓", f"{keeper}#2", at_edge=False)


async def test_a_deep_panel_folds_when_its_agent_has_ended_and_not_while_it_is_in_sight(chromium, world):
    async with chromium.visitor(world.balancer.url) as visitor:
        panel = panel_of(visitor, "main/guide:1/lookout:1/scribe:1")
        head = panel.locator("button[aria-expanded]").first
        async with written(world, visitor) as run, run.agent("guide") as guide, guide.agent("lookout") as lookout:
            async with lookout.agent("scribe") as scribe:
                await scribe.say(words("A quiet watch."))
                await expect(panel).to_contain_text("A quiet watch.")
            await expect(panel).to_contain_text("done")
            await expect(panel).to_contain_text("A quiet watch.")
            for _ in range(30):
                await run.say(words(PARAGRAPH))
        await visitor.has_badge("ended")
        await expect(panel).not_to_be_in_viewport()
        await visitor.page.get_by_test_id("conversation").press("Home")
        await expect(panel).to_be_in_viewport()
        await expect(head).to_have_attribute("aria-expanded", "false")
        await expect(head).to_contain_text(re.compile("in author . guide . lookout"))
        await head.click()
        await expect(panel).to_contain_text("A quiet watch.")


async def test_an_older_version_that_was_chosen_stays_and_is_downloaded_while_a_newer_one_comes(chromium, world):
    async with chromium.visitor(world.balancer.url) as visitor, written(world, visitor) as run:
        pane = visitor.page.get_by_test_id("artifact")
        version = pane.get_by_label("Version", exact=True)
        artifact = await wrote(run, "level = 1")
        await wrote(run, "level = 2", of=artifact)
        await visitor.page.locator('[data-type="artifact"]').get_by_role("button").first.click()
        await expect(pane).to_contain_text("level = 2")
        await version.select_option("1")
        await expect(pane).to_contain_text("level = 1")
        await wrote(run, "level = 3", of=artifact)
        await expect(version.get_by_role("option")).to_have_text(["Version 1", "Version 2", "Version 3 (latest)"])
        await expect(pane).to_contain_text("level = 1")
        async with visitor.page.expect_download() as download:
            await pane.get_by_role("link", name="Download").click()
        assert (await (await download.value).path()).read_text() == "level = 1"
        await version.select_option("3")
        await expect(pane).to_contain_text("level = 3")


async def wrote(run: Run, text: str, of: str = "") -> str:
    async with run.artifact("code", "level.py", "text/x-python", of=of) as artifact:
        await artifact.write(text)
    return artifact.id
