"""The page's connection, fold and view in Node against real gateways: cut off again and again, it ends up with the same."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.transcript import Transcript
from services.gateway.web import build
from services.runtime import new_id
from tests.live.stack import Stack, running_stack
from tests.live.viewer import Api

SOURCE = Path(__file__).with_name("watch_process.ts")
ANSWER_S = 90.0


@pytest.fixture(scope="module")
async def stack(tmp_path_factory):
    """Slow enough for some dozens of cuts in one run."""
    folder = tmp_path_factory.mktemp("stack")
    async with running_stack(folder, gateways=2, ANABRANCH_SCRIPTED_TOKENS_PER_S="100") as running:
        yield running


@pytest.fixture(scope="module")
def script(tmp_path_factory) -> list[str]:
    """The command that runs watch_process.ts."""
    node = build.of_the_machine() or build.of_a_wheel()
    build.install(node)
    folder = tmp_path_factory.mktemp("script")
    return [*node.node, "--experimental-websocket", "--no-warnings", str(bundled(node, folder))]


def bundled(node: build.Node, folder: Path) -> Path:
    command = [*build.program(node, "rolldown"), str(SOURCE), "-d", str(folder), "--platform", "node"]
    subprocess.run(command, check=True, capture_output=True, env=node.environment())
    return folder / "watch_process.js"


async def watched(script: list[str], stack: Stack, watchers: dict[str, str], agent: str) -> dict[str, Any]:
    """Ask `agent` in a conversation that all watch from before it is there; returns what they saw once it has ended."""
    job = {
        "gateways": [f"{gateway.url}/" for gateway in stack.gateways],
        "conversation": new_id("c_"),
        "text": "Compare two rivers",
        "agent": agent,
        "watchers": watchers,
    }
    process = await asyncio.create_subprocess_exec(
        *script, json.dumps(job), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        said, complaints = await asyncio.wait_for(process.communicate(), ANSWER_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()
    answer = json.loads(said)
    return {"conversation": job["conversation"], **answer, "saw": {one["name"]: one for one in answer["saw"]}}


def transcript(value: object) -> Transcript:
    return msgspec.convert(value, Transcript)


async def test_who_is_cut_off_after_every_message_sees_what_one_sees_who_is_not(script, stack):
    watchers = {"steady": "never", "torn": "every message", "shaken": "every third message"}
    answer = await watched(script, stack, watchers, "team")
    saw = answer["saw"]
    steady = transcript(saw["steady"]["transcript"])
    async with Api(stack.gateways[0].url) as api:
        assert await api.transcript(answer["conversation"]) == steady
    assert [run.status for run in steady.runs] == ["completed"]
    for name in ("torn", "shaken"):
        assert saw[name]["cuts"] > 5
        assert transcript(saw[name]["transcript"]) == steady
        assert saw[name]["rows"] == saw["steady"]["rows"]
        assert "reconnecting" in saw[name]["statuses"]
    assert "reconnecting" not in saw["steady"]["statuses"]


async def test_a_lost_message_is_asked_for_again_and_a_damaged_one_is_replaced_by_a_snapshot(script, stack):
    saw = (await watched(script, stack, {"steady": "never", "loss": "loss", "damage": "damage"}, "debate"))["saw"]
    for one in saw.values():
        assert one["transcript"] == saw["steady"]["transcript"]
        assert one["replayed"] == saw["steady"]["transcript"]
    assert saw["loss"]["cuts"] == saw["damage"]["cuts"] == 1
    assert "recovered" not in saw["loss"]["statuses"]
    assert saw["damage"]["statuses"][-2:] == ["recovered", "ended"]


async def test_what_the_page_records_leads_to_what_it_shows(script, stack):
    answer = await watched(script, stack, {"steady": "never", "torn": "every third message"}, "debate")
    for one in answer["saw"].values():
        assert one["replayed"] == one["transcript"]


async def test_a_message_whose_answer_is_lost_three_times_is_asked_once(script, stack):
    answer = await watched(script, stack, {"asker": "acknowledgements"}, "reader")
    asker = answer["saw"]["asker"]
    assert asker["cuts"] == 3
    asked = transcript(asker["transcript"])
    assert [run.message for run in asked.runs] == ["asked"]
    assert answer["ack"]["run"] == asked.runs[0].id


async def test_a_conversation_that_is_not_there_is_when_something_was_said_in_it(script, stack):
    saw = (await watched(script, stack, {"first": "never"}, "reader"))["saw"]["first"]
    assert saw["statuses"][:2] == ["connecting", "catching_up"]
    assert "missing" in saw["statuses"]
    assert saw["statuses"][-1] == "ended"
    assert len(saw["transcript"]["runs"]) == 1
