"""Fan-out: one hot conversation to 1,000 viewers of one gateway process, against a bare loop over ASGI `send` with messages
of the same size and rate.
"""

from __future__ import annotations

import asyncio

from tests.bench.child import Child, child
from tests.bench.figures import Figure, figure
from tests.bench.stand import GatewayStand, gateway_stand

VIEWERS = 1_000
FRAMES_S = 20
FRAME_BYTES = 260
"""In the log; as a message to a viewer about 400."""

WINDOWS = 5
WINDOW_S = 3.0
MARGIN_S = 0.2


async def measure() -> list[Figure]:
    async with (
        gateway_stand() as stand,
        child("load") as load,
        child("bare") as bare,
        child("viewers") as viewers,
        child("viewers") as bare_viewers,
    ):
        await load.ask("open", url=stand.nats_url, conversations=["hot"], frame_bytes=FRAME_BYTES)
        await viewers.ask("open", port=stand.port, path="/v1/ws", conversations=["hot"] * VIEWERS)
        await bare_viewers.ask("open", port=await bare.ask("open"), path="/", conversations=[""] * VIEWERS)
        pushed, limits, sizes, shares = [], [], [], []
        for _ in range(WINDOWS):
            cost, size, share = await _gateway_window(stand, load, viewers)
            pushed.append(cost)
            sizes.append(size)
            shares.append(share)
            limits.append(await _bare_window(bare, bare_viewers, round(size)))
    return [
        figure("fanout", "gateway CPU per delivered frame", pushed, "µs"),
        figure("fanout", "bare ASGI send loop", limits, "µs"),
        figure("fanout", "bytes per message", sizes, "B"),
        figure("fanout", "delivered of expected", shares, "", at_least=0.99),
        figure("fanout", "gateway ÷ bare", [a / b for a, b in zip(pushed, limits, strict=True)], "", at_most=0.85),
    ]


async def _gateway_window(stand: GatewayStand, load: Child, viewers: Child) -> tuple[float, float, float]:
    """CPU µs per delivered frame, bytes per frame, and the share of what should have come."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.ask("run", per_lane_s=FRAMES_S, seconds=WINDOW_S + 2 * MARGIN_S, tick_s=0.005))
        await asyncio.sleep(MARGIN_S)
        used = stand.cpu.seconds()
        seen = (await viewers.ask("window", seconds=WINDOW_S))["viewed"]
        used = stand.cpu.seconds() - used
    return used / seen["frames"] * 1e6, seen["bytes"] / seen["frames"], seen["per_s"] / (VIEWERS * FRAMES_S)


async def _bare_window(bare: Child, viewers: Child, message_bytes: int) -> float:
    async with asyncio.TaskGroup() as tasks:
        seconds = WINDOW_S + 2 * MARGIN_S
        tasks.create_task(bare.ask("run", per_s=FRAMES_S, seconds=seconds, message_bytes=message_bytes))
        await asyncio.sleep(MARGIN_S)
        used = bare.cpu.seconds()
        seen = (await viewers.ask("window", seconds=WINDOW_S))["viewed"]
        used = bare.cpu.seconds() - used
    return used / seen["frames"] * 1e6
