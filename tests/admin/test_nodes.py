"""Whether nats-servers are well, asked of real ones."""

import asyncio
import re

import pytest
import structlog

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


@pytest.mark.parametrize(
    "url",
    [
        "nats:8222",
        "ftp://nats:8222",
        "http://",
        "http://[nats",
        "http://nats:x",
        "http://nats:99999",
        "http://n\x00",
        "http://n?x",
    ],
)
def test_a_server_that_is_no_url_is_refused(url):
    with pytest.raises(Invalid, match=r"^ANABRANCH_NATS_MONITORS: '.+' is no base URL such as http://nats:8222$"):
        Nodes(Settings(nats_monitors=f"http://nats:8222,{url}"))


def test_a_password_in_a_url_is_refused_and_not_shown():
    with pytest.raises(Invalid, match="ANABRANCH_NATS_MONITORS: a URL with a user or password") as refusal:
        Nodes(Settings(nats_monitors="http://admin:hunter2@nats:8222"))
    assert "hunter2" not in str(refusal.value)


async def test_one_that_answers_nonsense_is_not_well_and_no_proxy_is_asked(monkeypatch):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\nconnection: close\r\n\r\nnope")
        writer.close()

    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port()}")
    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    server, metrics = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}", Metrics()
    nodes = Nodes(Settings(nats_monitors=f"http://{server}"))
    nodes.register(metrics)
    with structlog.testing.capture_logs() as logs:
        watching = asyncio.create_task(nodes.watch())

        async def told():
            return f'{{server="{server}"}} 0' in metrics.exposition().decode()

        await eventually(told)
        watching.cancel()
        listening.close()
    assert [line["said"].partition(":")[0] for line in logs] == ["DecodingError"]
