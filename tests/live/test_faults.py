"""What holds when processes die in the middle of a run. Each test has its own stack and breaks it."""

from __future__ import annotations

import asyncio
import signal

from schemas import events as ev
from schemas import wire
from tests.live.stack import Stack, running_stack
from tests.live.viewer import Api, Viewer, eventually

SLOW = {"ANABRANCH_SCRIPTED_TOKENS_PER_S": "150", "ANABRANCH_ACK_WAIT_S": "2"}


async def begun(stack: Stack, api: Api, items: int = 6) -> tuple[Viewer, str]:
    """A team run in the middle of its work, and a viewer that has seen it so far."""
    conversation = await api.conversation()
    sent = await api.send(conversation, "Work that will be disturbed.", agent="team")
    viewer = Viewer(conversation, mode="replay")  # so that it sees the events of before it came
    await viewer.watch(stack.gateways[0].url, until=lambda viewer: len(list(viewer.fold.items())) >= items)
    return viewer, sent["run"]


async def verified(stack: Stack) -> None:
    """The archive has the run and equals the fold of the log."""

    async def agrees() -> bool:
        done = await asyncio.to_thread(stack.admin, "verify")
        return done.returncode == 0 and "0 runs" not in done.stdout

    await eventually(agrees, "the archive equals the fold of the log")


def nothing_doubled(viewer: Viewer) -> None:
    transcript = viewer.transcript()
    messages = [item for item in transcript.items if item.__class__.__name__ == "Message" and item.content]
    said = [(item.ns, item.content) for item in messages]  # an agent may say again what another one told it
    assert len(said) == len(set(said)), said
    namespaces = [item.ns for item in transcript.items if item.__class__.__name__ == "Agent"]
    assert len(namespaces) == len(set(namespaces))
    assert [item.id for item in transcript.items if item.status == "open"] == []


async def test_a_run_whose_worker_is_killed_is_taken_over_and_nothing_is_doubled(tmp_path):
    async with running_stack(tmp_path, workers=2, **SLOW) as stack, Api(stack.gateways[0].url) as api:
        viewer, run = await begun(stack, api)
        started = [e for m in viewer.messages for e in started_events(m)]
        busy = worker_of(stack, viewer, run)
        busy.kill()
        await viewer.watch(stack.gateways[0].url, until=lambda viewer: viewer.over(run))
        state = viewer.run(run)
        assert state is not None
        assert (state.status, state.attempt) == ("completed", 2)
        causes = [e.cause for m in viewer.messages for e in events_of(m) if isinstance(e, ev.RunRetrying)]
        assert causes == ["worker_lost"], "viewers see that it was taken over"
        assert len(started) <= 1
        nothing_doubled(viewer)
        await verified(stack)


async def test_a_run_survives_the_death_and_return_of_the_broker(tmp_path):
    async with running_stack(tmp_path, **SLOW) as stack, Api(stack.gateways[0].url) as api:
        viewer, run = await begun(stack, api)
        watching = asyncio.create_task(viewer.watch(stack.gateways[0].url, until=lambda viewer: viewer.over(run)))
        stack.nats.kill()
        await stack.nats.start()
        await watching
        state = viewer.run(run)
        assert state is not None
        assert state.status == "completed"
        nothing_doubled(viewer)
        await verified(stack)


async def test_a_viewer_whose_gateway_is_killed_continues_on_another(tmp_path):
    async with running_stack(tmp_path, gateways=2, **SLOW) as stack, Api(stack.gateways[1].url) as api:
        viewer, run = await begun(stack, api)
        whole = Viewer(viewer.conversation)
        watching = asyncio.create_task(whole.watch(stack.gateways[1].url, until=lambda viewer: viewer.over(run)))
        stack.gateways[0].kill()
        await viewer.watch(stack.gateways[1].url, until=lambda viewer: viewer.over(run))
        await watching
        assert viewer.transcript() == whole.transcript()


async def test_a_gateway_that_drains_tells_its_viewers_to_come_back_and_exits_with_0(tmp_path):
    async with running_stack(tmp_path, gateways=2, **SLOW) as stack, Api(stack.gateways[1].url) as api:
        viewer, run = await begun(stack, api)
        attached = asyncio.Event()

        def told(viewer: Viewer) -> bool:
            return any(isinstance(message, wire.Reconnect) for message in viewer.messages)

        watching = asyncio.create_task(viewer.watch(stack.gateways[0].url, until=told, connected=attached))
        await attached.wait()
        code = await asyncio.to_thread(stack.gateways[0].stop)
        await watching
        assert code == 0
        await viewer.watch(stack.gateways[1].url, until=lambda viewer: viewer.over(run))
        nothing_doubled(viewer)


async def test_a_worker_that_is_told_to_stop_finishes_its_run_first(tmp_path):
    async with running_stack(tmp_path, **SLOW) as stack, Api(stack.gateways[0].url) as api:
        viewer, run = await begun(stack, api)
        code = await asyncio.to_thread(stack.workers[0].stop, 60)
        await viewer.watch(stack.gateways[0].url, until=lambda viewer: viewer.over(run))
        state = viewer.run(run)
        assert state is not None
        assert (code, state.status, state.attempt) == (0, "completed", 1)


async def test_a_frozen_worker_that_wakes_up_writes_nothing_more(tmp_path):
    async with running_stack(tmp_path, workers=2, **SLOW) as stack, Api(stack.gateways[0].url) as api:
        viewer, run = await begun(stack, api)
        frozen = worker_of(stack, viewer, run)
        frozen.signal(signal.SIGSTOP)

        def taken_over(viewer: Viewer) -> bool:
            state = viewer.run(run)
            return state is not None and state.attempt == 2

        await viewer.watch(stack.gateways[0].url, until=taken_over)
        frozen.signal(signal.SIGCONT)
        await viewer.watch(stack.gateways[0].url, until=lambda viewer: viewer.over(run))
        state = viewer.run(run)
        assert state is not None
        assert (state.status, state.attempt) == ("completed", 2)
        nothing_doubled(viewer)
        await verified(stack)


async def test_a_run_that_no_worker_survives_ends_as_failed(tmp_path):
    async with running_stack(tmp_path, ANABRANCH_ATTEMPTS_MAX="1", **SLOW) as stack, Api(stack.gateways[0].url) as api:
        viewer, run = await begun(stack, api)
        stack.workers[0].kill()
        stack.add_worker()
        await viewer.watch(stack.gateways[0].url, until=lambda viewer: viewer.over(run))
        state = viewer.run(run)
        assert state is not None
        assert state.status == "failed"
        assert state.error is not None
        assert state.error.code == "worker_lost"
        await verified(stack)


def events_of(message: wire.AnyServerMessage) -> list[ev.AnyEvent]:
    return [event for frame in message.frames for event in frame.events] if isinstance(message, wire.Events) else []


def started_events(message: wire.AnyServerMessage) -> list[ev.RunStarted]:
    return [event for event in events_of(message) if isinstance(event, ev.RunStarted)]


def worker_of(stack: Stack, viewer: Viewer, run: str):  # type: ignore[no-untyped-def]
    """The process that runs it: `run.started` names its worker as `<host>-<pid>`."""
    names = [event.worker for message in viewer.messages for event in started_events(message)]
    assert names, "the viewer came too late to see run.started"
    return next(worker for worker in stack.workers if names[-1].endswith(f"-{worker.pid}"))
