"""What the overlay `production` says, done without a cluster: three brokers with its configuration, TLS between them and to
clients, its users, migration and services; and one broker of three killed.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from schemas.errors import AnabranchError
from schemas.subjects import events_stream, partition_of
from services.broker import api
from services.broker.credentials import Credentials
from services.broker.jetstream import JetStreamBroker, connect
from tests.broker.place import Place, append, read_all
from tests.broker.waiting import eventually
from tests.certificates import write_certificates
from tests.deploy.brokers import Node, brokers
from tests.deploy.manifests import render
from tests.deploy.running import admin, environment, migrate, services
from tests.gateway.http.issuer import bearer
from tests.live.viewer import Api, Viewer

PARTITIONS = 16
TENANT = "acme"
REPLAY_S = 10.0
"""Of 0.1 s measured: that of a dead node waits for no election and for no time-out of a route."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def cluster(tmp_path):
    """The nodes and where they are, after the migration."""
    async with brokers(render("production"), tmp_path) as (nodes, broker):
        await asyncio.to_thread(migrate, render("production"), broker, tmp_path)
        yield nodes, broker
        assert [line for node in nodes for line in node.log.splitlines() if "Violation" in line] == []


async def leader(broker: JetStreamBroker, stream: str) -> str:
    return (await api.call(broker._connection, f"STREAM.INFO.{stream}")).cluster.leader


async def until(act):
    """What `act` returns once nothing is in its way."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await act()
            except AnabranchError:
                await asyncio.sleep(0.02)


async def test_a_run_survives_the_death_of_one_broker_of_three(cluster, tmp_path):
    (nodes, broker), manifests = cluster, render("production")
    entry, started = services(manifests, broker, tmp_path)
    monitor = environment(manifests.one("Deployment", "monitor"), manifests, broker, tmp_path)
    watching = await connect(monitor["ANABRANCH_NATS_URL"], "monitor", credentials=Credentials(nats_ca=broker.ca))
    try:
        for service in started:
            service.start()
        await entry.ready()
        async with Api(entry.url, bearer(TENANT)) as people:
            conversation = await people.conversation()
            run = (await people.send(conversation, "Hello.", agent="team"))["run"]
            viewer = Viewer(conversation)
            await viewer.watch(entry.url, headers=bearer(TENANT), until=lambda viewer: len(viewer.messages) > 20)
            leading = await leader(watching, events_stream(partition_of(TENANT, conversation, PARTITIONS)))
            next(node for node in nodes if node.name == leading).kill()
            await viewer.watch(entry.url, headers=bearer(TENANT), until=lambda viewer: viewer.over(run))
            assert viewer.run(run).status == "completed"  # type: ignore[union-attr]

        async def archived() -> bool:
            done = await asyncio.to_thread(admin, ["verify"], manifests, broker, tmp_path)
            return done.returncode == 0 and "1 checked" in done.stdout

        await eventually(archived, within_s=60)
        for service in started:
            assert service.stop(60) == 0, service.log.read_text()
    finally:
        await watching.close()
        for service in started:
            service.kill()


async def test_replay_answers_for_every_partition_when_one_broker_of_three_is_killed(cluster, tmp_path):
    """The gateway's user and settings, the broker's contract. The node that dies is the one with most leaders of mirrors."""
    (nodes, at), manifests = cluster, render("production")
    url = environment(manifests.one("Deployment", "gateway"), manifests, at, tmp_path)["ANABRANCH_NATS_URL"]
    broker = await connect(url, "gateway", credentials=Credentials(nats_ca=at.ca), replay_mirror=True)
    admin_url = environment(next(manifests.of("Job")), manifests, at, tmp_path)["ANABRANCH_NATS_URL"]
    asking = await connect(admin_url, "admin", credentials=Credentials(nats_ca=at.ca))
    places = [Place(partition) for partition in range(PARTITIONS)]
    texts = [b"%d" % number for number in range(20)]
    lasts = [(await append(broker, place.lane(), *texts))[-1] for place in places]
    leaders = [await leader(asking, f"AB_REPLAY_{place.p}") for place in places]
    next(node for node in nodes if node.name == max(leaders, key=leaders.count)).kill()
    killed = time.monotonic()

    async def replayed(place: Place, last: int) -> float:
        records = (await until(lambda: broker.read(place.p, place.all, 0, holds=last))).records
        assert [record.data for record in records] == texts
        return time.monotonic() - killed

    async def went_on(place: Place, last: int) -> float:
        seq = (await until(lambda: broker.append(place.lane(), b"on", msg_id=place.conversation))).seq
        records = await until(lambda: read_all(broker, place, last, seq))
        assert [(record.seq, record.data) for record in records] == [(seq, b"on")]
        return time.monotonic() - killed

    try:
        pairs = list(zip(places, lasts, strict=True))
        answered = await asyncio.gather(*(replayed(*pair) for pair in pairs))
        again = await asyncio.gather(*(went_on(*pair) for pair in pairs))
        print(f"\nreplay answered after {_sorted(answered)} s, new frames were replayed after {_sorted(again)} s")
        assert max(answered) < REPLAY_S
    finally:
        await broker.close()
        await asking.close()


def _sorted(seconds: list[float]) -> str:
    return ", ".join(f"{one:.2f}" for one in sorted(seconds))


async def test_a_server_without_a_certificate_of_the_authority_is_no_node(cluster, tmp_path):
    nodes, _ = cluster
    stranger = Node(render("production"), "nats-3", tmp_path / "nats-3", write_certificates(tmp_path / "stranger"))
    try:
        stranger.start([*nodes, stranger])
        await eventually(lambda: any("TLS route handshake error" in node.log for node in nodes), within_s=30)
        assert stranger.ask("routez")["num_routes"] == 0
    finally:
        stranger.kill()
    for node in nodes:
        cluster_of = node.ask("varz")["cluster"]
        assert isinstance(cluster_of, dict)
        assert (cluster_of["tls_required"], cluster_of["tls_verify"]) == (True, True)
        assert {route["remote_name"] for route in node.ask("routez")["routes"]} == {  # type: ignore[attr-defined]
            other.name for other in nodes if other is not node
        }
