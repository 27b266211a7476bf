"""`admin metrics` as a process: what lies in the streams of a real server, for Prometheus."""

import asyncio
import os
import re
import signal
import sys

import httpx2
import pytest

from schemas.commands import RunCommand
from services.broker.jetstream import connect
from services.standalone.stack import free_port
from tests.broker.waiting import eventually
from tests.nats_server import NatsServer
from tests.nats_users import ACCOUNTS, user_url, violations


@pytest.fixture
async def server(tmp_path):
    async with NatsServer(tmp_path, accounts=ACCOUNTS) as running:
        yield running


@pytest.fixture
async def exporting(server):
    """`admin metrics` beside the server, asking it and one that is not there: process, and what it exports once it does."""
    port, nobody = free_port(), f"http://127.0.0.1:{free_port()}"
    monitors = f"{server.monitor_url},{nobody}/"
    process = await start(server, "metrics", ANABRANCH_METRICS_PORT=str(port), ANABRANCH_NATS_MONITORS=monitors)

    async def exported():
        try:
            async with httpx2.AsyncClient() as client:
                text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        except httpx2.TransportError:
            return {}
        return {name: float(value) for name, value in re.findall(r"^(anabranch_\S+) (\S+)$", text, re.MULTILINE)}

    yield process, exported
    if process.returncode is None:
        process.kill()
        await process.wait()


async def start(server, user, *words, **settings):
    environment = {"ANABRANCH_NATS_URL": user_url(server, user), **settings}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.admin", *words, env=os.environ | environment, stderr=asyncio.subprocess.PIPE
    )


async def test_what_waits_in_the_queue_of_runs_is_exported_until_the_process_is_told_to_stop(server, tmp_path):
    applied = await start(server, "admin", "apply", ANABRANCH_DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/a.sqlite3")
    assert await applied.wait() == 0
    broker = await connect(user_url(server, "gateway"), "gateway")
    command = RunCommand(
        tenant="t", conversation="c", partition=0, run="r1", agent="a", message="m", text="?", ordinal=1, seq=1, sent=0
    )
    await broker.publish_command(command)
    await broker.close()
    port = free_port()
    process = await start(server, "monitor", "metrics", ANABRANCH_METRICS_PORT=str(port))

    async def exported():
        try:
            async with httpx2.AsyncClient() as client:
                text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        except httpx2.TransportError:
            return None
        found = dict(re.findall(r"^(anabranch_\S+) (\S+)$", text, re.MULTILINE))
        return found if 'anabranch_queue_waiting{stream="AB_COMMANDS"}' in found else None

    found = await eventually(exported, within_s=30)
    process.send_signal(signal.SIGTERM)

    assert float(found['anabranch_queue_waiting{stream="AB_COMMANDS"}']) == 1.0
    assert float(found['anabranch_stream_messages{stream="AB_COMMANDS"}']) == 1.0
    assert float(found['anabranch_stream_messages{stream="AB_DEAD"}']) == 0.0
    assert 0 < float(found['anabranch_stream_full_ratio{stream="AB_COMMANDS"}']) < 0.01
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert violations(server) == []


async def test_without_a_port_it_says_which_setting_is_missing(server):
    process = await start(server, "monitor", "metrics")
    _, said = await process.communicate()

    assert process.returncode == 2
    assert said.decode().strip() == "admin: set ANABRANCH_METRICS_PORT to the port to serve metrics at"
