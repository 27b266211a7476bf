"""The page's memory while a run streams for ten minutes. Not among the benches that run by default: it takes that long."""

from __future__ import annotations

import asyncio
import os

import httpx2

from tests.bench.child import child
from tests.bench.figures import Figure, figure
from tests.bench.page import AGENTS, TOKENS_PER_S, Meter
from tests.bench.stand import gateway_stand
from tests.web.browser import Chromium

MINUTES = int(os.environ.get("BENCH_MINUTES", "10"))
BEFORE_S = 60.0
"""The first look, when everything has been loaded."""


async def measure() -> list[Figure]:
    async with gateway_stand() as stand, child("speakers") as speakers, Chromium() as chromium:
        await speakers.ask("open", url=stand.nats_url)
        async with httpx2.AsyncClient(base_url=stand.url) as api:
            await api.post("/v1/conversations", json={"id": "choir"})
        seconds = MINUTES * 60
        await speakers.ask(
            "speak", conversation="choir", agents=AGENTS, tokens_per_s=TOKENS_PER_S, seconds=seconds + 30
        )
        async with chromium.visitor(stand.url) as visitor:
            await visitor.open("choir")
            await visitor.has_badge("live")
            meter = await Meter.attach(visitor)
            await asyncio.sleep(BEFORE_S)
            heaps = [await meter.heap_mb()]
            for _ in range(MINUTES - 1):
                await meter.window(60.0)
                heaps.append(await meter.heap_mb())
            text_mb = (
                len(await visitor.page.evaluate("() => fetch('/v1/conversations/choir').then((r) => r.text())")) / 1e6
            )
    grown = heaps[-1] - heaps[0]
    return [
        figure("page memory", "heap, minute by minute", heaps, "MB"),
        figure("page memory", f"grown in {MINUTES - 1} minutes", [grown], "MB"),
        figure("page memory", "the transcript by then", [text_mb], "MB"),
    ]
