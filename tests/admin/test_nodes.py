"""Whether nats-servers are well, asked of real ones."""

import asyncio
import re

import pytest

from schemas.errors import Invalid
from services.admin.nodes import Nodes, Settings
from services.metrics import Metrics
from services.standalone.stack import free_port
from tests.broker.waiting import eventually
from tests.nats_server import NatsServer

ALONE = 'cluster {{ name: test, listen: "127.0.0.1:-1", routes: ["nats://127.0.0.1:{}"] }}'
"""One of a cluster that is alone: it listens, JetStream is enabled, and nothing can be written."""


@pytest.fixture
async def well(tmp_path):
    async with NatsServer(tmp_path, name="well") as server:
        yield server


@pytest.fixture
async def ill(tmp_path):
    server = NatsServer(tmp_path, name="ill", cluster=ALONE.format(free_port()))
    server.spawn()
    try:
        await eventually(server._bound)
        yield server
    finally:
        server.kill()


async def test_a_server_is_well_if_it_says_so_and_not_if_it_cannot_write_or_does_not_answer(well, ill):
    nobody, metrics = f"http://127.0.0.1:{free_port()}", Metrics()
    servers = [well.monitor_url, ill.monitor_url, nobody]
    nodes = Nodes(Settings(nats_monitors=f"{servers[0]}/, {servers[1]},{nobody}"))
    nodes.register(metrics)
    watching = asyncio.create_task(nodes.watch())

    async def told():
        found = re.findall(
            r'^anabranch_nats_healthy{server="(\S+)"} (\S+)$', metrics.exposition().decode(), re.MULTILINE
        )
        return {f"http://{server}": float(value) for server, value in found} if len(found) == len(servers) else None

    said = await eventually(told)
    watching.cancel()

    assert said == dict(zip(servers, [1.0, 0.0, 0.0], strict=True))


def test_a_server_that_is_no_url_is_refused():
    with pytest.raises(
        Invalid, match=r"^ANABRANCH_NATS_MONITORS: 'nats:8222' does not begin with http:// or https://$"
    ):
        Nodes(Settings(nats_monitors="nats:8222"))
