"""A question to a person, answered on the page, with a second tab beside it."""

from __future__ import annotations

import httpx2
import pytest
from playwright.async_api import expect

from tests.live.stack import running_stack
from tests.web.test_doing import told, transcript

ASKING = '[data-type="interrupt"][data-status="open"]'


@pytest.fixture(scope="module")
async def stack(tmp_path_factory):
    async with running_stack(
        tmp_path_factory.mktemp("answering"), gateways=2, ANABRANCH_SCRIPTED_TOKENS_PER_S="2000"
    ) as running:
        yield running


async def test_a_choice_and_an_edited_approval_are_answered_by_buttons_and_two_tabs_show_the_same(chromium, stack):
    first_url, second_url = (gateway.url for gateway in stack.gateways)
    async with (
        httpx2.AsyncClient(base_url=first_url) as api,
        chromium.visitor(first_url) as first,
        chromium.visitor(second_url) as second,
    ):
        conversation = await told(api, "Show me everything you have.", "tour")
        await first.open(conversation)
        await second.open(conversation)
        await first.page.get_by_role("button", name="Mekong").press("Enter")
        answered = first.page.locator('[data-type="interrupt"][data-status="done"]')
        await expect(answered).to_contain_text("Answered: Mekong")
        await expect(answered).to_be_focused()
        heard = first.page.get_by_test_id("announcer").get_by_role("paragraph")
        await expect(heard.last).to_contain_text("A question waits for your answer: Book a boat on the Mekong?")
        question = second.page.locator(ASKING, has_text="Book a boat on the Mekong?")
        await question.get_by_role("textbox").fill('{"river": "Mekong", "seats": 5}')
        await question.get_by_role("button", name="Approve").click()
        await first.has_badge("ended")
        await second.has_badge("ended")
        assert await first.content() == await second.content()
        items = (await transcript(api, conversation))["items"]

    answers = [(item["decision"], item["value"]) for item in items if item["type"] == "interrupt"]
    (booked,) = [item["result"] for item in items if item["type"] == "tool"]
    assert answers == [("answered", "Mekong"), ("approved", {"river": "Mekong", "seats": 5})]
    assert booked == {"boat": "Heron of the Mekong", "seats": 5}


async def test_arguments_that_are_no_json_are_refused_before_anything_is_sent(chromium, stack):
    async with (
        httpx2.AsyncClient(base_url=stack.gateways[0].url) as api,
        chromium.visitor(stack.gateways[0].url) as visitor,
    ):
        conversation = await told(api, "Show me everything you have.", "tour")
        await visitor.open(conversation)
        await visitor.page.get_by_role("button", name="Danube").click()
        question = visitor.page.locator(ASKING, has_text="Book a boat on the Danube?")
        await question.get_by_role("textbox").fill('{"river": ')
        await expect(question.get_by_role("button", name="Approve")).to_be_disabled()
