"""`make screenshots`: the page at work, light, dark and on a phone, into docs/images/ as small WebP files.

Names as arguments take these pictures alone: `python -m tests.web.screenshots hero`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from services.runtime import new_id
from tests.live.stack import Stack, running_stack
from tests.web.browser import Chromium, Visitor
from tests.web.scenes import tell_past

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
QUALITY = 70
BYTES_MAX = 60_000
"""Of one picture: a clone of the repository stays small."""

TOKENS_PER_S = "6"
"""Slow enough that agents are still at work when the picture of them is taken."""

PHONE = {"width": 390, "height": 844}
SCALE = 0.8
"""Of the pictures of wide windows: in documents they stand side by side."""

WITHIN_MS = 120_000


def ways(height: int) -> dict[str, dict[str, Any]]:
    wide = {"width": 1280, "height": height}
    return {
        "light": {"viewport": wide, "color_scheme": "light"},
        "dark": {"viewport": wide, "color_scheme": "dark"},
        "phone": {"viewport": PHONE, "color_scheme": "light", "device_scale_factor": 1.5},
    }


class Shot(NamedTuple):
    """A picture of what `agent` does with `texts`, taken once `ready` is on the page: each is a part of it and how many
    characters it has at least.
    """

    name: str
    agent: str
    texts: tuple[str, ...]
    ready: dict[str, int]
    ways: dict[str, dict[str, Any]]
    up_px: int = 0
    """How far the reader has scrolled up from the end, where the page follows."""
    past: int = 0
    """Runs of the scribe before it."""
    before: tuple[str, str] | None = None
    """An agent, and the question that it has answered before it."""
    artifact: str = ""
    """The name of the artifact that is open beside it, with the timeline under it."""


SUMMARY = "[data-summary]"
SPEAKING = '[data-type="message"][data-status="open"]'


def said(panel: str) -> str:
    return f'section[data-key$="/{panel}"] [data-type="message"]'


BOTH_ANSWER = {said("main/advocate:1#2"): 50, said("main/sceptic:1#2"): 50}
START = 10_000
"""Further up than any of these conversations is long."""
SHOTS = (
    Shot(
        "one-agent",
        "assistant",
        ("How much water does a river carry to the sea? Search the texts.",),
        {SUMMARY: 1},
        ways(1330),
        up_px=START,
    ),
    Shot(
        "two-at-once",
        "debate",
        ("Should towns give rivers their floodplains back?",),
        BOTH_ANSWER,
        ways(1080),
    ),
    Shot(
        "nested",
        "team",
        ("How does a river find its way to the sea?",),
        {said("main/research:1/reader:1"): 30, said("main/analysis:1"): 30},
        ways(1690),
    ),
    Shot(
        "long",
        "scribe",
        ("The ferry at noon", "The weir at dusk", "The sea at last"),
        {SPEAKING: 12},
        ways(1000),
        up_px=160,
        past=40,
    ),
    Shot(
        "hero",
        "debate",
        ("Should towns give rivers their floodplains back?",),
        BOTH_ANSWER,
        {"": {"viewport": {"width": 1600, "height": 1000}, "color_scheme": "light"}},
        before=("team", "How does a river find its way to the sea?"),
        artifact="figures.vl.json",
    ),
)


async def main(names: list[str]) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Chromium() as chromium,
            running_stack(Path(folder), ANABRANCH_SCRIPTED_TOKENS_PER_S=TOKENS_PER_S) as stack,
        ):
            for shot in SHOTS:
                if not names or shot.name in names:
                    await take(chromium, stack, shot)


async def take(chromium: Chromium, stack: Stack, shot: Shot) -> None:
    """Play it once; who takes a picture of it has been there from the beginning."""
    conversation = new_id("c_")
    url = stack.gateways[0].url
    async with contextlib.AsyncExitStack() as opened:
        api = await opened.enter_async_context(httpx2.AsyncClient(base_url=url, timeout=WITHIN_MS / 1000))
        await api.post("/v1/conversations", json={"id": conversation})
        await tell_past(stack.nats.url, conversation, shot.past)
        path = f"/v1/conversations/{conversation}/messages"
        if shot.before:
            agent, text = shot.before
            body = {"text": text, "agent": agent}
            await api.post(path, json=body, headers={"accept": "text/event-stream"})  # answered when it is over
        watching = {way: await opened.enter_async_context(chromium.visitor(url, **shot.ways[way])) for way in shot.ways}
        for visitor in watching.values():
            await visitor.open(conversation)
            await visitor.has_badge("live", "ended")
            if shot.artifact:
                await open_beside(visitor, shot.artifact)
        for text in shot.texts:
            await api.post(path, json={"text": text, "agent": shot.agent})
        async with asyncio.TaskGroup() as taking:
            for way, visitor in watching.items():
                taking.create_task(save(visitor, shot, "-".join(filter(None, (shot.name, way)))))


async def open_beside(visitor: Visitor, artifact: str) -> None:
    page = visitor.page
    await page.get_by_role("button", name="Artifacts", exact=True).click()
    await page.get_by_test_id("artifact-pane").get_by_text(artifact).first.click()
    await page.locator('[data-testid="chart"][data-drawn="true"]').wait_for()
    await page.get_by_role("button", name="Open the timeline").click()
    await page.get_by_role("slider", name="Moment").wait_for()


READY = """(ready) => Object.entries(ready).every(([selector, least]) =>
  [...document.querySelectorAll(selector)].some((element) => element.textContent.length >= least))"""
UP = "(px) => document.querySelector('[data-testid=\"conversation\"]').scrollBy(0, -px)"
AT_REST = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  for (let frames = 0; frames < 20; frames++) await frame();
}"""


async def reach(visitor: Visitor, shot: Shot) -> None:
    """Wait for the moment of the picture, and look where it is taken."""
    page = visitor.page
    await page.wait_for_function(READY, arg=shot.ready, timeout=WITHIN_MS)
    if shot.up_px:
        await page.evaluate(UP, shot.up_px)
        await page.evaluate(AT_REST)
    await page.evaluate("document.fonts.ready")


async def save(visitor: Visitor, shot: Shot, name: str) -> None:
    await reach(visitor, shot)
    session = await visitor.context.new_cdp_session(visitor.page)
    size = visitor.page.viewport_size
    assert size is not None
    clip = {"x": 0, "y": 0, **size, "scale": 1 if size == PHONE else SCALE}
    shown = await session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY, "clip": clip})
    data = base64.b64decode(shown["data"])
    assert len(data) <= BYTES_MAX, f"{name}: {len(data)} bytes"
    (IMAGES / f"{name}.webp").write_bytes(data)
    print(f"docs/images/{name}.webp: {len(data)} bytes")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
