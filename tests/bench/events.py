"""Events: what one costs to encode, decode and fold, and how many bytes it is, in a run of `team` as a worker publishes it
at the rehearsed model's own rate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx2

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame, encode_frame
from schemas.fold import Fold
from schemas.transcript import Transcript
from tests.bench.figures import Figure, figure
from tests.bench.lanes import PARTITION, TENANT
from tests.bench.raw import connect, read_batches
from tests.bench.stand import GatewayStand, gateway_stand

CONVERSATION = "bench"
RUN_S = 120.0
WINDOWS = 5
WINDOW_S = 0.5


async def measure() -> list[Figure]:
    async with gateway_stand(workers=1) as stand:
        log = await _team_run(stand)
    frames = [decode_frame(data, seq) for seq, data in enumerate(log, start=1)]
    lane = [(frame, data) for frame, data in zip(frames, log, strict=True) if not frame.is_input]
    events = sum(len(frame.events) for frame, _ in lane)
    emitted = _emitted([frame for frame, _ in lane])
    size = sum(len(data) for _, data in lane)
    deltas, text = _texts(frames)

    def encode_and_decode() -> None:
        for frame, _ in lane:
            decode_frame(encode_frame(frame))

    def decode_and_fold() -> None:
        fold = Fold(Transcript(conversation=CONVERSATION), dense=False)
        for seq, data in enumerate(text, start=1):
            fold.apply(decode_frame(data, seq))

    def decode_and_fold_all() -> None:
        fold = Fold(Transcript(conversation=CONVERSATION))
        for seq, data in enumerate(log, start=1):
            fold.apply(decode_frame(data, seq))

    return [
        figure("events", "events emitted in a team run", [emitted], ""),
        figure("events", "of them stored, adjacent deltas merged", [events], ""),
        figure("events", "stored events per frame", [events / len(lane)], ""),
        figure("events", "bytes per emitted event", [size / emitted], "B", at_most=120),
        figure("events", "bytes per stored event", [size / events], "B"),
        figure(
            "events",
            "encode + decode, per event",
            [us / events for us in _windows(encode_and_decode)],
            "µs",
            at_most=1.5,
        ),
        figure(
            "events",
            "decode + fold of its text, deltas/s",
            [deltas / us * 1e6 for us in _windows(decode_and_fold)],
            "/s",
            at_least=700_000,
        ),
        figure(
            "events",
            "decode + fold of everything, events/s",
            [events / us * 1e6 for us in _windows(decode_and_fold_all)],
            "/s",
        ),
    ]


async def _team_run(stand: GatewayStand) -> list[bytes]:
    """Let a real worker answer one message; returns the conversation's log."""
    async with httpx2.AsyncClient(base_url=stand.url, timeout=RUN_S) as http, asyncio.timeout(RUN_S):
        (await http.post("/v1/conversations", json={"id": CONVERSATION})).raise_for_status()
        message = {"text": "How did the river change in the last ten years?", "agent": "team"}
        streamed = {"Accept": "text/event-stream"}  # until the run ends
        await http.post(f"/v1/conversations/{CONVERSATION}/messages", json=message, headers=streamed)
    client = await connect(stand.nats_url)
    try:
        where = subjects.conversation_events(PARTITION, TENANT, CONVERSATION)
        return await read_batches(client, subjects.events_stream(PARTITION), where)
    finally:
        await client.close()


def _emitted(frames: list[ev.Frame]) -> int:
    """What the agents emitted: every event that is no delta, and one delta for each token of the model's output."""
    events = [event for frame in frames for event in frame.events]
    tokens = sum(event.usage.output for event in events if isinstance(event, ev.UsageUpdated))
    return tokens + sum(not isinstance(event, ev.TEXT_DELTAS) for event in events)


def _texts(frames: list[ev.Frame]) -> tuple[int, list[bytes]]:
    """How many deltas of messages and reasoning there are, and a log of nothing else, in the frames that they came in."""
    opened: list[ev.AnyEvent] = []
    spoken: list[ev.Frame] = []
    n = 0
    for frame in frames:
        opened += [event for event in frame.events if isinstance(event, (ev.MessageStarted, ev.ReasoningStarted))]
        deltas = [event for event in frame.events if isinstance(event, (ev.MessageDelta, ev.ReasoningDelta))]
        if deltas:
            spoken.append(ev.Frame(run=frame.run, n=n + 1, ts=frame.ts, ns=frame.ns, events=deltas))
            n += len(deltas)
    begin = ev.Frame(run=spoken[0].run, lane="in", n=1, ts=0, events=opened)
    return n, [encode_frame(frame) for frame in [begin, *spoken]]


def _windows(work: Callable[[], None]) -> list[float]:
    """µs that one `work` takes, in each window."""
    costs = []
    for _ in range(WINDOWS):
        times = 0
        start = time.perf_counter()
        while time.perf_counter() - start < WINDOW_S:
            work()
            times += 1
        costs.append((time.perf_counter() - start) / times * 1e6)
    return costs
