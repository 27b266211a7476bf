"""Reading along: the page follows what is said until the reader goes elsewhere, fits a phone, does not talk without end, and says
how far behind it is.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import signal
from typing import Any

import httpx2
import pytest
from playwright.async_api import expect

from services.runtime import new_id
from tests.live.stack import running_stack
from tests.web.slow_link import SLOW, SLOWEST, over_a_slow_link, said

PHONE = {"width": 390, "height": 844}
DISTANCE = """() => {
  const list = document.querySelector('[data-testid="conversation"]');
  return list.scrollHeight - list.clientHeight - list.scrollTop;
}"""
TOP = "() => document.querySelector('[data-testid=\"conversation\"]').scrollTop"
RESTED = """async () => {
  // Where the conversation stands once it has stood still for some frames.
  const list = document.querySelector('[data-testid="conversation"]');
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  for (let still = 0, last = -1, frames = 0; still < 6; still++) {
    if (++frames > 200) throw new Error("it does not come to rest");
    if (list.scrollTop !== last) still = 0;
    last = list.scrollTop;
    await frame();
  }
  return list.scrollTop;
}"""
TURN_PX = 150
ESTIMATES_PX = 120
"""By how much rows above may be higher than was estimated: what is being read stays in its place, so the offset does not."""

LISTEN = """() => {
  window.heard = 0;
  window.drawn = 0;
  const speaking = '[aria-live="polite"], [aria-live="assertive"], [role="status"], [role="alert"]';
  const spoken = (node) => (node.parentElement ?? node).closest(speaking);
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      window.drawn += 1;
      if (spoken(target)) window.heard += 1;
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""

LONG = "water " * 33_000
"""Nearly as long as a message may be: a few of them are more than a gateway keeps for a socket."""

COUNTED = re.compile(r"Catching up \((\d+) of (\d+)\)")


@pytest.fixture(scope="module")
async def stack(tmp_path_factory):
    async with running_stack(tmp_path_factory.mktemp("reading"), ANABRANCH_SCRIPTED_TOKENS_PER_S="40") as running:
        yield running


@pytest.fixture(scope="module")
async def long_conversation(api):
    """A conversation that is higher than the window several times; returns its id."""
    conversation = new_id("c_")
    path = f"/v1/conversations/{conversation}/messages"
    await api.post("/v1/conversations", json={"id": conversation})
    for number in range(8):  # answered with its events, a message is answered once its run has ended
        body = {"text": f"rehearse:tokens=12 {number}", "agent": "scribe"}
        answer = await api.post(path, json=body, headers={"accept": "text/event-stream"}, timeout=30)
        assert answer.is_success
    return conversation


async def told(api: httpx2.AsyncClient, text: str, agent: str = "scribe") -> str:
    """A conversation in which something is being answered; returns its id."""
    conversation = await begun(api)
    await say(api, conversation, text, agent)
    return conversation


async def begun(api: httpx2.AsyncClient) -> str:
    """A conversation in which nothing has been said; returns its id."""
    conversation = new_id("c_")
    assert (await api.post("/v1/conversations", json={"id": conversation})).status_code == 201
    return conversation


async def say(api: httpx2.AsyncClient, conversation: str, text: str, agent: str = "scribe", **more: str) -> None:
    path = f"/v1/conversations/{conversation}/messages"
    body = {"text": text, "agent": agent} | more
    assert (await api.post(path, json=body)).status_code == 202


async def distance(visitor: Any) -> float:
    """From the end of the conversation, in px."""
    return float(await visitor.page.evaluate(DISTANCE))


async def test_who_scrolls_up_is_left_there_and_comes_back_by_jump_to_live(chromium, stack, api):
    async with chromium.visitor(stack.gateways[0].url, viewport={"width": 1000, "height": 420}) as visitor:
        conversation = await told(api, "rehearse:tokens=500")
        await visitor.open(conversation)

        async def long_enough() -> bool:
            height = await visitor.page.evaluate("document.querySelector('[data-testid=conversation]').scrollHeight")
            return bool(height > 900) and await distance(visitor) < 60

        await visitor.eventually(long_enough, "it follows what is said")
        await visitor.page.get_by_test_id("conversation").hover()
        await visitor.page.mouse.wheel(0, -300)
        jump = visitor.page.get_by_role("button", name="Jump to live")
        await expect(jump).to_be_visible()
        away = await distance(visitor)

        async def grown() -> bool:
            return await distance(visitor) > away + 40

        await visitor.eventually(grown, "more is said below, and the reader is left in place")
        await jump.click()
        await expect(jump).to_be_hidden()

        async def at_the_end() -> bool:
            return await distance(visitor) < 60

        await visitor.eventually(at_the_end, "it follows again")


async def test_who_has_scrolled_up_in_what_is_over_is_led_to_its_end(chromium, stack, long_conversation):
    async with chromium.visitor(stack.gateways[0].url) as visitor:
        await visitor.open(long_conversation)
        await visitor.has_badge("ended")
        await visitor.page.get_by_test_id("conversation").hover()
        button = visitor.page.get_by_role("button", name="To the end")

        async def let_go() -> bool:
            await visitor.page.mouse.wheel(0, -300)
            return await button.is_visible()

        await visitor.eventually(let_go, "the end is left, and a button leads back")
        await button.click()
        await expect(button).to_be_hidden()

        async def at_the_end() -> bool:
            return await distance(visitor) < 2

        await visitor.eventually(at_the_end, "the end is in sight")


async def test_on_a_phone_the_controls_of_a_run_stay_inside_the_composer(chromium, stack, api):
    async with chromium.visitor(stack.gateways[0].url, viewport=PHONE, has_touch=True, is_mobile=True) as visitor:
        await visitor.open(await told(api, "rehearse:tokens=300"))
        await visitor.page.get_by_test_id("stop").wait_for()
        composer = await visitor.page.get_by_test_id("composer").bounding_box()
        send = await visitor.page.get_by_role("button", name="Send").bounding_box()
        assert send["x"] + send["width"] <= composer["x"] + composer["width"]
        assert await visitor.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_a_screen_reader_is_not_told_of_every_token(chromium, stack, api):
    async with chromium.visitor(stack.gateways[0].url) as visitor:
        await visitor.open(await told(api, "rehearse:tokens=150"))
        await visitor.page.locator('[data-type="message"][data-status="open"]').wait_for()
        await visitor.page.evaluate(LISTEN)
        await visitor.has_badge("ended")
        heard, drawn = await visitor.page.evaluate("[window.heard, window.drawn]")
        assert drawn > 50
        assert 1 <= heard <= 12


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
async def test_the_wheel_moves_a_long_conversation_by_as_much_as_it_turns(chromium, stack, long_conversation, motion):
    async with chromium.visitor(stack.gateways[0].url, reduced_motion=motion) as visitor:
        await visitor.open(long_conversation)
        await visitor.has_badge("ended")
        await visitor.page.get_by_test_id("conversation").hover()
        up = await wheeled(visitor, -TURN_PX)
        down = await wheeled(visitor, TURN_PX)
    assert min(len(up), len(down)) > 5
    assert [step for step in up + down if abs(step) > TURN_PX + ESTIMATES_PX] == []


async def wheeled(visitor: Any, turn_px: int) -> list[float]:
    """Turn the wheel until the conversation moves no more; returns by how many px each turn moved it."""
    moved: list[float] = []
    while not moved or moved[-1]:
        before = await visitor.page.evaluate(TOP)
        await visitor.page.mouse.wheel(0, turn_px)
        moved.append(await visitor.page.evaluate(RESTED) - before)
    return moved


async def events(api: httpx2.AsyncClient, conversation: str) -> int:
    """How many there have been once every run has ended."""
    async with asyncio.timeout(30):
        while True:
            transcript = (await api.get(f"/v1/conversations/{conversation}")).json()["transcript"]
            if all(run.get("status") == "completed" for run in transcript["runs"]):
                return int(transcript["input_last"] + sum(run["last"] for run in transcript["runs"]))
            await asyncio.sleep(0.1)


async def test_a_page_that_is_slower_than_the_events_says_that_it_lags_until_it_has_them_all(chromium, stack, api):
    conversation = await begun(api)
    async with (
        over_a_slow_link(chromium, stack, conversation) as (slow, link),
        chromium.visitor(stack.gateways[0].url) as quick,
    ):
        await quick.open(conversation)
        link.bytes_per_s = SLOWEST
        for number in range(6):
            await say(api, conversation, f"{number} {LONG}", multitask="interrupt")
        link.bytes_per_s = SLOW
        await slow.has_badge("lagging")
        await say(api, conversation, "rehearse:tokens=60", multitask="interrupt")
        link.bytes_per_s = None
        for visitor in (slow, quick):
            await visitor.has_badge("ended")
        # a page may see the moment between two runs, in which it has ended, too
        while_it_ran = [status for status, _ in await said(slow) if status != "ended"]
        assert [status for status, _ in itertools.groupby(while_it_ran)] == ["live", "lagging", "live"]
        assert await slow.content() == await quick.content()


async def test_a_page_that_comes_back_says_how_much_of_what_it_missed_has_come(chromium, stack, api):
    conversation = await begun(api)
    await say(api, conversation, f"rehearse:tokens=4 {LONG}")  # so that a snapshot costs more than what is missed
    before = await events(api, conversation)
    async with over_a_slow_link(chromium, stack, conversation) as (slow, link):
        link.cut()
        await slow.has_badge("reconnecting")
        for number in range(3):
            await say(api, conversation, f"rehearse:tokens=4 {number}")
        missed = await events(api, conversation) - before
        link.bytes_per_s = SLOWEST
        link.mend()
        await slow.has_badge("ended")
        counted = [COUNTED.fullmatch(words) for _, words in await said(slow)]
        figures = [(int(one[1]), int(one[2])) for one in counted if one]
        assert figures[0] == (0, missed)
        assert {total for _, total in figures} == {missed}
        assert [received for received, _ in figures] == sorted({received for received, _ in figures})


async def test_a_run_of_which_nothing_comes_is_said_to_be_silent_until_something_does(chromium, stack, api):
    async with chromium.visitor(stack.gateways[0].url) as visitor:
        await visitor.open(await told(api, "rehearse:tokens=200"))
        await visitor.page.locator('[data-type="message"][data-status="open"]').wait_for()
        silence = visitor.page.get_by_test_id("silence")
        stack.workers[0].signal(signal.SIGSTOP)
        try:
            await expect(silence).to_have_text(re.compile(r"nothing new for \d+ s"), timeout=15_000)
            await visitor.has_badge("live")
        finally:
            stack.workers[0].signal(signal.SIGCONT)
        await expect(silence).to_be_hidden()
        await visitor.has_badge("ended")
