"""The streaming core on a real nats-server: what the memory broker cannot show."""

import asyncio
import random

import nats
import pytest

from schemas import cursor as cursors
from schemas import wire
from schemas.errors import Unavailable
from services.broker import jetstream
from services.broker.stream_file import layout
from services.gateway.hub import Hub
from tests.gateway.stream import kit
from tests.gateway.stream.kit import CONVERSATION, TENANT, Client, Log
from tests.nats_server import NatsServer
from tests.schemas import logs

DEADLINE_S = 30.0
DEPLOYMENT = layout(partitions=1)


@pytest.fixture
async def server(tmp_path):
    async with NatsServer(tmp_path) as server:
        await jetstream.provision(server.url, DEPLOYMENT)
        yield server


@pytest.fixture
async def connect(server):
    brokers = []

    async def connect():
        brokers.append(await jetstream.connect(server.url, "test"))
        return brokers[-1]

    yield connect
    for broker in brokers:
        await broker.close()


async def write(log, frames):
    """As a worker does: the same message again until it is known to be stored."""
    for frame in frames:
        while True:
            try:
                await log.write(frame)
                break
            except Unavailable:
                await asyncio.sleep(0.05)


async def watch(hub, client, log, after=None):
    """Until the client has what the log has by then."""
    async with asyncio.timeout(DEADLINE_S), hub.channel(TENANT, CONVERSATION) as channel:
        reader = channel.reader(after=after)
        while client.fold.snapshot() != log.transcript():
            client.take(await reader.next())


async def test_a_client_that_is_cut_after_every_frame_has_all_of_them_once_on_either_gateway(connect):
    log = Log(await connect())
    frames = logs.conversation(random.Random(7), runs=2)
    await write(log, frames[:2])
    async with Hub(await connect(), kit.Archive()) as one, Hub(await connect(), kit.Archive()) as two:
        client, after = Client(), None
        for index, frame in enumerate(frames[2:]):
            await write(log, [frame])
            await watch((one, two)[index % 2], client, log, after)
            after = cursors.parse(client.cursor)
        assert client.gaps == []
        assert client.fold.snapshot() == log.transcript()


async def test_a_restart_of_the_server_in_mid_run_loses_nothing(server, connect):
    log = Log(await connect())
    await write(log, [kit.created(), kit.asked(), kit.started()])
    async with Hub(await connect(), kit.Archive()) as hub:
        client = Client()
        await watch(hub, client, log)
        async with hub.channel(TENANT, CONVERSATION) as channel, asyncio.TaskGroup() as tasks:
            reader = channel.reader(after=cursors.parse(client.cursor), mode="replay")
            writing = tasks.create_task(write(log, [*map(kit.delta, range(200)), kit.ended(200)]))
            async with asyncio.timeout(DEADLINE_S):
                while len(client.seqs) < 20:
                    client.take(await reader.next())
                server.kill()
                await server.start()
                while not (writing.done() and client.fold.snapshot() == log.transcript()):
                    client.take(await reader.next())
        assert client.gaps == []


async def test_a_stream_that_was_made_anew_is_noticed_by_who_watches(server, connect):
    broker = await connect()
    log = Log(broker)
    await write(log, [kit.created(), kit.asked(), kit.started(), *map(kit.delta, range(5))])
    async with Hub(await connect(), kit.Archive(), kit.QUICK) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        reader, client = channel.reader(), Client()
        async with asyncio.timeout(DEADLINE_S):
            while client.fold.snapshot() != log.transcript():
                client.take(await reader.next())
            await delete_stream(server.url)
            await jetstream.provision(server.url, DEPLOYMENT)
            fresh = Log(broker)
            await write(fresh, [kit.created("anew")])
            while client.fold.snapshot() != fresh.transcript():
                client.take(await reader.next())
        assert client.gaps == ["epoch"]


async def delete_stream(url):
    client = await nats.connect(url)
    await client.jetstream().delete_stream("AB_EVENTS_0")
    await client.close()


async def test_a_replay_of_a_long_log_is_what_was_written(connect):
    log = Log(await connect())
    frames = [kit.created(), kit.asked(), kit.started(), *map(kit.delta, range(1000)), kit.ended(1000)]
    await write(log, frames)
    async with Hub(await connect(), kit.Archive()) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        reader = channel.reader(mode="replay")
        got = []
        while not isinstance(message := await reader.next(), wire.CaughtUp):
            got += message.frames if isinstance(message, wire.Events) else []
        assert got == log.stored
