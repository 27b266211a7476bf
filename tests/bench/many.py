"""Many: 1,000 conversations, each with one viewer and 20 frames/s, through one gateway process."""

from __future__ import annotations

import asyncio

from tests.bench.child import Child, child
from tests.bench.figures import Figure, figure
from tests.bench.stand import GatewayStand, gateway_stand

CONVERSATIONS = 1_000
FRAMES_S = 20
FRAME_BYTES = 260
TAPPED_EVERY = 50
"""Every 50th conversation has a raw subscriber too: what it waits, the gateway is not to blame for."""

WINDOWS = 3
WINDOW_S = 5.0
MARGIN_S = 1.0


async def measure() -> list[Figure]:
    names = [f"c{i}" for i in range(CONVERSATIONS)]
    async with gateway_stand() as stand, child("load") as load, child("viewers") as viewers:
        await load.ask("open", url=stand.nats_url, conversations=names, frame_bytes=FRAME_BYTES)
        await viewers.ask("open", port=stand.port, path="/v1/ws", conversations=names)
        await viewers.ask("tap", nats_url=stand.nats_url, conversations=names[::TAPPED_EVERY])
        windows = [await _window(stand, load, viewers) for _ in range(WINDOWS)]
    return [
        figure("many", "frames delivered", [window["per_s"] for window in windows], "/s"),
        figure("many", "delivered of sent", [window["share"] for window in windows], "", at_least=0.99),
        figure("many", "gateway CPU per frame", [window["cpu_us"] for window in windows], "µs", at_most=30),
        figure("many", "raw subscriber p50", [window["raw_p50"] for window in windows], "ms"),
        figure("many", "raw subscriber p99", [window["raw_p99"] for window in windows], "ms"),
        figure("many", "p50", [window["p50"] for window in windows], "ms"),
        figure("many", "p99", [window["p99"] for window in windows], "ms", at_most=50),
    ]


async def _window(stand: GatewayStand, load: Child, viewers: Child) -> dict[str, float]:
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(load.ask("run", per_lane_s=FRAMES_S, seconds=WINDOW_S + 2 * MARGIN_S, tick_s=0.005))
        await asyncio.sleep(MARGIN_S)
        used = stand.cpu.seconds()
        window = await viewers.ask("window", seconds=WINDOW_S)
        used = stand.cpu.seconds() - used
    seen: dict[str, float] = window["viewed"]
    return seen | {
        "cpu_us": used / max(seen["frames"], 1) * 1e6,
        "share": seen["per_s"] / sending.result(),
        "raw_p50": window["raw"]["p50"],
        "raw_p99": window["raw"]["p99"],
    }
