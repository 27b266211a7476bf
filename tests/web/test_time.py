"""Time on the page: step and play through a conversation, link to a moment of it, look at its raw events."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import pytest
from playwright.async_api import Locator, Route, expect

from services.runtime import new_id
from tests.live.stack import running_stack


@pytest.fixture(scope="module")
async def stack(tmp_path_factory):
    async with running_stack(tmp_path_factory.mktemp("time"), ANABRANCH_SCRIPTED_TOKENS_PER_S="100") as running:
        yield running


@pytest.fixture(scope="module")
async def conversation(api):
    """One that has been answered: a message that is answered with its events is so until its run has ended."""
    return await told(api, "How fast does the river flow?", accept="text/event-stream")


@pytest.fixture
async def visitor(chromium, stack):
    async with chromium.visitor(stack.gateways[0].url, permissions=["clipboard-read", "clipboard-write"]) as visitor:
        yield visitor


async def told(api: httpx2.AsyncClient, text: str, accept: str = "application/json", agent: str = "team") -> str:
    """A conversation in which an agent is asked something; returns its id."""
    conversation = new_id("c_")
    await api.post("/v1/conversations", json={"id": conversation})
    path = f"/v1/conversations/{conversation}/messages"
    answer = await api.post(path, json={"text": text, "agent": agent}, headers={"accept": accept}, timeout=60)
    assert answer.is_success
    return conversation


async def opened(visitor: Any, conversation: str) -> Locator:
    """Open the conversation, wait for its end and open its timeline; returns the handle once all is loaded."""
    await visitor.open(conversation)
    await visitor.has_badge("ended")
    await visitor.page.get_by_role("button", name="Open the timeline").click()
    handle: Locator = visitor.page.get_by_role("slider", name="Moment")
    await expect(handle).to_have_attribute("aria-valuetext", re.compile("main$"))
    await visitor.eventually(lambda: moved(handle), "the log is loaded")
    return handle


async def moved(handle: Locator) -> bool:
    return await number(handle) > 0


async def number(handle: Locator) -> int:
    return int(await handle.get_attribute("aria-valuenow") or "")


async def copied(visitor: Any) -> str:
    text: str = await visitor.page.evaluate("navigator.clipboard.readText()")
    return text


async def test_one_steps_by_single_events_from_nothing_to_all_that_is_live(visitor, conversation):
    handle = await opened(visitor, conversation)
    live = await visitor.content()
    words = visitor.page.get_by_role("list", name="Who worked when").get_by_role("listitem")
    await expect(words.filter(has_text=re.compile("^research: .* at the same time as .*analysis"))).to_have_count(1)
    await handle.press("Home")
    await expect(visitor.page.get_by_test_id("past-banner")).to_contain_text("You are looking at the past")
    assert await visitor.items() == 0
    for _ in range(3):  # the conversation is made, something is said in it, and a run is queued to answer it
        await handle.press(".")
    await expect(visitor.page.locator("[data-item]")).to_have_count(1)
    await expect(visitor.page.locator('[data-role="user"]')).to_contain_text("How fast does the river flow?")
    await handle.press(",")
    await expect(handle).to_have_attribute("aria-valuenow", "2")
    await expect(visitor.page.locator("[data-item]")).to_have_count(0)
    await handle.press("End")
    assert await visitor.content() == live


async def test_a_run_that_is_played_from_its_beginning_ends_as_it_is_live(visitor, conversation):
    handle = await opened(visitor, conversation)
    live = await visitor.content()
    end = await number(handle)
    await visitor.page.get_by_role("button", name="Play", exact=True).click()
    await expect(visitor.page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    await visitor.page.get_by_label("Speed").select_option("20")  # at which it is over before one can look
    await expect(handle).to_have_attribute("aria-valuenow", str(end), timeout=30_000)
    await expect(visitor.page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert await visitor.content() == live


async def test_a_link_leads_to_its_moment_and_back_to_live_forgets_it(visitor, conversation, chromium, stack):
    handle = await opened(visitor, conversation)
    await handle.press("Home")
    for _ in range(30):
        await handle.press("ArrowRight")
    await visitor.page.get_by_role("button", name="Copy a link to this moment").click()
    await expect(visitor.page.get_by_role("status").filter(has_text="copied")).to_be_visible()
    there, link = await visitor.content(), await copied(visitor)
    async with chromium.visitor(stack.gateways[0].url) as other:
        await other.page.goto(link)
        await expect(other.page.get_by_role("slider", name="Moment")).to_have_attribute("aria-valuenow", "30")
        assert await other.content() == there
        await other.page.get_by_role("button", name="Back to live").click()
        await expect(other.page.get_by_test_id("past-banner")).to_be_hidden()
        assert await other.page.evaluate("location.hash") == f"#c={conversation}"


@pytest.mark.parametrize("at", ["ff-3", "nothing"])
async def test_a_link_to_a_moment_that_is_not_there_says_so_and_shows_the_present(visitor, conversation, at):
    await visitor.open(conversation, f"&at={at}")
    await expect(visitor.page.get_by_test_id("past-banner")).to_contain_text("The ")
    await visitor.has_badge("ended")
    await expect(visitor.page.get_by_test_id("past-banner")).to_have_attribute("data-mode", "live")
    await expect(visitor.page.locator("[data-summary]")).to_be_visible()
    assert await visitor.page.evaluate("location.hash") == f"#c={conversation}"


async def test_live_goes_on_while_one_looks_at_the_past(visitor, api):
    conversation = await told(api, "Go on without me")
    await visitor.open(conversation)
    await visitor.page.get_by_role("button", name="Open the timeline").click()
    handle = visitor.page.get_by_role("slider", name="Moment")
    await visitor.eventually(lambda: moved(handle), "something was recorded")
    await handle.press("Home")
    await visitor.has_badge("ended")
    assert await visitor.items() == 0
    await visitor.page.get_by_role("button", name="Back to live").click()
    run = visitor.page.locator('[data-run][data-status="completed"]')
    await expect(run).to_be_visible()


async def test_the_developer_view_finds_an_event_and_the_command_that_replays_from_it(visitor, conversation, api):
    await opened(visitor, conversation)
    await visitor.page.get_by_role("button", name="Developer view").first.click()
    panel = visitor.page.get_by_test_id("developer")
    await panel.get_by_label("Part of the type").fill("run.completed")
    await expect(panel.get_by_role("listitem")).to_have_count(1)
    await panel.get_by_role("listitem").get_by_role("button").click()
    await expect(panel.locator("pre")).to_contain_text('"type": "run.completed"')
    await panel.get_by_role("button", name="Copy as curl").click()
    await expect(visitor.page.get_by_role("status").filter(has_text="copied")).to_be_visible()
    found = re.fullmatch(r"curl -N '([^']+)'", await copied(visitor))
    assert found is not None
    async with api.stream("GET", found[1]) as answer:
        async for line in answer.aiter_lines():
            if '"op":"events"' in line:
                assert "run.completed" in line
                break


async def test_what_a_namespace_did_is_listed_with_all_below_it(visitor, conversation):
    await opened(visitor, conversation)
    await visitor.page.get_by_role("button", name="Developer view").first.click()
    panel = visitor.page.get_by_test_id("developer")
    await panel.get_by_label("Namespace").fill("main/research:1")
    await panel.get_by_label("Part of the type").fill("agent.started")
    await expect(panel.get_by_role("listitem")).to_have_count(2)
    await expect(panel.get_by_role("listitem").last).to_contain_text("main/research:1/reader:1")


async def watched(visitor: Any, conversation: str) -> Locator:
    """Open the conversation, which is over, and its developer view with all that was before; returns the view."""
    await visitor.open(conversation)
    await visitor.has_badge("ended")
    await visitor.page.get_by_role("button", name="Developer view").first.click()
    panel: Locator = visitor.page.get_by_test_id("developer")
    await expect(panel.get_by_role("listitem")).to_have_count(0)
    await panel.get_by_role("button", name="Load what was before").click()
    await expect(panel.get_by_role("button", name="Load what was before")).to_be_hidden()
    await expect(panel.get_by_role("listitem").first).to_be_visible()
    return panel


async def test_what_was_before_is_loaded_and_leaves_as_lines_of_json_with_or_without_a_filter(
    visitor, conversation, api
):
    panel = await watched(visitor, conversation)
    transcript = (await api.get(f"/v1/conversations/{conversation}")).json()["transcript"]
    await panel.get_by_role("button", name="Copy as JSON lines").click()
    await expect(visitor.page.get_by_role("status").filter(has_text="Events copied")).to_be_visible()
    lines = [json.loads(line) for line in (await copied(visitor)).splitlines()]
    last = {line["lane"]: line["n"] for line in lines}
    assert last == {"in": transcript["input_last"]} | {run["id"]: run["last"] for run in transcript["runs"]}
    await panel.get_by_label("Part of the type").fill("agent.started")
    await panel.get_by_role("button", name="Copy as JSON lines").click()
    agents = [line for line in lines if line["event"]["type"] == "agent.started"]

    async def only_agents() -> bool:
        return [json.loads(line) for line in (await copied(visitor)).splitlines()] == agents

    await visitor.eventually(only_agents, "the events that pass the filter were copied")


async def test_one_event_leaves_as_json(visitor, conversation):
    panel = await watched(visitor, conversation)
    await panel.get_by_label("Part of the type").fill("user.message")
    await expect(panel.get_by_role("listitem")).to_have_count(1)
    await panel.get_by_role("listitem").get_by_role("button").click()
    await panel.get_by_role("button", name="Copy JSON").click()
    await expect(visitor.page.get_by_role("status").filter(has_text="Event copied")).to_be_visible()
    event = json.loads(await copied(visitor))
    assert (event["lane"], event["n"]) == ("in", 2)
    assert event["event"]["text"] == "How fast does the river flow?"
    assert event == json.loads(await panel.locator("pre").inner_text())


async def test_a_paused_list_of_events_stands_still_until_it_goes_on(visitor, api):
    conversation = await told(api, "rehearse:tokens=1000", agent="scribe")  # 10 s: nobody is so slow to press Pause
    await visitor.open(conversation)
    await visitor.page.get_by_role("button", name="Developer view").first.click()
    panel = visitor.page.get_by_test_id("developer")
    await panel.get_by_role("listitem").first.wait_for()
    await panel.get_by_role("button", name="Pause").click()
    shown = panel.get_by_text(re.compile(r"^[\d,]+ shown$"))
    await expect(shown).to_be_visible()  # as soon as there are more than are shown
    before = await shown.inner_text()
    await visitor.has_badge("ended")
    assert await shown.inner_text() == before
    await panel.get_by_role("button", name=re.compile(r"^Go on \([\d,]+ new\)$")).click()
    await expect(shown).to_be_hidden()
    await expect(panel.get_by_role("listitem").last).to_contain_text("run.completed")


async def test_a_part_that_a_newer_build_has_replaced_has_the_page_loaded_anew_and_what_was_written_stays(visitor, api):
    gone = ["Timeline"]

    async def answer(route: Route) -> None:
        await (route.abort() if gone and gone.pop() else route.continue_())

    conversation = await told(api, "rehearse:tokens=1", agent="scribe")
    await visitor.open(conversation)
    await visitor.page.route("**/assets/Timeline-*.js", answer)
    await visitor.page.get_by_role("textbox", name="Message").fill("Half a sentence")
    async with visitor.page.expect_event("load"):
        await visitor.page.get_by_role("button", name="Open the timeline").click()
    await expect(visitor.page.get_by_role("textbox", name="Message")).to_have_value("Half a sentence")
    await visitor.page.get_by_role("button", name="Open the timeline").click()
    await visitor.page.get_by_test_id("scrubber").get_by_role("slider").wait_for()
