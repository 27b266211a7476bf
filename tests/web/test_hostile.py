"""Nothing that a user or a model writes is run by the page, leaves it, or makes it ask another origin."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

import pytest
from playwright.async_api import Error, expect

from services.agent_worker.open_run import open_run
from services.broker.jetstream import connect
from tests.live.stack import running_stack
from tests.web import hostile
from tests.web.browser import Chromium

PROBED = "() => [window.probed, {}.probed]"
RISKY = "() => [...document.querySelectorAll('a[href], img[src], iframe, form, object, embed, script')].map((e) => e.outerHTML)"
LINKS = "(links) => links.map((link) => [link.href, link.rel, link.target])"
CONVERSATION = "hostile"


class Elsewhere:
    """Another origin: counts who comes, and answers nobody."""

    def __init__(self) -> None:
        self.asked = 0
        self.port = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture(scope="module")
async def elsewhere():
    listener = Elsewhere()
    server = await asyncio.start_server(listener, "127.0.0.1", 0)
    listener.port = server.sockets[0].getsockname()[1]
    yield listener
    server.close()


@pytest.fixture(scope="module")
async def chromium(elsewhere):
    async with Chromium(f"--host-resolver-rules=MAP evil.example 127.0.0.1:{elsewhere.port}") as browser:
        yield browser


@pytest.fixture(scope="module")
async def url(tmp_path_factory):
    """The address of a gateway with a conversation whose every field is hostile."""
    async with running_stack(tmp_path_factory.mktemp("hostile"), workers=0) as stack:
        broker = await connect(stack.nats.url, "hostile")
        try:
            async with open_run(broker, agent="guest", message=hostile.ALL, conversation=CONVERSATION) as run:
                await hostile.attack(run)
        finally:
            await broker.close()
        yield stack.gateways[0].url


@pytest.fixture
async def visitor(chromium, url, elsewhere):
    """Somebody who has opened that conversation. In the end nothing may have run or left."""
    before = elsewhere.asked
    async with chromium.visitor(url, viewport={"width": 1400, "height": 900}) as visitor:
        await visitor.open(CONVERSATION)
        await visitor.has_badge("ended")
        yield visitor
        if visitor.page.url.startswith(f"{url}/#"):
            assert await visitor.page.evaluate(PROBED) == [None, None]
    assert elsewhere.asked == before


async def test_a_request_that_does_leave_is_counted(chromium, elsewhere):
    before = elsewhere.asked
    context = await chromium.browser.new_context()
    page = await context.new_page()
    with contextlib.suppress(Error):  # 204: there is nothing to show
        await page.goto(f"{hostile.ELSEWHERE}/control")
    await context.close()
    assert elsewhere.asked > before


async def test_hostile_text_in_every_field_of_a_conversation_does_nothing(visitor):
    content = await visitor.content()
    assert {"message", "reasoning", "tool", "agent", "artifact", "plan", "source"} <= {item["type"] for item in content}
    assert "<script>window.probed = 1</script>" in " ".join(item["text"] for item in content), "shown as text"
    for html in await visitor.page.evaluate(RISKY):
        assert "javascript:" not in html.lower()
        assert "srcdoc" not in html
        assert "data:text" not in html


async def test_links_of_a_hostile_conversation_lead_to_the_web_alone_and_in_a_tab_of_their_own(visitor, url):
    hrefs = await visitor.page.eval_on_selector_all("[data-testid=conversation] a[href]", LINKS)
    foreign = [(href, rel, target) for href, rel, target in hrefs if not href.startswith(f"{url}/")]
    assert foreign
    for href, rel, target in foreign:
        assert href.startswith(("http://", "https://", "mailto:")), href
        assert {"noopener", "noreferrer"} <= set(rel.split()), href
        assert target == "_blank", href


async def opened(visitor: Any, name: str) -> Any:
    """Open the artifact from the list of all; returns the pane."""
    page = visitor.page
    pane = page.get_by_test_id("artifact-pane")
    if not await pane.count():
        await page.get_by_role("button", name="Artifacts", exact=True).click()
    await pane.get_by_role("tab", name=re.compile(r"^All \(")).click()
    await pane.get_by_role("listitem").filter(has_text=name).get_by_role("button").click()
    await expect(pane.get_by_test_id("artifact")).to_contain_text(name)
    return pane


@pytest.mark.parametrize("name", [name for _, name, *_ in hostile.ARTIFACTS], ids=lambda name: name.encode().hex()[:12])
async def test_a_hostile_artifact_does_nothing_when_it_is_opened(visitor, url, name):
    await opened(visitor, name)
    await visitor.page.wait_for_load_state("networkidle")
    for frame in visitor.page.frames:
        assert frame.url == "" or frame.url.startswith((url, "about:")), "no frame leaves"  # "": not loaded yet


async def test_the_web_page_of_an_artifact_is_shown_and_neither_its_links_nor_its_form_lead_away(visitor):
    pane = await opened(visitor, "page")
    frame = pane.frame_locator("iframe")
    await frame.get_by_text("the frame is shown").wait_for()
    assert await pane.locator("iframe").get_attribute("sandbox") == "", "it may do nothing at all"
    await frame.get_by_role("button", name="send").click()
    await frame.get_by_role("link", name="leave").click()
    await frame.get_by_role("link", name="home").click()
    await expect(visitor.page.get_by_test_id("composer")).to_be_visible()
    assert await frame.get_by_test_id("composer").count() == 0, "the page does not come into its own frame"


async def test_the_web_page_of_an_artifact_runs_nothing_when_it_is_opened_by_itself(visitor, url):
    pane = await opened(visitor, "page")
    await visitor.page.goto(f"{url}{await pane.locator('iframe').get_attribute('src')}")
    await visitor.page.get_by_text("the frame is shown").wait_for()
    assert await visitor.page.evaluate("() => window.probed") is None


async def test_a_chart_without_an_end_is_given_up_and_the_page_goes_on(visitor):
    pane = await opened(visitor, "endless.vl.json")
    await visitor.page.get_by_role("textbox", name="Message").fill("still here")
    await expect(pane.get_by_role("alert")).to_contain_text("cannot draw", timeout=15_000)
    await expect(visitor.page.get_by_role("textbox", name="Message")).to_have_value("still here")


async def test_a_chart_keeps_its_controls_in_its_box_and_its_tooltip_shows_text_alone(visitor):
    pane = await opened(visitor, "reaching.vl.json")
    chart = pane.get_by_test_id("chart")
    await expect(chart.locator('input[type="range"]')).to_have_count(1)
    assert await visitor.page.locator('input[type="range"][name="size"]').count() == 1
    await chart.locator("path[aria-roledescription], .mark-symbol path").first.hover()
    tooltip = visitor.page.locator("#chart-tooltip")
    await expect(tooltip).to_contain_text(f"{hostile.ELSEWHERE}/tooltip.png")
    assert await tooltip.locator("img").count() == 0


async def test_json_that_is_nested_without_measure_is_shown_as_the_text_that_it_is(visitor):
    pane = await opened(visitor, "deep.json")
    await expect(pane.get_by_role("alert")).to_contain_text("not JSON")


async def test_a_name_that_turns_the_direction_of_writing_is_saved_without_it(visitor):
    pane = await opened(visitor, "gpj.exe")
    async with visitor.page.expect_download() as download:
        await pane.get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename == "_gpj.exe"
