"""Late join: a viewer comes to a conversation of 10², 10⁴ and 10⁵ events that others watch (hot) or nobody does (cold), or
replays it from the start; against the raw Direct Get read of the same conversation.
"""

from __future__ import annotations

import statistics
from typing import Any

import msgspec

from tests.bench.child import Child, child
from tests.bench.figures import Figure, figure
from tests.bench.stand import GatewayStand, gateway_stand

SIZES = {"10²": (100, 15), "10⁴": (10_000, 7), "10⁵": (100_000, 3)}
"""Events of a conversation, and how many there are of that length: one window each."""

HOT_JOINS = 5


class Copy(msgspec.Struct):
    """One conversation, measured. Times in ms."""

    raw: float
    cold: float
    hot: float
    replay: float
    bytes_ratio: float


async def measure() -> list[Figure]:
    figures = []
    async with gateway_stand() as stand, child("history") as history, child("viewers") as viewers:
        await history.ask("open", url=stand.nats_url)
        await history.ask("write", conversation="warm", events=10)
        await viewers.ask("join", port=stand.port, path="/v1/ws", conversation="warm", mode="snapshot", after="")
        for label, (events, number) in SIZES.items():
            copies = [await _copy(stand, history, viewers, f"n{events}-{i}", events) for i in range(number)]
            figures += _figures(label, copies)
    return figures


async def _copy(stand: GatewayStand, history: Child, viewers: Child, conversation: str, events: int) -> Copy:
    async def join(mode: str, after: str = "") -> dict[str, Any]:
        joined: dict[str, Any] = await viewers.ask(
            "join", port=stand.port, path="/v1/ws", conversation=conversation, mode=mode, after=after
        )
        return joined

    await history.ask("write", conversation=conversation, events=events)
    raws = [await history.ask("read", conversation=conversation)]
    cold = await join("snapshot")
    raws.append(await history.ask("read", conversation=conversation))
    hot = []
    for _ in range(HOT_JOINS):
        await history.ask("write_more", conversation=conversation)  # or every join would find the last one's snapshot
        hot.append(await join("snapshot"))
    replay = await join("replay", cold["cursor"].partition("-")[0] + "-0")
    return Copy(
        raw=statistics.mean(raw["ms"] for raw in raws),
        cold=cold["ms"],
        hot=statistics.median(joined["ms"] for joined in hot),
        replay=replay["ms"],
        bytes_ratio=cold["bytes"] / raws[0]["transcript_bytes"],
    )


def _figures(label: str, copies: list[Copy]) -> list[Figure]:
    bench = f"join {label}"
    return [
        figure(bench, "hot", [copy.hot for copy in copies], "ms", at_most=5),
        figure(bench, "bytes ÷ folded transcript", [copy.bytes_ratio for copy in copies], "", at_most=1.1),
        figure(bench, "raw Direct Get", [copy.raw for copy in copies], "ms"),
        figure(bench, "cold", [copy.cold for copy in copies], "ms"),
        figure(bench, "cold ÷ raw", [copy.cold / copy.raw for copy in copies], "", at_most=1.3),
        figure(bench, "replay rate ÷ raw rate", [copy.raw / copy.replay for copy in copies], "", at_least=0.9),
    ]
