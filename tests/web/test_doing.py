"""What a person does on the page: write, stop, come back, find, rename, delete; with the keyboard as with the mouse."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from playwright.async_api import expect

from services.runtime import new_id
from tests.live.stack import running_stack

SLOW = {"ANABRANCH_SCRIPTED_TOKENS_PER_S": "8"}
"""So that a run is still going on when a person acts."""


@pytest.fixture(scope="module")
async def stack(tmp_path_factory):
    async with running_stack(tmp_path_factory.mktemp("doing"), **SLOW) as running:
        yield running


@pytest.fixture
async def visitor(chromium, stack):
    async with chromium.visitor(stack.gateways[0].url) as visitor:
        yield visitor


async def told(api: httpx2.AsyncClient, text: str, agent: str = "assistant") -> str:
    """A conversation with one message; returns its id."""
    conversation = new_id("c_")
    assert (await api.post("/v1/conversations", json={"id": conversation})).status_code == 201
    path = f"/v1/conversations/{conversation}/messages"
    assert (await api.post(path, json={"text": text, "agent": agent})).status_code == 202
    return conversation


async def transcript(api: httpx2.AsyncClient, conversation: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(f"/v1/conversations/{conversation}")).json()["transcript"]
    return found


def field(visitor: Any) -> Any:
    return visitor.page.get_by_role("textbox", name="Message")


def row(visitor: Any, title: str) -> Any:
    return visitor.page.get_by_test_id("sidebar").get_by_role("listitem").filter(has_text=title)


async def test_opening_the_page_makes_no_conversation(visitor, api):
    before = (await api.get("/v1/conversations")).json()["conversations"]
    await visitor.open()
    await expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
    assert (await api.get("/v1/conversations")).json()["conversations"] == before


async def test_an_example_fills_the_message_and_chooses_its_agent(visitor):
    await visitor.open()
    await visitor.page.get_by_role("button", name="floodplains").click()
    await expect(field(visitor)).to_have_value("Should towns give rivers their floodplains back?")
    await expect(visitor.page.get_by_role("button", name="to debate")).to_be_visible()


async def test_the_first_message_makes_the_conversation_which_the_address_and_the_list_then_name(visitor, api):
    await visitor.open()
    await visitor.page.get_by_role("radio", name="team").first.check()
    await field(visitor).fill("How old is the Danube?")
    await field(visitor).press("Enter")
    await expect(visitor.page.locator('[data-role="user"]')).to_contain_text("How old is the Danube?")
    conversation = (await visitor.page.evaluate("location.hash")).removeprefix("#c=")
    assert [run["agent"] for run in (await transcript(api, conversation))["runs"]] == ["team"]
    await expect(row(visitor, "How old is the Danube?")).to_contain_text("Working")
    await expect(visitor.page).to_have_title("Working · How old is the Danube? · Anabranch")
    await expect(field(visitor)).to_have_value("")
    await expect(visitor.page.get_by_test_id("outbox").get_by_role("listitem")).to_have_count(0)


async def test_shift_enter_makes_a_line_and_what_was_typed_survives_a_reload(visitor):
    await visitor.open()
    await field(visitor).press_sequentially("one")
    await field(visitor).press("Shift+Enter")
    await field(visitor).press_sequentially("two")
    await visitor.page.reload()
    await expect(field(visitor)).to_have_value("one\ntwo")


async def test_what_an_input_method_composes_is_not_sent(visitor):
    await visitor.open()
    await field(visitor).fill("かわ")
    composing = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true})"
    await field(visitor).evaluate(f"field => field.dispatchEvent({composing})")
    await expect(field(visitor)).to_have_value("かわ")
    assert await visitor.page.evaluate("location.hash") == ""


async def test_a_run_is_stopped_also_after_a_reload(visitor, api):
    conversation = await told(api, "Stop me by the button")
    await visitor.open(conversation)
    await visitor.page.get_by_test_id("stop").wait_for()
    await visitor.page.reload()
    await visitor.page.get_by_test_id("stop").click()
    await expect(visitor.page.get_by_test_id("stop")).to_have_count(0)
    assert [run["status"] for run in (await transcript(api, conversation))["runs"]] == ["cancelled"]


async def test_escape_closes_what_is_open_before_it_stops_the_run(visitor, api):
    conversation = await told(api, "Stop me by the key")
    await visitor.open(conversation)
    await visitor.page.get_by_test_id("stop").wait_for()
    await visitor.page.get_by_role("button", name="More", exact=True).click()
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.page.get_by_role("button", name="Copy as Markdown")).to_have_count(0)
    developer = visitor.page.get_by_test_id("developer")
    handle = visitor.page.get_by_role("slider", name="Moment")
    past = visitor.page.get_by_test_id("past-banner")
    await visitor.page.get_by_test_id("developer-toggle").click()
    await visitor.page.get_by_role("button", name="Open the timeline").click()
    await handle.press("Home")
    await expect(past).to_be_visible()
    await developer.get_by_label("Part of the type").press("Escape")  # the field's own
    await field(visitor).press("Escape")
    await expect(past).to_be_hidden()
    await handle.press("Escape")
    await expect(handle).to_have_count(0)
    await expect(visitor.page.get_by_role("button", name="Open the timeline")).to_be_focused()
    await expect(developer).to_be_visible()
    await visitor.page.keyboard.press("Escape")
    await expect(developer).to_have_count(0)
    await expect(visitor.page.get_by_test_id("stop")).to_have_text("Stop")
    await field(visitor).press("Escape")
    await visitor.has_badge("ended")
    assert [run["status"] for run in (await transcript(api, conversation))["runs"]] == ["cancelled"]


async def test_a_message_while_a_run_goes_on_waits_and_is_shown_as_waiting(visitor, api):
    conversation = await told(api, "First")
    await visitor.open(conversation)
    await visitor.page.get_by_test_id("stop").wait_for()
    await field(visitor).fill("Second")
    await field(visitor).press("Enter")
    await expect(visitor.page.get_by_test_id("composer")).to_contain_text("1 message waits")
    await expect(visitor.page.locator('[data-run][data-status="queued"]')).to_be_visible()
    runs = (await transcript(api, conversation))["runs"]
    assert [run.get("status", "queued") for run in runs] == ["running", "queued"]


async def test_a_message_that_waits_is_removed_and_the_run_before_it_goes_on(visitor, api):
    conversation = await told(api, "First")
    await visitor.open(conversation)
    await visitor.page.get_by_test_id("stop").wait_for()
    await field(visitor).fill("On second thoughts, no")
    await field(visitor).press("Enter")
    await visitor.page.get_by_role("button", name="Remove").press("Enter")
    removed = visitor.page.locator('[data-run][data-status="cancelled"]').first
    await expect(removed).to_have_text("Taken back: no agent reads it")
    await expect(removed).to_be_focused()
    await expect(visitor.page.get_by_test_id("composer")).not_to_contain_text("waits")
    assert [run["status"] for run in (await transcript(api, conversation))["runs"]] == ["running", "cancelled"]


async def test_a_message_can_interrupt_the_run(visitor, api):
    conversation = await told(api, "Too slow")
    await visitor.open(conversation)
    await visitor.page.get_by_role("checkbox", name="Interrupt").check()
    await field(visitor).fill("This instead")
    await field(visitor).press("Enter")
    await expect(visitor.page.locator('[data-run][data-status="superseded"]').first).to_be_visible()
    await expect(visitor.page.get_by_role("checkbox", name="Interrupt")).not_to_be_checked()


async def test_the_arrow_up_brings_the_last_message_back_to_be_edited(visitor, api):
    conversation = await told(api, "Why do revers meander?")
    await visitor.open(conversation)
    await visitor.page.locator('[data-role="user"]').wait_for()
    await field(visitor).press("ArrowUp")
    await expect(field(visitor)).to_have_value("Why do revers meander?")


async def test_a_message_that_is_refused_keeps_its_text_and_says_why(visitor, api):
    conversation = await told(api, "Small")
    await visitor.open(conversation)
    await field(visitor).fill("🌊" * 70_000)  # in characters not too long, in bytes it is
    await field(visitor).press("Enter")
    entry = visitor.page.get_by_test_id("outbox").get_by_role("alert")
    await expect(entry).to_contain_text("Not sent.")
    await entry.get_by_role("button", name="Try again").click()
    await expect(entry).to_contain_text("Not sent.")
    await entry.get_by_role("button", name="Edit").click()
    assert len(await field(visitor).input_value()) == 70_000
    assert len((await transcript(api, conversation))["runs"]) == 1


async def test_a_message_over_the_limit_says_so_and_cannot_be_sent(visitor):
    await visitor.open()
    await field(visitor).fill("x" * 200_001)
    await expect(visitor.page.get_by_test_id("composer")).to_contain_text("200,001 of 200,000 characters")
    await expect(visitor.page.get_by_role("button", name="Send")).to_be_disabled()
    await field(visitor).press("Enter")
    assert await visitor.page.evaluate("location.hash") == ""


async def test_what_is_written_while_the_gateway_is_away_is_sent_once_when_it_is_back(visitor, stack, api):
    conversation = await told(api, "Before")
    await visitor.open(conversation)
    await visitor.page.locator('[data-role="user"]').wait_for()
    stack.gateways[0].kill()
    await visitor.has_badge("reconnecting")
    await expect(visitor.page.get_by_test_id("badge")).to_contain_text("Reconnecting")
    await expect(visitor.page).to_have_title("Reconnecting · Before · Anabranch")
    await field(visitor).fill("Into the silence")
    await field(visitor).press("Enter")
    await expect(visitor.page.get_by_test_id("outbox")).to_contain_text("Sending …")
    stack.gateways[0].start()
    await stack.gateways[0].ready()
    await visitor.page.get_by_role("button", name="Now").click()
    await expect(visitor.page.locator('[data-role="user"]')).to_contain_text(["Before", "Into the silence"])
    await expect(visitor.page.get_by_test_id("outbox").get_by_role("listitem")).to_have_count(0)
    assert len((await transcript(api, conversation))["runs"]) == 2


async def test_the_slash_searches_the_list(visitor, api):
    await told(api, "Estuaries of the north")
    await told(api, "Deltas of the south")
    await visitor.open()
    await row(visitor, "Deltas of the south").wait_for()
    await visitor.page.get_by_role("button", name="New conversation").focus()
    await visitor.page.keyboard.press("/")
    await visitor.page.keyboard.type("estuar")
    await expect(row(visitor, "Deltas of the south")).to_have_count(0)
    await expect(row(visitor, "Estuaries of the north")).to_be_visible()
    await visitor.page.keyboard.press("Escape")
    await expect(row(visitor, "Deltas of the south")).to_be_visible()


async def test_a_title_is_renamed_where_it_stands_and_in_the_list(visitor, api):
    conversation = await told(api, "Working title")
    await visitor.open(conversation)
    await visitor.page.get_by_role("button", name="Working title", exact=True).click()
    await visitor.page.keyboard.type("The title")
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text("The title")
    await row(visitor, "The title").get_by_role("button", name="More: The title").click()
    await visitor.page.get_by_role("button", name="Rename").click()
    await visitor.page.get_by_role("textbox", name="Title").fill("The last title")
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text("The last title")


async def test_a_conversation_is_deleted_after_a_question_and_its_link_says_that_it_is_gone(visitor, api):
    conversation = await told(api, "Forget me")
    await visitor.open(conversation)
    await visitor.page.get_by_test_id("stop").click()
    await visitor.has_badge("ended")
    await visitor.page.get_by_role("button", name="More", exact=True).click()
    await visitor.page.get_by_role("button", name="Delete …").click()
    question = visitor.page.get_by_role("dialog", name="Delete “Forget me”?")
    await question.get_by_role("button", name="Delete").click()
    await expect(row(visitor, "Forget me")).to_have_count(0)
    assert await visitor.page.evaluate("location.hash") == ""
    await visitor.page.goto(f"{visitor.url}/#c={conversation}")
    await expect(visitor.page.get_by_role("heading", name="This conversation is not here")).to_be_visible()


async def test_the_conversation_leaves_as_a_file(visitor, api):
    conversation = await told(api, "Keep this")
    await visitor.open(conversation)
    await visitor.page.get_by_role("button", name="More", exact=True).click()
    async with visitor.page.expect_download() as download:
        await visitor.page.get_by_role("button", name="Export as Markdown").click()
    assert "Keep this" in (await (await download.value).path()).read_text()
    await visitor.page.get_by_role("button", name="More", exact=True).click()
    async with visitor.page.expect_download() as download:
        await visitor.page.get_by_role("button", name="Export as JSON").click()
    saved = json.loads((await (await download.value).path()).read_text())
    assert (saved["version"], saved["id"]) == (1, conversation)
    assert saved["transcript"]["items"][0]["content"] == "Keep this"


async def test_the_chosen_colours_stay(visitor):
    await visitor.open()
    await visitor.page.get_by_role("radio", name="Dark").check()
    await visitor.page.reload()
    await expect(visitor.page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_the_question_mark_shows_the_keys_and_gives_the_focus_back(visitor):
    await visitor.open()
    button = visitor.page.get_by_role("button", name="New conversation")
    await button.focus()
    await visitor.page.keyboard.press("?")
    await expect(visitor.page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.page.get_by_role("dialog")).to_have_count(0)
    await expect(button).to_be_focused()


async def test_the_first_thing_that_tab_reaches_leads_to_the_message(chromium, stack):
    async with chromium.visitor(stack.gateways[0].url, has_touch=True, is_mobile=True) as visitor:
        await visitor.open()  # a touch screen, so that the focus is not there already
        await visitor.page.keyboard.press("Tab")
        await expect(visitor.page.get_by_role("button", name="Skip to the message")).to_be_focused()
        await visitor.page.keyboard.press("Enter")
        await expect(field(visitor)).to_be_focused()


async def test_on_a_phone_the_list_is_a_drawer_that_goes_when_a_conversation_is_chosen(chromium, stack, api):
    await told(api, "Chosen on the way")
    size = {"width": 390, "height": 844}
    async with chromium.visitor(stack.gateways[0].url, viewport=size, has_touch=True, is_mobile=True) as visitor:
        await visitor.open()
        await expect(visitor.page.get_by_test_id("sidebar")).to_have_count(0)
        await visitor.page.keyboard.press("/")
        await expect(visitor.page.get_by_role("searchbox", name="Search conversations")).to_be_focused()
        await visitor.page.keyboard.press("Escape")
        await expect(visitor.page.get_by_test_id("sidebar")).to_have_count(0)
        await visitor.page.get_by_role("button", name="Conversations", exact=True).click()
        await row(visitor, "Chosen on the way").get_by_role("link").click()
        await expect(visitor.page.get_by_test_id("sidebar")).to_have_count(0)
        await expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Chosen on the way")
        assert await visitor.page.evaluate("document.documentElement.scrollWidth") == 390
