"""What a rolling update relies on: each service, told to stop, leaves nothing undone and nobody waiting."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from schemas import events as ev
from schemas import wire
from tests.live.stack import Stack, running_stack
from tests.live.viewer import Api, Viewer, eventually
from tests.nats_server import NatsServer

RUN_S_MAX = 60.0
PATIENT = {"ANABRANCH_SCRIPTED_TOKENS_PER_S": "250", "ANABRANCH_ACK_WAIT_S": "300"}
"""No test here may pass because a message came again after its `ack_wait`."""


async def test_a_worker_whose_run_takes_longer_than_its_drain_hands_it_over_at_once(tmp_path):
    async with running_stack(tmp_path, ANABRANCH_DRAIN_S="0.2", **PATIENT) as stack:
        async with Api(stack.gateways[0].url) as api:
            conversation = await api.conversation()
            run = (await api.send(conversation, "A long answer.", agent="team"))["run"]
            viewer = Viewer(conversation, mode="replay")
            await viewer.watch(stack.gateways[0].url, until=lambda viewer: len(list(viewer.fold.items())) >= 5)
            stack.add_worker()
            assert await asyncio.to_thread(stack.workers[0].stop) == 0
            assert not viewer.over(run), "the run was over before the worker was"
            await viewer.watch(stack.gateways[0].url, until=lambda viewer: viewer.over(run))
        state = viewer.run(run)
        assert state is not None
        assert (state.status, state.attempt) == ("completed", 2)
        frames = [frame for message in viewer.messages if isinstance(message, wire.Events) for frame in message.frames]
        again = [event for frame in frames for event in frame.events if isinstance(event, ev.RunRetrying)]
        assert len(again) == 1


async def test_a_persister_that_is_told_to_stop_has_written_what_it_took(tmp_path):
    quick = PATIENT | {"ANABRANCH_SCRIPTED_TOKENS_PER_S": "0"}
    async with running_stack(tmp_path, **quick) as stack, Api(stack.gateways[0].url) as api:
        for number in range(10):
            conversation = await api.conversation()
            run = (await api.send(conversation, f"Question {number}."))["run"]
        await Viewer(conversation).watch(stack.gateways[0].url, until=lambda viewer: viewer.over(run))
        assert await asyncio.to_thread(stack.persisters[0].stop) == 0
        stack.add_persister()

        async def agrees() -> bool:
            done = await asyncio.to_thread(stack.admin, "verify")
            return done.returncode == 0 and "10 checked" in done.stdout

        await eventually(agrees, "all ten runs are in the archive, without one that must first be delivered again")


async def test_a_gateway_that_drains_takes_nobody_in_and_serves_who_is_there_to_the_end(tmp_path):
    async with running_stack(tmp_path, gateways=2, ANABRANCH_DRAIN_S="3", **PATIENT) as stack:
        leaving, staying = stack.gateways
        async with Api(staying.url) as api, httpx2.AsyncClient() as client:
            conversation = await api.conversation()
            run = (await api.send(conversation, "A long answer.", agent="team"))["run"]
            socket, events = Viewer(conversation), asyncio.Event()
            told = asyncio.create_task(
                socket.watch(
                    leaving.url,
                    until=lambda viewer: any(isinstance(message, wire.Reconnect) for message in viewer.messages),
                    connected=events,
                )
            )
            await events.wait()
            async with client.stream("GET", f"{leaving.url}/v1/conversations/{conversation}/events") as stream:
                lines = stream.aiter_lines()
                assert "subscribed" in await anext(line async for line in lines if line.startswith("data:"))
                stopped = asyncio.create_task(asyncio.to_thread(leaving.stop))
                rest = [line async for line in lines]
            await told
            assert await stopped == 0
            assert any(line.startswith("id:") for line in rest), (
                "an SSE stream ends whole, with a cursor to come back with"
            )
            await socket.watch(staying.url, until=lambda viewer: viewer.over(run))
            archived = await api.transcript(conversation)
        assert socket.transcript().items == archived.items


@pytest.fixture(scope="module")
async def ageing(tmp_path_factory):
    """Two gateways that let no connection last for more than half a second."""
    folder = tmp_path_factory.mktemp("ageing")
    async with running_stack(folder, gateways=2, ANABRANCH_CONNECTION_S_MAX="0.5", **PATIENT) as stack:
        yield stack


async def test_a_viewer_whose_connections_grow_old_sees_every_event_once(ageing):
    async with Api(ageing.gateways[0].url) as api:
        conversation = await api.conversation()
        run = (await api.send(conversation, "A long answer.", agent="team"))["run"]
    viewer, visits = Viewer(conversation), 0

    def sent_away(viewer: Viewer) -> bool:
        return sum(isinstance(message, wire.Reconnect) for message in viewer.messages) > visits

    async with asyncio.timeout(RUN_S_MAX):
        while not viewer.over(run):
            gateway = ageing.gateways[visits % 2]
            await viewer.watch(gateway.url, until=lambda viewer: viewer.over(run) or sent_away(viewer))
            visits += 1
    assert visits > 2
    async with Api(ageing.gateways[0].url) as api:
        assert viewer.transcript().items == (await api.transcript(conversation)).items


async def test_an_sse_stream_grows_old_too_and_ends_with_a_cursor(ageing):
    async with Api(ageing.gateways[0].url) as api, httpx2.AsyncClient() as client:
        conversation = await api.conversation()
        await api.send(conversation, "A long answer.", agent="team")
        path = f"{ageing.gateways[0].url}/v1/conversations/{conversation}/events"
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout(RUN_S_MAX), client.stream("GET", path) as stream:
            lines = [line async for line in stream.aiter_lines()]
        assert asyncio.get_running_loop().time() - begun > 0.4
        assert any(line.startswith("id:") for line in lines)


async def test_a_worker_that_starts_before_its_queue_is_there_waits_for_it(tmp_path):
    """So that in a new cluster the order of Job and Deployment does not matter."""
    async with NatsServer(tmp_path) as nats:
        settings = {
            "ANABRANCH_NATS_URL": nats.url,
            "ANABRANCH_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/archive.sqlite3",
            "MODEL": "scripted",
        }
        stack = Stack(tmp_path, nats, settings)
        try:
            worker = stack.add_worker()
            await eventually(lambda: "no commands" in worker.log.read_text(), "the worker finds no queue")
            applied = await asyncio.to_thread(stack.admin, "apply")
            assert applied.returncode == 0, applied.stderr
            gateway = await stack.add_gateway()
            async with Api(gateway.url) as api:
                conversation = await api.conversation()
                run = (await api.send(conversation, "Hello."))["run"]
                await Viewer(conversation).watch(gateway.url, until=lambda viewer: viewer.over(run))
            assert worker.running
        finally:
            stack.kill_all()
