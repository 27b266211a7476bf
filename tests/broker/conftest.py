"""Brokers of all kinds for the contract suite, each provisioned as a deployment would."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from services.broker import jetstream
from services.broker.memory import MemoryBroker, MemoryCore
from services.broker.port import Broker
from services.broker.stream_file import layout
from tests.broker.place import Place
from tests.nats_server import NatsCluster, NatsServer

ACK_WAIT_S = 1.0
"""Short, since tests wait for it; a heartbeat may still be half a second late."""

ONE = layout(partitions=2, mirror=True, ack_wait_s=ACK_WAIT_S)
THREE = layout(partitions=2, replicas=3, mirror=True, ack_wait_s=ACK_WAIT_S)

Connect = Callable[[], Awaitable[Broker]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def one_node(tmp_path_factory, anyio_backend) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        await jetstream.provision(server.url, ONE)
        yield server


@pytest.fixture(scope="session")
async def three_nodes(tmp_path_factory, anyio_backend) -> AsyncIterator[NatsCluster]:
    async with NatsCluster(tmp_path_factory.mktemp("cluster")) as cluster:
        await jetstream.provision(cluster.url, THREE)
        yield cluster


@pytest.fixture(params=["memory", "one node", "three nodes"])
def server(request) -> NatsServer | NatsCluster | None:
    """Not async, because an async fixture cannot ask for another by name."""
    names = {"one node": "one_node", "three nodes": "three_nodes"}
    return request.getfixturevalue(names[request.param]) if request.param in names else None


@pytest.fixture
async def connect(server) -> AsyncIterator[Connect]:
    """A function that gives another connection to the same broker; all are closed afterwards."""
    core = MemoryCore(partitions=2, ack_wait_s=ACK_WAIT_S)

    async def open_one() -> Broker:
        return MemoryBroker(core) if server is None else await jetstream.connect(server.url, "test")

    async with contextlib.AsyncExitStack() as stack:

        async def connect() -> Broker:
            broker = await open_one()
            stack.push_async_callback(broker.close)
            return broker

        yield connect


@pytest.fixture
async def broker(connect) -> Broker:
    return await connect()


@pytest.fixture
async def other(connect) -> Broker:
    """A second connection to the same broker."""
    return await connect()


@pytest.fixture
def place() -> Place:
    return Place()
