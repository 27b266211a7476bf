"""Memory: what a viewer costs a gateway that has nothing to say to it."""

from __future__ import annotations

import asyncio

from tests.bench.child import child
from tests.bench.figures import Figure, figure
from tests.bench.stand import gateway_stand

WARM_UP = 300
VIEWERS = 1_000
WINDOWS = 3
SETTLE_S = 1.0


async def measure() -> list[Figure]:
    names = [f"c{i}" for i in range(VIEWERS)]
    async with gateway_stand() as stand, child("load") as load, child("viewers") as viewers:
        await load.ask("open", url=stand.nats_url, conversations=["one", *names], frame_bytes=0)

        async def grown_kb(conversations: list[str]) -> float:
            before = stand.cpu.resident_bytes()
            await viewers.ask("open", port=stand.port, path="/v1/ws", conversations=conversations)
            await asyncio.sleep(SETTLE_S)
            return (stand.cpu.resident_bytes() - before) / len(conversations) / 1024

        await grown_kb(["one"] * WARM_UP)
        together = [await grown_kb(["one"] * VIEWERS) for _ in range(WINDOWS)]
        apart = await grown_kb(names)
    return [
        figure("memory", "idle viewer", together, "KB", at_most=40),
        figure("memory", "idle viewer with a short conversation of its own", [apart], "KB"),
    ]
