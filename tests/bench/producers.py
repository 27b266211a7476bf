"""Producers: one worker process, 400 runs of 100 tokens/s into a log on disk; everything stored, in order, once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame
from services.broker.jetstream import provision
from services.broker.stream_file import layout
from tests.bench.child import child
from tests.bench.figures import Figure, figure
from tests.bench.lanes import PARTITION, token
from tests.bench.raw import connect, read_batches
from tests.nats_server import NatsServer

RUNS = 400
TOKENS_S = 100
WINDOWS = 3
WINDOW_S = 4.0


async def measure() -> list[Figure]:
    with TemporaryDirectory() as folder:
        async with NatsServer(Path(folder)) as nats, child("producer") as producer:
            await provision(nats.url, layout())
            await producer.ask("open", url=nats.url, conversations=[f"c{i}" for i in range(RUNS)], stamped=False)
            await producer.ask("run", per_run_s=TOKENS_S, seconds=1.0)
            windows, generated = [], []
            for _ in range(WINDOWS):
                generated.append(await producer.ask("generate", per_run_s=TOKENS_S, seconds=1.0))
                windows.append(await producer.ask("run", per_run_s=TOKENS_S, seconds=WINDOW_S))
            wrong = _count_wrong(await _read_log(nats.url), await producer.ask("emitted"))
    own = [window["cpu_us"] - cost for window, cost in zip(windows, generated, strict=True)]
    return [
        figure(
            "producers",
            "tokens emitted",
            [window["per_s"] for window in windows],
            "/s",
            at_least=RUNS * TOKENS_S * 0.99,
        ),
        figure("producers", "runs not stored in order, exactly once", [wrong], "", at_most=0),
        figure("producers", "worker CPU per token, generator subtracted", own, "µs", at_most=10),
        figure("producers", "generator alone", generated, "µs"),
        figure("producers", "tokens per frame", [window["per_frame"] for window in windows], ""),
        figure("producers", "publish acknowledgement p50", [window["ack_p50"] for window in windows], "ms"),
        figure("producers", "publish acknowledgement p99", [window["ack_p99"] for window in windows], "ms", at_most=50),
    ]


async def _read_log(url: str) -> list[bytes]:
    client = await connect(url)
    try:
        return await read_batches(client, subjects.events_stream(PARTITION), f"ab.evt.{PARTITION}.>")
    finally:
        await client.close()


def _count_wrong(log: Iterable[bytes], emitted: dict[str, int]) -> int:
    """How many runs have not exactly the text that was emitted, in frames that continue each other."""
    texts: defaultdict[str, list[str]] = defaultdict(list)
    last: defaultdict[str, int] = defaultdict(int)
    broken = set()
    for data in log:
        frame = decode_frame(data)
        if frame.is_input:
            continue
        if frame.n != last[frame.run] + 1:
            broken.add(frame.run)
        last[frame.run] = frame.last
        texts[frame.run] += [event.text for event in frame.events if isinstance(event, ev.MessageDelta)]
    for run, tokens in emitted.items():
        if "".join(texts[run]) != "".join(map(token, range(tokens))):
            broken.add(run)
    return len(broken)
