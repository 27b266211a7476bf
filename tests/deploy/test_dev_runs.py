"""What the overlay `dev` says, done without a cluster: its broker's configuration, its users, each service's own environment."""

from __future__ import annotations

import asyncio
import subprocess
import time

import httpx2
import pytest

from services.standalone.nats import binary
from services.standalone.stack import free_port
from tests.deploy.manifests import literal_environment, render
from tests.deploy.running import Broker, admin, migrate, services
from tests.live.viewer import Api, Viewer, eventually

READY_S = 30.0


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def broker(tmp_path):
    """nats-server as the StatefulSet starts it, but for its ports and its volume; yields its addresses."""
    folder = tmp_path / "etc"
    folder.mkdir()
    manifests = render("dev")
    for name, content in manifests.one("ConfigMap", "nats")["data"].items():
        (folder / name).write_text(content.replace('"/data"', f'"{tmp_path}/data"'))
    container = manifests.one("StatefulSet", "nats")["spec"]["template"]["spec"]["containers"][0]
    port, monitor = free_port(), free_port()
    addresses = ["--addr", "127.0.0.1", "--port", str(port), "--http_port", str(monitor)]
    log = (tmp_path / "nats.log").open("wb")
    server = subprocess.Popen(
        [binary(), *container["args"], *addresses],
        cwd=folder,
        env=literal_environment(manifests, container),
        stdout=log,
        stderr=log,
    )
    try:
        deadline = time.monotonic() + READY_S
        while b"Server is ready" not in (tmp_path / "nats.log").read_bytes():
            assert server.poll() is None, (tmp_path / "nats.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield Broker([f"127.0.0.1:{port}"], [f"http://127.0.0.1:{monitor}"])
    finally:
        server.kill()
        server.wait()
        log.close()


@pytest.fixture
def migrated(broker, tmp_path):
    """The broker after the Job."""
    migrate(render("dev"), broker, tmp_path)
    return broker


async def test_a_message_is_answered_and_archived_with_the_users_and_settings_of_the_manifests(migrated, tmp_path):
    manifests = render("dev")
    entry, started = services(manifests, migrated, tmp_path)
    try:
        for service in started:
            service.start()
        await entry.ready()
        async with Api(entry.url) as api:
            conversation = await api.conversation()
            run = (await api.send(conversation, "Hello.", agent="team"))["run"]
            viewer = Viewer(conversation)
            await viewer.watch(entry.url, until=lambda viewer: viewer.over(run))
            assert viewer.run(run).status == "completed"  # type: ignore[union-attr]

        async def archived() -> bool:
            done = await asyncio.to_thread(admin, ["verify"], manifests, migrated, tmp_path)
            return done.returncode == 0 and "1 checked" in done.stdout

        await eventually(archived, "the run is in the archive")
        for service in started:
            words = service.log.read_text().lower()
            assert "permission" not in words, words
            assert service.stop(60) == 0
    finally:
        for service in started:
            service.kill()


def test_the_autoscalers_find_their_consumers_where_they_look(migrated):
    """KEDA asks `/jsz` of a node and reads the lag out of it; what it does not find it takes for the lag of a whole stream."""
    for scaler in render("production").of("ScaledObject"):
        (asked,) = (trigger["metadata"] for trigger in scaler["spec"]["triggers"])
        answer = httpx2.get(f"{migrated.monitors[0]}/jsz?acc={asked['account']}&consumers=true&config=true")
        (account,) = answer.json()["account_details"]
        stream = next(one for one in account["stream_detail"] if one["name"] == asked["stream"])
        consumer = next(one for one in stream["consumer_detail"] if one["name"] == asked["consumer"])
        assert consumer["num_pending"] + consumer["num_ack_pending"] == 0
