"""Child: frames into the log at a steady rate, by plain publishes: the cheapest writer, for benches of what comes after it."""

from __future__ import annotations

import asyncio
import time

from tests.bench.child import Operation, serve
from tests.bench.lanes import StampedLane, opening
from tests.bench.raw import RawClient, connect


class Load:
    def __init__(self) -> None:
        self._client: RawClient
        self._lanes: list[StampedLane] = []

    async def open(self, url: str, conversations: list[str], frame_bytes: int) -> None:
        """Begin the conversations; returns when they are stored."""
        self._client = await connect(url)
        for conversation in conversations:
            for subject, data in opening(conversation):
                await self._client.request(subject, data)
            self._lanes.append(StampedLane(conversation, frame_bytes))

    async def run(self, per_lane_s: float, seconds: float, tick_s: float) -> float:
        """Publish `per_lane_s` frames a second on every lane; returns how many were sent per second."""
        rate = per_lane_s * len(self._lanes)
        sent = 0
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < seconds:
            while sent < elapsed * rate:
                lane = self._lanes[sent % len(self._lanes)]
                await self._client.publish(lane.subject, lane.frame())
                sent += 1
            await asyncio.sleep(tick_s)
        return sent / (time.monotonic() - start)


async def setup() -> dict[str, Operation]:
    load = Load()
    return {"open": load.open, "run": load.run}


if __name__ == "__main__":
    serve(setup)
