"""axe-core finds no violation, in any of the states that a person meets, light and dark, wide and narrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.live.stack import running_stack

AXE = Path(__file__).resolve().parents[2] / "services/gateway/web/node_modules/axe-core/axe.min.js"
RUN = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await axe.run(document, { runOnly: tags });
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
    """A stack in which a team has answered in the conversation `told`, and the tour asks a question in `asking`."""
    async with running_stack(tmp_path_factory.mktemp("told"), ANABRANCH_SCRIPTED_TOKENS_PER_S="2000") as stack:
        async with httpx2.AsyncClient(base_url=stack.gateways[0].url) as api:
            for conversation, agent in (("told", "team"), ("asking", "tour")):
                assert (await api.post("/v1/conversations", json={"id": conversation})).status_code == 201
                body = {"text": "Why do rivers meander?", "agent": agent}
                assert (await api.post(f"/v1/conversations/{conversation}/messages", json=body)).status_code == 202
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
