"""Live latency: from the emission of a token in a worker to its bytes at a WebSocket viewer, 20 runs of 50 tokens/s, against
plain publish → republish → subscriber at the same rate. All on one clock, in processes of their own.
"""

from __future__ import annotations

import asyncio

from tests.bench.child import Child, child
from tests.bench.figures import Figure, figure
from tests.bench.stand import gateway_stand

RUNS = 20
TOKENS_S = 50
WINDOWS = 5
WINDOW_S = 3.0
MARGIN_S = 0.3
FRAME_BYTES = 125
"""Of a frame with one token, as the lanes make it."""


async def measure() -> list[Figure]:
    runs = [f"run{i}" for i in range(RUNS)]
    plain = [f"plain{i}" for i in range(RUNS)]
    async with (
        gateway_stand() as stand,
        child("producer") as producer,
        child("load") as load,
        child("viewers") as viewers,
    ):
        await producer.ask("open", url=stand.nats_url, conversations=runs, stamped=True)
        await load.ask("open", url=stand.nats_url, conversations=plain, frame_bytes=FRAME_BYTES)
        await viewers.ask("open", port=stand.port, path="/v1/ws", conversations=runs)
        await viewers.ask("tap", nats_url=stand.nats_url, conversations=[*plain, *runs])
        raw, seen = [], []
        for _ in range(WINDOWS):
            raw.append(await _window(viewers, load, per_lane_s=TOKENS_S, tick_s=0.001))
            seen.append(await _window(viewers, producer, per_run_s=TOKENS_S))
    return _figures(raw, seen)


async def _window(viewers: Child, source: Child, **rate: float) -> dict[str, dict[str, float]]:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(source.ask("run", seconds=WINDOW_S + 2 * MARGIN_S, **rate))
        await asyncio.sleep(MARGIN_S)
        window: dict[str, dict[str, float]] = await viewers.ask("window", seconds=WINDOW_S)
    return window


def _figures(raw: list[dict[str, dict[str, float]]], seen: list[dict[str, dict[str, float]]]) -> list[Figure]:
    pairs = [(plain["raw"], run["viewed"]) for plain, run in zip(raw, seen, strict=True)]
    return [
        figure("latency", "raw subscriber p50", [plain["p50"] for plain, _ in pairs], "ms"),
        figure("latency", "raw subscriber p99", [plain["p99"] for plain, _ in pairs], "ms"),
        figure("latency", "WebSocket viewer p50", [viewed["p50"] for _, viewed in pairs], "ms"),
        figure("latency", "WebSocket viewer p99", [viewed["p99"] for _, viewed in pairs], "ms"),
        figure(
            "latency",
            "the same worker at the raw subscriber, p50",
            [run["raw"]["p50"] for run in seen],
            "ms",
        ),
        figure(
            "latency", "p50 above raw", [viewed["p50"] - plain["p50"] for plain, viewed in pairs], "ms", at_most=0.3
        ),
        figure("latency", "p99 ÷ raw", [viewed["p99"] / plain["p99"] for plain, viewed in pairs], "", at_most=2),
    ]
