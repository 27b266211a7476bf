"""`make screenshots`: the page at work, light, dark and on a phone, into docs/images/ as small WebP files."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from services.runtime import new_id
from tests.live.stack import running_stack
from tests.web.browser import Chromium, Visitor

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
QUALITY = 70
BYTES_MAX = 60_000
"""Of one picture: a clone of the repository stays small."""

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
WAYS: dict[str, dict[str, Any]] = {
    "light": {"viewport": WIDE, "color_scheme": "light"},
    "dark": {"viewport": WIDE, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light", "device_scale_factor": 1.5},
}


class Shot(NamedTuple):
    """A picture of what `agent` does with `texts`, taken once what `when` selects is on the page, else at the end."""

    name: str
    agent: str
    texts: tuple[str, ...]
    when: str
    tokens_per_s: int = 60
    artifact: str = ""
    """The name of the artifact that is open beside it, with the timeline under it."""


OVER = '[data-run][data-status="completed"][data-summary]'
SPEAKING = '[data-type="message"][data-status="open"]'
SLOW = 8
"""Tokens per second: agents are still at work when the picture is taken."""

SHOTS = (
    Shot("one-agent", "assistant", ("Explain the values of the longest rivers",), OVER),
    Shot(
        "two-at-once",
        "debate",
        ("Should towns give rivers their floodplains back?",),
        f'[data-ns="main/sceptic:1"] {SPEAKING}',
        SLOW,
    ),
    Shot("nested", "team", ("Why do rivers split?",), f'[data-ns="main/research:1/reader:1"] {SPEAKING}', SLOW),
    Shot(
        "long",
        "scribe",
        ("the ford at dawn", "the weir at noon", "the ferry at dusk", "the delta by night", "the tide at last"),
        "",
    ),
)
HERO = Shot("hero", "team", ("How does a river find its way to the sea?",), OVER, artifact="figures.vl.json")
HERO_WAYS = {"": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"}}


async def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with Chromium() as chromium:
        for tokens_per_s in (SLOW, 60):
            with tempfile.TemporaryDirectory() as folder:
                async with running_stack(Path(folder), ANABRANCH_SCRIPTED_TOKENS_PER_S=str(tokens_per_s)) as stack:
                    for shot in SHOTS:
                        if shot.tokens_per_s == tokens_per_s:
                            await take(chromium, stack.gateways[0].url, shot, WAYS)
                    if HERO.tokens_per_s == tokens_per_s:
                        await take(chromium, stack.gateways[0].url, HERO, HERO_WAYS)


async def take(chromium: Chromium, url: str, shot: Shot, ways: dict[str, dict[str, Any]]) -> None:
    """Play it once; who takes a picture of it has been there from the beginning."""
    conversation = new_id("c_")
    async with contextlib.AsyncExitStack() as stack:
        api = await stack.enter_async_context(httpx2.AsyncClient(base_url=url))
        await api.post("/v1/conversations", json={"id": conversation})
        watching = {way: await stack.enter_async_context(chromium.visitor(url, **ways[way])) for way in ways}
        for visitor in watching.values():
            await visitor.open(conversation)
        for text in shot.texts:
            body = {"text": text, "agent": shot.agent}
            await api.post(f"/v1/conversations/{conversation}/messages", json=body)
        await over(api, conversation, shot)
        for way, visitor in watching.items():
            await reach(visitor, shot)
            await save(visitor, "-".join(filter(None, (shot.name, way))))


async def over(api: httpx2.AsyncClient, conversation: str, shot: Shot) -> None:
    """Wait for the end of what is pictured at its end."""
    while not shot.when:
        runs = (await api.get(f"/v1/conversations/{conversation}")).json()["transcript"]["runs"]
        if all(run.get("status") == "completed" for run in runs):
            return
        await asyncio.sleep(0.2)


async def reach(visitor: Visitor, shot: Shot) -> None:
    """Wait for the moment of the picture."""
    page = visitor.page
    if shot.when:
        await page.locator(shot.when).first.wait_for(timeout=60_000)
    else:
        await visitor.has_badge("ended", within_s=90)
    if shot.artifact:
        await page.get_by_role("button", name="Artifacts", exact=True).click()
        await page.get_by_test_id("artifact-pane").get_by_text(shot.artifact).first.click()
        await page.locator('[data-testid="chart"][data-drawn="true"]').wait_for()
        await page.get_by_role("button", name="Open the timeline").click()
        await page.get_by_role("slider", name="Moment").wait_for()
    await page.evaluate("document.fonts.ready")


async def save(visitor: Visitor, name: str) -> None:
    session = await visitor.context.new_cdp_session(visitor.page)
    shown = await session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    data = base64.b64decode(shown["data"])
    assert len(data) <= BYTES_MAX, f"{name}: {len(data)} bytes"
    (IMAGES / f"{name}.webp").write_bytes(data)
    print(f"docs/images/{name}.webp: {len(data)} bytes")


if __name__ == "__main__":
    asyncio.run(main())
