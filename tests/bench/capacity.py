"""Capacity: what the broker and the database pay for each thing that runs make them do, as CPU, memory and bytes, so that
docs/scaling.md can add it up. CPU and bytes say the same on a busy machine; rates do not, so none is measured here.

The broker is measured twice: one server with one copy, and three with three copies, mirrors and a sync per append, as the
profile `production` has it. `node` is one of the three, on average: they share leaders when there are many partitions.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import asyncpg
import msgspec
import psutil

from schemas import subjects
from schemas.codec import decode_frame
from schemas.commands import RunCommand
from services.archive.migrate import migrate
from services.archive.writer import open_writer
from services.broker.jetstream import JetStreamBroker, connect, provision
from services.broker.stream_file import layout
from tests import postgres
from tests.archive.logs import seals_of
from tests.bench.child import Cpu, child
from tests.bench.figures import Figure, figure
from tests.bench.lanes import PARTITION, TENANT
from tests.bench.raw import connect as connect_raw
from tests.nats_server import NatsCluster, NatsServer

RUNS = 80
TOKENS_S = 50
WINDOWS = 3
WINDOW_S = 4.0
COMMANDS = 4_000
FETCHED_AT_ONCE = 32
READS = 5_000
WATCHED = 20_000
SETTLE_S = 2.0
SEALS = 600
BATCH = 50
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "team.log.jsonl"
ROOM = {"partitions": 1, "events_bytes": 2**30, "objects_bytes": 2**26, "seals_bytes": 2**26, "volume_bytes": 0}


async def measure() -> list[Figure]:
    figures = []
    with TemporaryDirectory() as folder:
        async with NatsServer(Path(folder)) as server:
            figures += await _broker("one server", server.url, [server], "development")
    with TemporaryDirectory() as folder:
        async with NatsCluster(Path(folder), sync_interval="always") as cluster:
            figures += await _broker("node of three", cluster.url, cluster.nodes, "production")
    return figures + await _archive()


class Servers:
    """What the servers have used, per server."""

    def __init__(self, nodes: Sequence[NatsServer]) -> None:
        self._cpus = [Cpu(node.pid) for node in nodes]

    def cpu_us(self) -> float:
        return sum(cpu.seconds() for cpu in self._cpus) / len(self._cpus) * 1e6

    def resident_kb(self) -> float:
        return sum(cpu.resident_bytes() for cpu in self._cpus) / len(self._cpus) / 1024


async def _broker(name: str, url: str, nodes: Sequence[NatsServer], profile: str) -> list[Figure]:
    await provision(url, layout(profile, **ROOM))
    servers = Servers(nodes)
    broker = await connect(url, "bench", replay_mirror=profile == "production")
    try:
        figures = await _subscriptions(servers, url)  # while the servers have no memory to spare
        figures += await _frames(servers, url) + await _queue(servers, broker) + await _reads(servers, broker)
    finally:
        await broker.close()
    return [figure("capacity", f"{name}: {what}", windows, unit) for what, windows, unit in figures]


T = TypeVar("T")
Measured = tuple[str, list[float], str]


async def _frames(servers: Servers, url: str) -> list[Measured]:
    """As `producers`, but as few and as slow as the runs of two workers, whose frames hold one token."""
    cpu, worker = [], []
    async with child("producer") as producer:
        await producer.ask("open", url=url, conversations=[f"c{i}" for i in range(RUNS)], stamped=False)
        for _ in range(WINDOWS):
            generated = await producer.ask("generate", per_run_s=TOKENS_S, seconds=1.0)
            before = servers.cpu_us()
            window = await producer.ask("run", per_run_s=TOKENS_S, seconds=WINDOW_S)
            frames = window["per_s"] * WINDOW_S / window["per_frame"]
            cpu.append((servers.cpu_us() - before) / frames)
            worker.append(window["cpu_us"] - generated)
    stored = await _stored(url)
    return [
        ("CPU per frame appended", cpu, "µs"),
        ("CPU of the worker per token, one a frame", worker, "µs"),
        ("bytes per frame in the log", [stored], "B"),
    ]


async def _stored(url: str) -> float:
    client = await connect_raw(url.partition(",")[0])
    try:
        state = (await client.jetstream().stream_info(subjects.events_stream(PARTITION))).state
        return state.bytes / state.messages
    finally:
        await client.close()


async def _queue(servers: Servers, broker: JetStreamBroker) -> list[Measured]:
    """The life of a command: published, fetched, held, acknowledged."""
    commands = [
        RunCommand(
            tenant=TENANT,
            conversation=f"q{i}",
            partition=PARTITION,
            run=f"q{i}",
            agent="team",
            message="m",
            text="go",
            ordinal=1,
            seq=1,
            sent=1,
        )
        for i in range(COMMANDS)
    ]
    used = [servers.cpu_us()]
    for some in _in_parts(commands):
        await asyncio.gather(*map(broker.publish_command, some))
    used.append(servers.cpu_us())
    deliveries = []
    while len(deliveries) < COMMANDS:
        fetched = await asyncio.gather(*(broker.fetch_command(5.0) for _ in range(FETCHED_AT_ONCE)))
        deliveries += [delivery for delivery in fetched if delivery is not None]
    used.append(servers.cpu_us())
    for held in _in_parts(deliveries):
        await asyncio.gather(*(delivery.in_progress() for delivery in held))
    used.append(servers.cpu_us())
    for held in _in_parts(deliveries):
        await asyncio.gather(*(delivery.ack() for delivery in held))
    used.append(servers.cpu_us())
    steps = ("command published", "command fetched", "heartbeat of a run", "command acknowledged")
    costs = [(after - before) / COMMANDS for before, after in itertools.pairwise(used)]
    return [(f"CPU per {step}", [cost], "µs") for step, cost in zip(steps, costs, strict=True)]


def _in_parts(things: Sequence[T]) -> Iterable[Sequence[T]]:
    return (things[start : start + FETCHED_AT_ONCE] for start in range(0, len(things), FETCHED_AT_ONCE))


async def _reads(servers: Servers, broker: JetStreamBroker) -> list[Measured]:
    """What a gateway asks about a conversation that is silent, and a worker with each heartbeat: the leader, for a lane's last
    message; a copy, for what came after a sequence.
    """
    lane = subjects.event(PARTITION, TENANT, "c0", subjects.IN_LANE)
    log = subjects.conversation_events(PARTITION, TENANT, "c0")
    last = (await broker.bounds(PARTITION)).last
    await broker.read(PARTITION, log, last, messages=1)
    used = [servers.cpu_us()]
    for some in _in_parts(range(READS)):
        await asyncio.gather(*(broker.last_message(PARTITION, lane) for _ in some))
    used.append(servers.cpu_us())
    for some in _in_parts(range(READS)):
        await asyncio.gather(*(broker.read(PARTITION, log, last, messages=1) for _ in some))
    used.append(servers.cpu_us())
    return [
        ("CPU per last message asked of the leader", [(used[1] - used[0]) / READS], "µs"),
        ("CPU per look into the log that finds nothing", [(used[2] - used[1]) / READS], "µs"),
    ]


async def _subscriptions(servers: Servers, url: str) -> list[Measured]:
    """A conversation that is watched is one subscription, of which every server of the cluster hears."""
    client = await connect_raw(url.partition(",")[0])
    try:
        before = servers.resident_kb()
        for i in range(WATCHED):
            await client.subscribe(subjects.live(PARTITION, TENANT, f"w{i}"), pending_msgs_limit=1)
        await client.flush()
        await asyncio.sleep(SETTLE_S)
        return [("memory per conversation watched", [(servers.resident_kb() - before) / WATCHED], "KB")]
    finally:
        await client.close()


async def _archive() -> list[Figure]:
    """The golden `team` run, again and again as another tenant's, in batches as a persister writes them."""
    server = await postgres.shared()
    url = await server.clone("archive", migrate)
    log = [decode_frame(line) for line in GOLDEN.read_bytes().splitlines()]
    seals = [seals_of(log, tenant=f"t{i}", conversation=f"c{i}")[0] for i in range(SEALS + BATCH)]
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    writer = open_writer(url)
    try:
        await writer.write(seals[:BATCH])
        ours = psutil.Process()
        used = _cpu_us([ours]), _cpu_us(await _backends(connection)), await _database_bytes(connection)
        for start in range(BATCH, len(seals), BATCH):
            assert not any(await writer.write(seals[start : start + BATCH]))
        persister, database, size = (
            _cpu_us([ours]) - used[0],
            _cpu_us(await _backends(connection)) - used[1],
            await _database_bytes(connection) - used[2],
        )
    finally:
        await writer.close()
        await connection.close()
    sealed = len(msgspec.json.encode(seals[0]))
    return [
        figure("capacity", "persister: CPU per seal", [persister / SEALS / 1e3], "ms"),
        figure("capacity", "PostgreSQL: CPU per seal", [database / SEALS / 1e3], "ms"),
        figure("capacity", "a seal of the golden `team` run", [sealed / 1024], "KB"),
        figure("capacity", "PostgreSQL: the same run, stored with its indexes", [size / SEALS / 1024], "KB"),
    ]


async def _backends(connection: asyncpg.Connection) -> list[psutil.Process]:
    rows = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
    return [psutil.Process(row["pid"]) for row in rows]


async def _database_bytes(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT pg_database_size(current_database())"))


def _cpu_us(processes: Iterable[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(one.user + one.system for one in times) * 1e6
