"""The page in a headless Chromium: 20 agents at once, 10,000 messages, and what the first load weighs.

`script` is the browser's own `ScriptDuration` (CDP Performance.getMetrics), `frames` the animation frames that the page got.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import statistics
from typing import Any

import httpx2
from playwright.async_api import CDPSession

from tests.bench.child import child
from tests.bench.figures import Figure, figure, percentile
from tests.bench.stand import gateway_stand
from tests.web.browser import Chromium, Visitor

AGENTS = 20
TOKENS_PER_S = 50
WARM_UP_S = 4.0
WINDOW_S = 5.0
WINDOWS = 4
CALLS_PER_S = 2
CALLS_SPARE_S = 6
"""For a page that opens slowly: the calls go on until the last window is over."""

CALLS_TIMES_MAX = 3
"""What grows with the items is drawn once a second, the strip of the timeline. It was 4.5 when each call had its run laid out
anew.
"""

MESSAGES = 10_000
WHEEL_PX = 600
SCRIPT_KB = 1000

COUNT_FRAMES = """() => {
  if (window.frameTimes) return;
  window.frameTimes = [];
  const count = (time) => { window.frameTimes.push(time); requestAnimationFrame(count); };
  requestAnimationFrame(count);
}"""
IN_SIGHT = """() => [...document.querySelectorAll('[data-type="message"][data-status="open"]')]
  .filter((e) => e.getBoundingClientRect().bottom > 0 && e.getBoundingClientRect().top < innerHeight).length"""
TAKE_FRAMES = "() => window.frameTimes.splice(0)"


class Meter:
    """The browser's counters and the page's animation frames, over a window."""

    def __init__(self, visitor: Visitor, session: CDPSession) -> None:
        self._page = visitor.page
        self._session = session

    @classmethod
    async def attach(cls, visitor: Visitor) -> Meter:
        session = await visitor.context.new_cdp_session(visitor.page)
        await session.send("Performance.enable", {"timeDomain": "threadTicks"})
        await visitor.page.evaluate(COUNT_FRAMES)
        return cls(visitor, session)

    async def metrics(self) -> dict[str, float]:
        found = await self._session.send("Performance.getMetrics")
        return {entry["name"]: entry["value"] for entry in found["metrics"]}

    async def heap_mb(self) -> float:
        """What is in use after a collection."""
        await self._session.send("HeapProfiler.collectGarbage")
        return float((await self._session.send("Runtime.getHeapUsage"))["usedSize"]) / 1e6

    async def window(self, seconds: float) -> dict[str, float]:
        """Over so many seconds: script and main thread in ms/s, frames/s, and the 95th percentile between frames in ms."""
        before = await self.metrics()
        await self._page.evaluate(TAKE_FRAMES)
        await asyncio.sleep(seconds)
        times: list[float] = await self._page.evaluate(TAKE_FRAMES)
        after = await self.metrics()
        wall = (times[-1] - times[0]) / 1e3
        between = sorted(b - a for a, b in itertools.pairwise(times))
        return {
            "script": (after["ScriptDuration"] - before["ScriptDuration"]) / wall * 1e3,
            "task": (after["TaskDuration"] - before["TaskDuration"]) / wall * 1e3,
            "fps": (len(times) - 1) / (times[-1] - times[0]) * 1e3,
            "p95": percentile(between, 95),
        }


async def measure() -> list[Figure]:
    async with gateway_stand() as stand, child("speakers") as speakers, Chromium() as chromium:
        await speakers.ask("open", url=stand.nats_url)
        async with httpx2.AsyncClient(base_url=stand.url) as api:
            await api.post("/v1/conversations", json={"id": "short"})
        return [
            *await _first_load(chromium, stand.url),
            *await _choir(chromium, stand.url, speakers),
            *await _long(chromium, stand.url, speakers),
            *await _calls(chromium, stand.url, speakers),
        ]


async def _first_load(chromium: Chromium, url: str) -> list[Figure]:
    async with chromium.visitor(url) as visitor:
        sizes: list[int] = []

        async def weigh(response: Any) -> None:
            if ".js" in response.url:
                sizes.append(len(gzip.compress(await response.body(), 6)))

        waiting: list[asyncio.Task[None]] = []
        visitor.page.on("response", lambda response: waiting.append(asyncio.ensure_future(weigh(response))))
        await visitor.open("short")
        await visitor.page.wait_for_load_state("networkidle")
        await asyncio.gather(*waiting)
    return [figure("page", "script of the first load, gzip", [sum(sizes) / SCRIPT_KB], "kB", at_most=250)]


async def _choir(chromium: Chromium, url: str, speakers: Any) -> list[Figure]:
    """In a window as people have it, and in one five times as high. At the end of what each has said so far, either shows one
    agent or two at work: the others stream out of sight, as they do before people.
    """
    figures = []
    for window, height in (("", 900), (", window of 4,500 px", 900 * 5)):
        conversation = f"choir_{height}"
        async with httpx2.AsyncClient(base_url=url) as api:
            await api.post("/v1/conversations", json={"id": conversation})
        seconds = WARM_UP_S + WINDOWS * (WINDOW_S + 1)
        async with chromium.visitor(url, viewport={"width": 1280, "height": height}) as visitor:
            await visitor.open("short")
            meter = await Meter.attach(visitor)
            idle = await meter.window(WINDOW_S)
            await speakers.ask(
                "speak", conversation=conversation, agents=AGENTS, tokens_per_s=TOKENS_PER_S, seconds=seconds
            )
            await visitor.open(conversation)
            await visitor.has_badge("live")
            await asyncio.sleep(WARM_UP_S)
            windows = [await meter.window(WINDOW_S) for _ in range(WINDOWS)]
            in_sight = await visitor.page.evaluate(IN_SIGHT)
        await speakers.ask("spoken")
        name = f"{AGENTS} agents, {TOKENS_PER_S} deltas/s each{window}"
        figures += [
            figure("page", f"{name}: script", [w["script"] for w in windows], "ms/s", at_most=250),
            figure("page", f"{name}: frames", [w["fps"] for w in windows], "/s", at_least=58),
            figure("page", f"{name}: between frames, p95", [w["p95"] for w in windows], "ms"),
            figure("page", f"{name}: main thread", [w["task"] for w in windows], "ms/s"),
            figure("page", f"{name}: messages in sight", [in_sight], ""),
            figure("page", f"{name}: frames at rest", [idle["fps"]], "/s"),
        ]
    return figures


async def _long(chromium: Chromium, url: str, speakers: Any) -> list[Figure]:
    await speakers.ask("long", conversation="long", messages=MESSAGES)
    opened, scrolls, heaps = [], [], []
    for _ in range(3):
        async with chromium.visitor(url) as visitor:
            begun = asyncio.get_running_loop().time()
            await visitor.open("long")
            await visitor.has_badge("ended")
            await visitor.page.locator('[data-testid="conversation"] [data-item]').first.wait_for()
            opened.append((asyncio.get_running_loop().time() - begun) * 1e3)
            meter = await Meter.attach(visitor)
            await visitor.page.mouse.move(640, 400)
            scrolling = asyncio.ensure_future(_scroll(visitor))
            scrolls.append(await meter.window(WINDOW_S))
            scrolling.cancel()
            heaps.append(await meter.heap_mb())
    name = f"{MESSAGES:,} messages"
    return [
        figure("page", f"{name}: from the address to the last message", opened, "ms"),
        figure("page", f"{name}: frames while scrolling", [w["fps"] for w in scrolls], "/s", at_least=50),
        figure("page", f"{name}: between frames, p95", [w["p95"] for w in scrolls], "ms"),
        figure("page", f"{name}: heap", heaps, "MB"),
    ]


async def _calls(chromium: Chromium, url: str, speakers: Any) -> list[Figure]:
    """Each call is an item that opens and closes. What one costs must not grow with the items that are there."""
    figures, scripts = [], []
    for items in (0, MESSAGES):
        conversation = f"calls_{items}"
        async with httpx2.AsyncClient(base_url=url) as api:
            await api.post("/v1/conversations", json={"id": conversation})
        seconds = WARM_UP_S + WINDOWS * (WINDOW_S + 1) + CALLS_SPARE_S
        load = {"agents": AGENTS, "before": items, "calls_per_s": CALLS_PER_S, "seconds": seconds}
        await speakers.ask("call", conversation=conversation, **load)
        async with chromium.visitor(url) as visitor:
            await visitor.open(conversation)
            await visitor.has_badge("live")
            meter = await Meter.attach(visitor)
            await asyncio.sleep(WARM_UP_S)
            windows = [await meter.window(WINDOW_S) for _ in range(WINDOWS)]
        await speakers.ask("spoken")
        name = f"{AGENTS} agents, {CALLS_PER_S} tool calls/s each, after {items:,}"
        scripts.append([w["script"] for w in windows])
        figures += [
            figure("page", f"{name}: script", scripts[-1], "ms/s", at_most=250),
            figure("page", f"{name}: frames", [w["fps"] for w in windows], "/s", at_least=55),
            figure("page", f"{name}: main thread", [w["task"] for w in windows], "ms/s"),
        ]
    times = [after / statistics.median(scripts[0]) for after in scripts[1]]
    return [*figures, figure("page", f"… script after {MESSAGES:,} ÷ after none", times, "", at_most=CALLS_TIMES_MAX)]


async def _scroll(visitor: Visitor) -> None:
    while True:
        await visitor.page.mouse.wheel(0, -WHEEL_PX)
        await asyncio.sleep(1 / 30)
