"""The page's memory while a run streams for ten minutes. Not among the benches that run by default: it takes that long."""

from __future__ import annotations

import asyncio
import os
import statistics

import httpx2
from playwright.async_api import Page

from tests.bench.child import child
from tests.bench.figures import Figure, figure
from tests.bench.page import AGENTS, TOKENS_PER_S, Meter
from tests.bench.stand import gateway_stand
from tests.web.browser import Chromium

MINUTES = int(os.environ.get("BENCH_MINUTES", "10"))
BEFORE_S = 60.0
"""The first look, when everything has been loaded."""

LOOK_S = 10.0
"""For the timeline to read ahead what it has loaded."""

LOADED_S = 120.0
FACTOR_MAX = 2.0
"""The text itself, once, and its items; the rest is for the line through a heap that goes up and down by the 2 MiB of events
that the page keeps while nobody looks at them.
"""

LEFT_MB_MAX = 4.0
"""Of a timeline that was closed: those 2 MiB, and what was said meanwhile."""


async def measure() -> list[Figure]:
    async with gateway_stand() as stand, child("speakers") as speakers, Chromium() as chromium:
        await speakers.ask("open", url=stand.nats_url)
        async with httpx2.AsyncClient(base_url=stand.url) as api:
            await api.post("/v1/conversations", json={"id": "choir"})
            await speakers.ask(
                "speak",
                conversation="choir",
                agents=AGENTS,
                tokens_per_s=TOKENS_PER_S,
                seconds=MINUTES * 60 + LOADED_S + LOOK_S + 60,
            )
            async with chromium.visitor(stand.url) as visitor:
                await visitor.open("choir")
                await visitor.has_badge("live")
                meter = await Meter.attach(visitor)
                await asyncio.sleep(BEFORE_S)
                heaps, texts = [await meter.heap_mb()], [await _transcript_mb(api)]
                for _ in range(MINUTES - 1):
                    await meter.window(60.0)
                    heaps.append(await meter.heap_mb())
                    texts.append(await _transcript_mb(api))
                events = await _open_timeline(visitor.page)
                opened = await meter.heap_mb()
                await visitor.page.get_by_role("button", name="Close the timeline").click()
                closed = await meter.heap_mb()
    per_byte = statistics.linear_regression(texts, heaps).slope
    return [
        figure("page memory", "heap, minute by minute", heaps, "MB"),
        figure("page memory", "the transcript, minute by minute", texts, "MB"),
        figure("page memory", "heap per byte that the transcript grows", [per_byte], "B", at_most=FACTOR_MAX),
        figure("page memory", "events in the timeline, once it is open", [events], ""),
        figure("page memory", "heap while it is open", [opened], "MB"),
        figure("page memory", "left of it once it is closed", [closed - heaps[-1]], "MB", at_most=LEFT_MB_MAX),
    ]


async def _transcript_mb(api: httpx2.AsyncClient) -> float:
    return len((await api.get("/v1/conversations/choir")).content) / 1e6


async def _open_timeline(page: Page) -> int:
    """The number of its events, once it has loaded the conversation from its beginning and read most of it."""
    timeline = page.get_by_test_id("scrubber")
    await page.get_by_role("button", name="Open the timeline").click()
    handle = timeline.get_by_role("slider")
    await handle.wait_for()
    await timeline.get_by_text("Loading").wait_for(state="hidden", timeout=LOADED_S * 1e3)
    await asyncio.sleep(LOOK_S)
    last, first = await handle.get_attribute("aria-valuemax"), await handle.get_attribute("aria-valuemin")
    return int(last or 0) - int(first or 0)
