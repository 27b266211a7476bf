"""What each service's user may not do at a real nats-server with deploy/nats. That it may do its work, tests/live shows: the
pipeline runs there under these permissions.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from schemas import subjects
from schemas.commands import AgentCard, DeadLetter
from schemas.errors import NotFound, Unavailable
from schemas.seal import SEAL_BYTES_MAX, ConversationDeletion
from services.admin.permissions import render, rights
from services.broker import api, jetstream
from services.broker.connection import Connection
from services.broker.jetstream import provision
from services.broker.stream_file import VOLUME_PART, layout
from tests.archive.logs import CONVERSATION, TENANT
from tests.archive.seals import small
from tests.broker.place import Place, append
from tests.broker.waiting import eventually
from tests.certificates import write_certificates
from tests.nats_server import NatsServer
from tests.nats_users import ACCOUNTS, FOLDER, PASSWORDS, USERS, user_url, violations


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def server(tmp_path_factory):
    async with NatsServer(tmp_path_factory.mktemp("nats"), accounts=ACCOUNTS) as server:
        await provision(user_url(server, "admin"), layout(mirror=True), name="admin")
        yield server


@pytest.fixture
async def connect(server):
    """A function that connects as a user of deploy/nats."""
    opened = []

    async def connect(user: str) -> Connection:
        opened.append(await Connection.open(user_url(server, user), user, 5.0))
        return opened[-1]

    yield connect
    for connection in opened:
        await connection.close()


async def refused(server, subject: str) -> bool:
    """Whether the server says that it has refused the subject."""

    async def said() -> bool:
        return any(f'"{subject}"' in line for line in violations(server))

    return await eventually(said, within_s=5)


RUNNING = ("gateway", "agent_worker", "persister", "admin")

ACK = "$JS.ACK.AB_SEALS.persisters.1.1.1.1700000000000000000.0"


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("gateway", "$JS.API.CONSUMER.MSG.NEXT.AB_SEALS.persisters"),
        ("gateway", "$JS.API.CONSUMER.MSG.NEXT.AB_COMMANDS.workers"),
        ("gateway", ACK),
        ("gateway", "$JS.ACK.d.a.AB_SEALS.persisters.1.1.1.1700000000000000000.0.x"),
        ("gateway", "$JS.API.CONSUMER.CREATE.AB_EVENTS_0"),
        ("gateway", "$JS.API.STREAM.DELETE.AB_EVENTS_0"),
        ("gateway", "$JS.API.STREAM.PURGE.AB_EVENTS_0"),
        ("gateway", "$O.AB_OBJECTS.C.x"),
        ("gateway", "ab.dead.seal.t.c.r"),
        ("agent_worker", "$JS.API.STREAM.DELETE.AB_COMMANDS"),
        ("agent_worker", "$JS.API.STREAM.UPDATE.AB_COMMANDS"),
        ("agent_worker", "$JS.API.STREAM.PURGE.AB_EVENTS_0"),
        ("agent_worker", "$JS.API.CONSUMER.MSG.NEXT.AB_SEALS.persisters"),
        ("agent_worker", "$JS.API.CONSUMER.DURABLE.CREATE.AB_COMMANDS.mine"),
        ("agent_worker", ACK),
        ("agent_worker", "ab.ctl.r1"),
        ("persister", "ab.evt.0.t.c.in"),
        ("persister", "ab.cmd.a.t.c"),
        ("persister", "$JS.API.CONSUMER.MSG.NEXT.AB_COMMANDS.workers"),
        ("persister", "$JS.API.STREAM.DELETE.AB_SEALS"),
        ("persister", "$JS.API.STREAM.MSG.DELETE.AB_EVENTS_0"),
        ("admin", "$JS.API.CONSUMER.MSG.NEXT.AB_SEALS.persisters"),
        ("admin", ACK.replace("AB_SEALS.persisters", "AB_COMMANDS.workers")),
        ("monitor", "$JS.API.STREAM.DELETE.AB_EVENTS_0"),
        ("monitor", "$JS.API.STREAM.PURGE.AB_EVENTS_0"),
        ("monitor", "$JS.API.STREAM.MSG.GET.AB_EVENTS_0"),
        ("monitor", "$JS.API.DIRECT.GET.AB_REPLAY_0"),
        ("monitor", "$JS.API.CONSUMER.MSG.NEXT.AB_COMMANDS.workers"),
        ("monitor", "ab.evt.0.t.c.in"),
    ],
)
async def test_a_service_may_not_publish_what_is_another_ones(server, connect, user, subject):
    connection = await connect(user)
    await connection.publish(subject, b"")
    assert await refused(server, subject)
    assert connection.connected


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("gateway", "_INBOX_agent_worker.>"),
        ("gateway", "ab.seal.>"),
        ("gateway", "$JS.ACK.>"),
        ("agent_worker", "_INBOX_gateway.>"),
        ("agent_worker", "ab.live.>"),
        ("persister", "ab.live.>"),
        ("persister", "_INBOX_admin.>"),
        ("admin", "ab.live.>"),
        ("monitor", "ab.live.>"),
        ("monitor", "_INBOX_admin.>"),
    ],
)
async def test_a_service_may_not_listen_to_another_one(server, connect, user, subject):
    connection = await connect(user)
    await connection.listen(subject, lambda *_: None)
    assert await refused(server, subject)


async def test_what_the_pipeline_does_rarely_is_permitted_too(server):
    """Large objects and seals, dead letters, taking a run over, deleting a conversation, and putting a letter back."""
    before = violations(server)
    opened = {
        user: await jetstream.connect(user_url(server, user), user, replay_mirror=user == "gateway") for user in RUNNING
    }
    gateway, worker, persister, admin = (opened[user] for user in RUNNING)
    place, name = Place(), subjects.object_name(TENANT, CONVERSATION, "d")

    [seq] = await append(worker, place.lane("r1"), b"{}")
    assert (await worker.read(0, place.all, seq - 1)).records[0].seq == seq
    await worker.put_object(name, bytes(300_000))
    assert await gateway.get_object(name) == bytes(300_000)
    for text in ("x", "y"):  # the second replaces the first
        await worker.publish_seal(small(text=text * SEAL_BYTES_MAX), "large")
    [delivery] = await persister.fetch_seals(1, 5)
    assert len(delivery.data) > SEAL_BYTES_MAX
    letter = DeadLetter(
        kind="seal", subject="", code="c", reason="r", tenant="t", conversation="c", run="r", ts=1, data=delivery.data
    )  # fmt: skip
    await persister.publish_dead(letter)
    await worker.publish_dead(msgspec.structs.replace(letter, kind="command", data=b"x"))
    await delivery.ack()
    assert {found.data for _, found in await admin.dead_letters()} == {delivery.data, b"x"}
    await admin.publish_seal(small("r2", "z" * SEAL_BYTES_MAX), "again")
    epoch = (await gateway.bounds(0)).epoch
    deletion = ConversationDeletion(
        tenant="t", conversation=place.conversation, partition=0, epoch=epoch, seq=seq + 1, deleted=1, refs=[name]
    )
    await append(gateway, place.lane(), b"{}")
    await persister.forget(deletion)
    with pytest.raises(NotFound):
        await gateway.get_object(name)
    await worker.announce_agents([AgentCard(name="a")])
    assert await gateway.agents()

    for broker in opened.values():
        await broker.close()
    assert violations(server) == before


async def test_a_worker_may_answer_a_control_message_and_only_that(server, connect):
    gateway, worker = await connect("gateway"), await connect("agent_worker")
    await worker.listen("ab.ctl.r1", lambda _s, reply, _d, _h: worker.post(reply.decode(), b"yes"))
    await worker.echo()
    assert (await gateway.request("ab.ctl.r1", b"stop")).data == b"yes"
    stranger = gateway.inbox.separate()
    await worker.publish(stranger, b"")
    assert await refused(server, stranger)


async def test_a_wrong_password_or_none_is_refused_and_in_no_message(server):
    wrong = PASSWORDS["persister"]
    for url in (user_url(server, "persister").replace("persister:", "gateway:"), server.url):
        with pytest.raises(Unavailable, match=server.url) as refusal:
            await Connection.open(url, "gateway", 0.0)
        assert wrong not in str(refusal.value)
    assert server.log.count("authentication error") == 2
    assert wrong not in server.log


async def test_nobody_but_the_persister_and_admin_can_empty_a_stream_of_the_log(connect):
    for user, may in rights(layout(mirror=True)).items():
        purging = [subject for subject in may.publish if "PURGE.AB_" in subject or subject == "$JS.API.>"]
        assert bool(purging) == (user in {"persister", "admin"})
    await api.call(await connect("persister"), "STREAM.PURGE.AB_EVENTS_0", {"filter": "ab.evt.0.t.c.*"})


def test_the_file_in_the_tree_is_that_of_production():
    production = layout("production")
    assert (FOLDER / "permissions.conf").read_text() == render(rights(production))
    assert set(rights(production)) == set(USERS) - {"system"}


def test_the_servers_disk_has_room_for_the_streams_of_production():
    deployment = layout("production").deployment
    settings = (FOLDER / "jetstream.conf").read_text()
    assert f"sync_interval: {deployment.sync_interval} " in settings
    assert f"max_file_store: {int(deployment.volume_bytes * VOLUME_PART) // 2**30}GiB " in settings
    assert layout("production").bytes_max < deployment.volume_bytes * VOLUME_PART


@pytest.mark.parametrize("name", ["server.conf", "cluster.conf"])
def test_the_servers_configuration_is_one_that_the_server_takes(tmp_path, name):
    for file in FOLDER.glob("*.conf"):
        (tmp_path / file.name).write_text(file.read_text().replace("/etc/nats/", f"{tmp_path}/"))
    write_certificates(tmp_path / "tls")
    passwords = {f"{user.upper()}_PASSWORD": f'"0{user}$x"' for user in USERS}
    environment = {**os.environ, **passwords, "SERVER_NAME": "n0", "NATS_ROUTES": '["nats://127.0.0.1:6222"]'}
    server = Path(sys.executable).with_name("nats-server")
    tested = subprocess.run(
        [server, "-t", "-c", tmp_path / name], env=environment, capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stderr
