"""The pipeline through real containers, hardened as they are shipped."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx2
import pytest

from schemas import events as ev
from tests.containers.crowd import Crowd, until
from tests.containers.kept import judged
from tests.containers.stack import HARDENED, running_stack

SERVICES = ["gateway", "worker", "persister", "nats", "postgres", "balancer"]
ENDED = ["prepare", "migrate"]
INTRUDER = Path(__file__).with_name("intruder.py")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def stack():
    with running_stack(ANABRANCH_ACK_WAIT_S="3", ANABRANCH_SCRIPTED_TOKENS_PER_S="100") as running:
        yield running


async def settled(stack, crowd: Crowd) -> None:
    """Everything that was accepted has ended, has been seen, and is in the archive as the log has it."""
    await until(crowd.all_ended, 120, "every viewer saw the end of every run")

    async def archived() -> bool:
        said = await asyncio.to_thread(stack.admin, "verify")
        return " 0 not archived yet; 0 differences" in said

    await until(archived, 60, "the archive has every run")


async def problems(stack, crowd: Crowd) -> list[str]:
    return judged(await asyncio.to_thread(stack.kept), crowd)


@pytest.mark.timeout(600)  # the first test waits for the whole stack
@pytest.mark.parametrize("service", SERVICES + ENDED)
def test_every_container_runs_hardened_and_as_nobody(stack, service):
    containers = stack.containers(service, "--all")
    assert containers
    for container in containers:
        found = stack.inspect(container)
        hardened = HARDENED | ({"CapAdd": ["CAP_CHOWN"], "NetworkMode": "none"} if service == "prepare" else {})
        assert {name: found["HostConfig"][name] for name in hardened} == hardened
        assert (found["Config"]["User"].partition(":")[0] in ("", "0", "root")) == (service == "prepare")
        assert not any("PASSWORD=" in variable for variable in found["Config"]["Env"])
        state = found["State"]
        assert state["ExitCode"] == 0 if service in ENDED else state["Health"]["Status"] == "healthy"


async def test_a_gateways_container_can_neither_delete_the_log_nor_come_to_the_broker_as_nobody(stack):
    said = stack.run("exec", "-T", "gateway", "python", "-", stdin=INTRUDER.read_bytes()).stdout.decode()
    assert said.splitlines() == ["gateway: connected, unavailable", "nobody: broker_unavailable"]
    assert "AB_EVENTS_0" in stack.admin("slots")
    assert (
        'Publish Violation - Subject "$JS.API.STREAM.DELETE.AB_EVENTS_0"' in stack.run("logs", "nats").stdout.decode()
    )


async def test_the_page_and_its_files_come_from_the_image(stack):
    async with httpx2.AsyncClient(base_url=stack.url) as client:
        page = await client.get("/")
        assert page.status_code == 200
        files = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
        assert files
        for file in files:
            assert (await client.get(file)).status_code == 200


async def test_a_page_of_the_internet_cannot_point_its_own_name_at_the_gateways(stack):
    async with httpx2.AsyncClient(base_url=stack.url) as client:
        answer = await client.get("/v1/conversations", headers={"Host": "evil.example"})
    assert answer.status_code == 403


@pytest.mark.timeout(300)
async def test_a_team_is_watched_by_websocket_and_sse_and_archived_in_postgresql(stack):
    crowd = Crowd(stack.url)
    conversation = await crowd.conversation()
    crowd.watched(conversation)
    async with crowd.watching():
        await crowd.say(conversation, "How fast does the river flow?", "team")
        await settled(stack, crowd)
    assert await problems(stack, crowd) == []


@pytest.mark.timeout(300)
async def test_a_run_whose_workers_container_is_killed_is_taken_over(stack):
    crowd = Crowd(stack.url)
    conversation = await crowd.conversation()
    crowd.watched(conversation)
    async with crowd.watching():
        run = await crowd.say(conversation, "Work that will be disturbed.", "team")

        def started() -> list[ev.RunStarted]:
            frames = [frame for frame in crowd.watchers[0].view().frames if frame.run == run]
            under_way = len(frames) > 10
            return [e for f in frames for e in f.events if isinstance(e, ev.RunStarted)] if under_way else []

        await until(lambda: bool(started()), 60, "the run is under way")
        host = started()[0].worker.rpartition("-")[0]  # a container's host name is the beginning of its id
        (busy,) = [container for container in stack.containers("worker") if container.startswith(host)]
        stack.kill(busy)
        await settled(stack, crowd)
        await asyncio.to_thread(stack.run, "up", "--detach", "--no-deps", "--no-recreate", "--wait", "worker")
    assert await problems(stack, crowd) == []
    events = [event for frame in crowd.watchers[1].view().frames if frame.run == run for event in frame.events]
    assert [event.cause for event in events if isinstance(event, ev.RunRetrying)] == ["worker_lost"]
    assert isinstance(events[-1], ev.RunCompleted)
