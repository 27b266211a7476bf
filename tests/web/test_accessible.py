"""axe-core finds no violation, in any of the states that a person meets, light and dark, wide and narrow."""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import expect

from tests.live.stack import running_stack
from tests.web.balancer import Balancer, balancing
from tests.web.browser import Visitor
from tests.web.standstill import standing_still

AXE = Path(__file__).resolve().parents[2] / "services/gateway/web/node_modules/axe-core/axe.min.js"
RUN = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  const where = (node) => `${node.html.slice(0, 200)} ${node.failureSummary}`;
  return violations.map((found) => ({ rule: found.id, help: found.help, where: found.nodes.slice(0, 3).map(where) }));
}"""
WAYS = {
    "wide and light": {"color_scheme": "light"},
    "wide and dark": {"color_scheme": "dark"},
    "narrow and light": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
    "narrow and dark": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}


@pytest.fixture(scope="module")
async def told(tmp_path_factory):
    """The address of a gateway with the conversations `told`, in which a team has answered; `asking`, in which the tour asks a
    question; and `midst` and `wanting`, which stand still.
    """
    async with running_stack(tmp_path_factory.mktemp("told"), ANABRANCH_SCRIPTED_TOKENS_PER_S="2000") as stack:
        async with httpx2.AsyncClient(base_url=stack.gateways[0].url) as api:
            for conversation, agent in (("told", "team"), ("asking", "tour")):
                assert (await api.post("/v1/conversations", json={"id": conversation})).status_code == 201
                body = {"text": "Why do rivers meander?", "agent": agent}
                assert (await api.post(f"/v1/conversations/{conversation}/messages", json=body)).status_code == 202
        async with standing_still(stack.nats.url, midst="midst", asking="wanting"):
            yield stack.gateways[0].url


async def violations(visitor: Any) -> list[Any]:
    await visitor.page.evaluate(AXE.read_text())
    found: list[Any] = await visitor.page.evaluate(RUN)
    return found


@pytest.mark.parametrize("way", WAYS)
async def test_the_empty_page_has_no_violation(chromium, told, way):
    async with chromium.visitor(told, **WAYS[way]) as visitor:
        await visitor.open()
        assert await violations(visitor) == []


@pytest.mark.parametrize("way", WAYS)
async def test_a_finished_conversation_and_its_artifacts_have_no_violation(chromium, told, way):
    async with chromium.visitor(told, **WAYS[way]) as visitor:
        await visitor.open("told")
        await visitor.has_badge("ended")
        assert await violations(visitor) == []
        for name in ("figures.csv", "figures.vl.json", "report.md"):
            await (
                visitor.page.locator('[data-testid="conversation"] [data-type="artifact"]', has_text=name)
                .get_by_role("button")
                .first.click()
            )
            await visitor.page.get_by_test_id("artifact-pane").wait_for()
            assert await violations(visitor) == []
            await visitor.page.keyboard.press("Escape")


@pytest.mark.parametrize("way", WAYS)
async def test_a_question_to_a_person_has_no_violation(chromium, told, way):
    async with chromium.visitor(told, **WAYS[way]) as visitor:
        await visitor.open("asking")
        await visitor.page.locator('[data-type="interrupt"][data-status="open"]').wait_for()
        assert await violations(visitor) == []


@pytest.mark.parametrize("way", ["wide and light", "wide and dark"])
async def test_what_a_person_opens_over_and_beside_a_conversation_has_no_violation(chromium, told, way):
    async with chromium.visitor(told, **WAYS[way]) as visitor:
        page = visitor.page
        await visitor.open("told")
        await visitor.has_badge("ended")
        await page.get_by_role("button", name="Open the timeline").click()
        await page.get_by_role("slider", name="Moment").wait_for()
        await page.get_by_role("button", name="Developer view", exact=True).first.click()
        await page.get_by_test_id("developer").get_by_role("listitem").first.wait_for()
        assert await violations(visitor) == []
        await page.get_by_role("button", name="More", exact=True).click()
        await page.get_by_role("button", name="Delete …").click()
        await page.get_by_role("dialog").wait_for()
        assert await violations(visitor) == []
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="New conversation").focus()
        await page.keyboard.press("?")
        await page.get_by_role("dialog", name="Keyboard").wait_for()
        assert await violations(visitor) == []


async def test_the_drawer_of_a_phone_has_no_violation(chromium, told):
    async with chromium.visitor(told, **WAYS["narrow and light"]) as visitor:
        await visitor.open("told")
        await visitor.page.get_by_role("button", name="Conversations", exact=True).click()
        await visitor.page.get_by_test_id("sidebar").get_by_role("listitem").first.wait_for()
        assert await violations(visitor) == []


# --- what a person meets on the way


async def in_the_midst(visitor: Visitor, link: Balancer) -> None:
    await visitor.open("midst")
    await visitor.page.get_by_role("progressbar").wait_for()
    await visitor.page.get_by_test_id("silence").wait_for()


async def a_word_is_wanted(visitor: Visitor, link: Balancer) -> None:
    await visitor.open("wanting")
    await visitor.page.get_by_text("What is it called?").wait_for()


async def an_artifact(visitor: Visitor, name: str, shows: str) -> None:
    await visitor.open("midst")
    card = visitor.page.locator('[data-testid="conversation"] [data-type="artifact"]', has_text=name)
    await card.get_by_role("button").first.click()
    await visitor.page.get_by_test_id("artifact-pane").locator(shows).first.wait_for(timeout=10_000)


async def code(visitor: Visitor, link: Balancer) -> None:
    await an_artifact(visitor, "meander.py", "pre, code")


async def json_data(visitor: Visitor, link: Balancer) -> None:
    await an_artifact(visitor, "gauge.json", "summary")


async def a_web_page(visitor: Visitor, link: Balancer) -> None:
    await an_artifact(visitor, "postcard.html", "iframe")


async def a_picture(visitor: Visitor, link: Balancer) -> None:
    await an_artifact(visitor, "sunset.png", "img")


async def a_table_that_grows(visitor: Visitor, link: Balancer) -> None:
    await an_artifact(visitor, "depths.csv", '[role="grid"], table')


async def the_past_as_it_is_played(visitor: Visitor, link: Balancer) -> None:
    await visitor.open("told")
    await visitor.has_badge("ended")
    await visitor.page.get_by_role("button", name="Open the timeline").click()
    handle = visitor.page.get_by_role("slider", name="Moment")
    await expect(handle).not_to_have_attribute("aria-valuenow", "0")
    await handle.press("Home")
    await visitor.page.get_by_role("button", name="Play", exact=True).click()
    await expect(visitor.page.get_by_test_id("past-banner")).to_contain_text("You are looking at the past")


async def a_message_that_was_not_sent(visitor: Visitor, link: Balancer) -> None:
    await visitor.open("wanting")
    field = visitor.page.get_by_role("textbox", name="Message")
    await field.fill("🌊" * 70_000)
    await field.press("Enter")
    await expect(visitor.page.get_by_test_id("outbox").get_by_role("alert")).to_contain_text("Not sent.")


async def a_cut_connection(visitor: Visitor, link: Balancer) -> None:
    await visitor.open("midst")
    await visitor.has_badge("live")
    link.cut()
    await expect(visitor.page.get_by_test_id("badge")).to_contain_text(re.compile(r"Reconnecting in \d+ s"))


async def a_reader_who_has_let_go_of_the_end(visitor: Visitor, link: Balancer) -> None:
    await visitor.open("told")
    await visitor.has_badge("ended")
    await visitor.page.get_by_test_id("conversation").hover()

    async def let_go() -> bool:
        await visitor.page.mouse.wheel(0, -400)
        return await visitor.page.get_by_role("button", name="To the end").is_visible()

    await visitor.eventually(let_go, "the end is left, and a button leads back")


async def a_conversation_that_is_not_there(visitor: Visitor, link: Balancer) -> None:
    await visitor.page.goto(f"{visitor.url}/#c=nowhere")
    await visitor.page.get_by_role("heading", name="This conversation is not here").wait_for()


async def a_notice(visitor: Visitor, link: Balancer) -> None:
    await visitor.open("told")
    await visitor.page.get_by_role("button", name="More", exact=True).click()
    await visitor.page.get_by_role("button", name="Copy the link").click()
    await visitor.page.get_by_role("button", name="Dismiss").wait_for()


async def an_event_in_the_developer_view(visitor: Visitor, link: Balancer) -> None:
    await visitor.open("midst")
    await visitor.page.get_by_role("button", name="More", exact=True).click()
    await visitor.page.get_by_role("button", name="Developer view", exact=True).last.click()
    panel = visitor.page.get_by_test_id("developer")
    await panel.get_by_role("button", name="Load what was before").click()
    await panel.get_by_role("listitem").first.get_by_role("button").click()
    await panel.get_by_role("region", name="Event", exact=True).wait_for()


STATES: list[Callable[[Visitor, Balancer], Awaitable[None]]] = [
    in_the_midst,
    a_word_is_wanted,
    code,
    json_data,
    a_web_page,
    a_picture,
    a_table_that_grows,
    the_past_as_it_is_played,
    a_message_that_was_not_sent,
    a_cut_connection,
    a_reader_who_has_let_go_of_the_end,
    a_conversation_that_is_not_there,
    a_notice,
    an_event_in_the_developer_view,
]


@pytest.fixture(scope="module")
async def link(told):
    """The way to the gateway of somebody who may be cut off."""
    async with balancing([int(told.rpartition(":")[2])]) as balancer:
        yield balancer


@pytest.mark.parametrize(
    ("state", "way"),
    list(zip(STATES, itertools.cycle(["wide and light", "narrow and dark"]), strict=False)),
    ids=lambda one: getattr(one, "__name__", one),
)
async def test_what_a_person_meets_on_the_way_has_no_violation(chromium, link, state, way):
    async with chromium.visitor(link.url, **WAYS[way]) as visitor:
        try:
            await state(visitor, link)
            assert await violations(visitor) == []
        finally:
            link.mend()
