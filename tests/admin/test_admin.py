"""The admin command and the persister as processes, against a real nats-server and both databases."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from schemas import events as ev
from schemas import subjects
from schemas.codec import encode_frame
from schemas.commands import DeadLetter, RunCommand
from schemas.errors import Conflict, Deleted, Invalid, NotFound
from schemas.events import Frame
from schemas.seal import ConversationDeletion
from services.admin.__main__ import parse
from services.admin.settings import Settings
from services.archive.reader import open_reader
from services.archive.writer import open_writer
from services.broker.input_lane import is_deleted
from services.broker.jetstream import connect
from services.runtime import now_ms
from tests import postgres
from tests.archive.logs import CONVERSATION, TENANT, archived_part, seals_of
from tests.archive.seals import small
from tests.broker.waiting import eventually
from tests.nats_server import NatsServer
from tests.schemas import logs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
async def settings(request, tmp_path):
    async with NatsServer(tmp_path) as server:
        database_url = f"sqlite+aiosqlite:///{tmp_path}/new/archive.sqlite3"
        if request.param == "postgresql":
            database_url = await (await postgres.shared()).new_database()
        yield Settings(nats_url=server.url, database_url=database_url)


@pytest.fixture
def admin(settings, capsys):
    """A function that runs one command and gives its exit code and what it printed."""

    async def run(*words: str) -> tuple[int, str]:
        arguments = parse(words)
        capsys.readouterr()
        code = await arguments.command(settings, arguments)
        return code, capsys.readouterr().out

    return run


async def start(module: str, *words: str, **settings: str) -> asyncio.subprocess.Process:
    environment = {f"ANABRANCH_{name.upper()}": value for name, value in settings.items()}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{module}", *words),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@contextlib.asynccontextmanager
async def persister(settings):
    """A persister until the end of the context: then it is told to stop and must exit with 0."""
    process = await start("persister", nats_url=settings.nats_url, database_url=settings.database_url)
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
        assert process.returncode == 0, err.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def append(broker, log: list[Frame]) -> list[Frame]:
    """Put the frames into the log; returns them with the sequences they got."""
    stored = []
    for frame in log:
        subject = subjects.event(0, TENANT, CONVERSATION, frame.in_lane)
        data = encode_frame(logs.replace(frame, seq=0))
        appended = await broker.append(subject, data, msg_id=f"{frame.in_lane}:{frame.attempt}:{frame.n}")
        stored.append(logs.replace(frame, seq=appended.seq))
    return stored


@pytest.fixture
async def broker(settings, admin):
    """A connection to a broker that was set up by `apply`."""
    code, out = await admin("apply")
    assert (code, "AB_SEALS" in out) == (0, True), out
    broker = await connect(settings.nats_url, "test")
    yield broker
    await broker.close()


@pytest.fixture
async def reader(settings, broker):
    reader = open_reader(settings.database_url)
    yield reader
    await reader.close()


async def test_a_dead_seal_is_listed_and_replayed_and_then_the_archive_equals_the_log(settings, admin, broker, reader):
    log = await append(broker, logs.conversation(random.Random(11), runs=3))
    first, second, third = seals_of(log, epoch=(await broker.bounds(0)).epoch)
    torn = msgspec.structs.replace(second, digest="0" * 64)
    for seal in (first, torn, third):
        await broker.publish_seal(seal, seal.run.id)
    async with persister(settings):
        [(seq, letter)] = await eventually(broker.dead_letters, within_s=30)
        code, out = await admin("dead", "list")
        assert f"{seq}  " in out and f"{CONVERSATION}/run2  seal_digest" in out
        code, out = await admin("verify")
        assert (code, "2 not archived yet; 0 differences" in out) == (0, True), out

        await broker.publish_dead(msgspec.structs.replace(letter, data=msgspec.json.encode(second)))  # it was mended
        code, out = await admin("dead", "drop", str(seq))
        assert (code, "the archive ends before run run2" in out) == (0, True)
        code, out = await admin("dead", "replay", "--all")
        assert (code, "replayed" in out) == (0, True), out
        await eventually(lambda: is_archived(reader, third.cursor), within_s=30)
    archived = await reader.conversation(TENANT, CONVERSATION)
    assert archived.transcript == archived_part(log, {"run1", "run2", "run3"})
    assert not await broker.dead_letters()
    code, out = await admin("verify")
    assert (code, "3 checked" in out, "0 differences" in out) == (0, True, True), out


async def is_archived(reader, cursor: int) -> bool:
    archived = await reader.conversation(TENANT, CONVERSATION)
    return archived is not None and archived.cursor is not None and archived.cursor.seq == cursor


async def test_verify_names_what_differs_and_fails(settings, admin, broker, reader):
    log = await append(broker, logs.conversation(random.Random(11), runs=1))
    [seal] = seals_of(log, epoch=(await broker.bounds(0)).epoch)
    writer = open_writer(settings.database_url)
    assert await writer.write([small("run1", seq=seal.run.seq)]) == [None]
    await writer.close()
    code, out = await admin("verify")
    assert code == 1
    assert f"{TENANT}/{CONVERSATION}: run run1: agent: archive 'a', log 'team'" in out


async def test_what_cannot_be_replayed_stays_a_dead_letter(admin, broker):
    for kind, data in (("seal", b"no seal"), ("command", msgspec.json.encode(COMMAND))):
        letter = DeadLetter(
            kind=kind, subject="", code="c", reason="r", tenant="t", conversation="c", run="r", ts=now_ms(), data=data
        )
        await broker.publish_dead(letter)
    code, out = await admin("dead", "replay", "--all")
    assert code == 1
    assert "1 not replayed: the seal of run r cannot be read" in out
    assert "2 not replayed: for another 3600 s" in out
    assert len(await broker.dead_letters()) == 2


COMMAND = RunCommand(
    tenant="t", conversation="c", partition=0, run="r", agent="a", message="m", text="x", ordinal=1, seq=1, sent=1
)


async def test_an_old_dead_command_is_put_back_into_its_queue(admin, broker):
    letter = DeadLetter(
        kind="command", subject="", code="c", reason="r", tenant="t", conversation="c", run="r", ts=1,
        data=msgspec.json.encode(COMMAND),
    )  # fmt: skip
    await broker.publish_dead(letter)
    assert await admin("dead", "replay", "1") == (0, "1 replayed\n")
    delivery = await broker.fetch_command(5)
    assert msgspec.json.decode(delivery.data, type=RunCommand) == COMMAND


async def test_lag_counts_what_waits(admin, broker):
    await broker.publish_seal(small(), "r1")
    code, out = await admin("lag")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert (code, len(lines)) == (0, 8)
    assert lines["AB_SEALS"].split()[1:5] == ["1", "1", "0", "0"]
    assert lines["AB_DEAD"].split() == ["AB_DEAD", "0", "0", "B", "128", "MiB", "0.0%"]


async def test_lag_without_streams_says_what_to_do(admin):
    with pytest.raises(NotFound, match=r"services\.admin apply"):
        await admin("lag")


async def test_slots_say_where_conversations_lie(admin, broker):
    await append(broker, logs.conversation(random.Random(11), runs=1))
    await broker.publish_seal(small(), "r1")
    code, out = await admin("slots", "--json")
    [slot] = json.loads(out)
    assert (code, slot["slot"], slot["stream"], slot["conversations"], slot["new"]) == (0, 0, "AB_EVENTS_0", 1, True)
    assert slot["messages"] > 1 and 0 < slot["bytes"] < slot["bytes_max"]
    code, out = await admin("slots", CONVERSATION, "--tenant", TENANT)
    assert f"{TENANT}/{CONVERSATION}: slot 0, {slot['messages']} messages in AB_EVENTS_0, not in the archive" in out
    with pytest.raises(NotFound, match="neither log nor archive has a conversation default/nobody"):
        await admin("slots", "nobody")
    with pytest.raises(Invalid):
        await admin("slots", "no.id")


async def test_a_run_that_ended_and_is_not_archived_is_stuck_until_it_is(settings, admin, broker, reader):
    log = await append(broker, logs.conversation(random.Random(11), runs=2))
    code, out = await admin("stuck", "--for", "0", "--json")
    found = json.loads(out)
    assert (code, sorted((one["kind"], one["run"]) for one in found)) == (
        1,
        [("unsealed", "run1"), ("unsealed", "run2")],
    )
    assert {one["advice"] for one in found} == {"look at `lag` and `dead list`"}
    code, out = await admin("stuck", "--for", "1e12")
    assert (code, out) == (0, "Nothing has stood still for 1e+12 s.\n")
    for seal in seals_of(log, epoch=(await broker.bounds(0)).epoch):
        await broker.publish_seal(seal, seal.run.id)
    async with persister(settings):
        await eventually(lambda: is_archived(reader, log[-1].seq), within_s=30)
    assert (await admin("stuck", "--for", "0"))[0] == 0
    [slot] = json.loads((await admin("slots", "--json"))[1])
    assert (slot["archived"], slot["conversations"]) == (1, 1)


async def test_a_silent_run_and_a_run_that_waits_for_nothing_are_stuck(admin, broker):
    log = logs.conversation(random.Random(11), runs=2)
    begun = [frame for frame in log if frame.is_input or (frame.run == "run1" and frame.n == 1)]
    await append(broker, begun)
    code, out = await admin("stuck", "--for", "0")
    assert code == 1
    [head, line] = out.splitlines()
    assert head.split()[0] == "KIND"
    assert line.split()[:4] == ["silent", f"{TENANT}/{CONVERSATION}", "run1", "0"]
    assert "no command: cancel the run" in line
    await broker.publish_command(msgspec.structs.replace(COMMAND, tenant=TENANT, conversation=CONVERSATION))
    assert "is there a worker?" in (await admin("stuck", "--for", "0"))[1]


async def test_a_run_that_waits_for_a_person_is_not_stuck(admin, broker):
    message = ev.UserMessage(id="m", text="x", agent="a")
    asked = Frame(run="r", lane="in", n=1, ts=1, events=[message, ev.RunQueued(agent="a", message="m")])
    question = ev.InterruptRequested(id="i", kind="input", prompt="?")
    waiting = [ev.RunStarted(agent="a", worker="w", model="m"), question, ev.RunWaiting(interrupts=["i"])]
    await append(broker, [asked, Frame(run="r", n=1, ts=1, events=waiting)])
    assert (await admin("stuck", "--for", "0"))[0] == 0
    await append(broker, [Frame(run="r", n=4, ts=1, events=[ev.InterruptResolved(id="i", decision="expired")])])
    assert (await admin("stuck", "--for", "0"))[0] == 1


async def test_a_purged_conversation_is_gone_from_archive_and_log(settings, admin, broker, reader):
    log = await append(broker, logs.conversation(random.Random(11), runs=2))
    for seal in seals_of(log, epoch=(await broker.bounds(0)).epoch):
        await broker.publish_seal(seal, seal.run.id)
    async with persister(settings):
        await eventually(lambda: is_archived(reader, log[-1].seq), within_s=30)
        code, out = await admin("purge", CONVERSATION, "--tenant", TENANT)
        assert (code, "2 runs" in out, "--yes deletes it" in out) == (1, True, True), out
        assert await is_archived(reader, log[-1].seq)

        code, out = await admin("purge", CONVERSATION, "--tenant", TENANT, "--yes")
        assert (code, "the archive has forgotten it" in out) == (0, True), out
        lanes = subjects.conversation_events(0, TENANT, CONVERSATION)

        async def emptied() -> bool:
            return len((await broker.read(0, lanes, 0)).records) == 1

        await eventually(emptied, within_s=10)
    assert await is_deleted(broker, 0, TENANT, CONVERSATION)
    with pytest.raises(Deleted):
        await reader.conversation(TENANT, CONVERSATION)
    code, out = await admin("purge", CONVERSATION, "--tenant", TENANT, "--yes", "--json")
    assert (code, json.loads(out)["state"]) == (0, "gone")


async def test_without_a_persister_a_purge_has_said_the_last_word_and_says_so(admin, broker, monkeypatch):
    monkeypatch.setattr("services.admin.purge.REMOVED_S", 0.1)
    await append(broker, logs.conversation(random.Random(11), runs=1))
    for _ in range(2):
        code, out = await admin("purge", CONVERSATION, "--tenant", TENANT, "--yes", "--json")
        assert (code, json.loads(out)["state"]) == (0, "going")
    assert await is_deleted(broker, 0, TENANT, CONVERSATION)
    [delivery] = await broker.fetch_seals(10, 5)
    deletion = msgspec.json.decode(delivery.data, type=ConversationDeletion)
    assert (deletion.conversation, deletion.partition) == (CONVERSATION, 0)


async def test_a_conversation_with_an_active_run_is_not_purged(admin, broker):
    log = logs.conversation(random.Random(11), runs=1)
    await append(broker, [frame for frame in log if frame.is_input or frame.n == 1])
    with pytest.raises(Conflict, match="run1 is active: cancel it first"):
        await admin("purge", CONVERSATION, "--tenant", TENANT, "--yes")
    assert not await is_deleted(broker, 0, TENANT, CONVERSATION)


async def test_apply_prints_the_difference_and_a_dry_run_makes_none(admin, monkeypatch):
    code, out = await admin("apply", "--dry-run")
    assert (code, out.splitlines()[0]) == (1, "create   AB_EVENTS_0: ab.evt.0.>; limits; 1 copy; 2 GiB; 24 h")
    with pytest.raises(NotFound):
        await admin("lag")
    assert (await admin("apply"))[0] == 0
    assert await admin("apply", "--dry-run") == (0, "")
    monkeypatch.setenv("ANABRANCH_SEALS_BYTES", str(2**20))
    code, out = await admin("apply", "--json")
    assert code == 0
    document, _ = json.JSONDecoder().raw_decode(out)  # what follows is the log, which goes elsewhere in a process
    assert document["changes"][0] == {
        "do": "change",
        "name": "AB_SEALS",
        "differences": [{"text": "max_bytes: 512 MiB → 1 MiB", "loss": "", "warning": ""}],
    }


async def test_apply_refuses_a_loss_until_the_stream_is_named(admin, broker, monkeypatch, capsys):
    for run in ("r1", "r2", "r3"):
        await broker.publish_seal(small(run, text="x" * 200_000), run)
    monkeypatch.setenv("ANABRANCH_SEALS_BYTES", str(2**20))
    code, out = await admin("apply")
    assert (code, out.splitlines()[0]) == (2, "refuse   AB_SEALS: max_bytes: 512 MiB → 1 MiB -- it holds 1.15 MiB")
    with pytest.raises(Invalid, match="--allow-loss AB_SEAL: nothing is to be changed there"):
        await admin("apply", "--allow-loss", "AB_SEAL")
    code, out = await admin("apply", "--allow-loss", "AB_SEALS")
    assert (code, out.splitlines()[0]) == (0, "change   AB_SEALS: max_bytes: 512 MiB → 1 MiB -- it holds 1.15 MiB")


@pytest.mark.parametrize(
    "words", [["apply"], ["lag"], ["verify"], ["dead", "list"], ["slots"], ["stuck"], ["purge", "c1"], ["permissions"]]
)
def test_every_command_prints_json_on_demand_and_explains_itself(words, capsys):
    assert parse([*words, "--json"]).json
    with pytest.raises(SystemExit) as ended:
        parse([*words, "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert "exit code: 0 " in shown and "--json" in shown


@pytest.mark.parametrize(
    "words", [[], ["dead"], ["dead", "replay"], ["dead", "drop", "x"], ["dead", "drop", "1", "--all"]]
)
def test_words_that_are_no_command_are_refused(words, capsys):
    with pytest.raises(SystemExit) as refused:
        parse(words)
    assert refused.value.code == 2


@pytest.mark.parametrize(("module", "words"), [("persister", []), ("admin", ["verify"])])
async def test_a_wrong_setting_is_one_line_that_names_it(module, words):
    process = await start(module, *words, database_url="mysql://x/y")
    _, err = await process.communicate()
    assert process.returncode != 0
    [line] = err.decode().splitlines()
    assert line.startswith(f"{module}: ANABRANCH_DATABASE_URL")


async def test_an_archive_without_tables_stops_the_start_with_what_to_do(tmp_path):
    process = await start("persister", database_url=f"sqlite+aiosqlite:///{tmp_path}/x")
    _, err = await process.communicate()
    assert process.returncode == 1
    assert err.decode().splitlines() == ["persister: the archive has no tables: run `python -m services.admin apply`"]
