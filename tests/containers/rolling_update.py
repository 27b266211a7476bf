"""Every container of the services is replaced, one after the other, while people talk and watch: nothing is lost."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from schemas import wire
from tests.containers.crowd import Crowd
from tests.containers.kept import judged
from tests.containers.pipeline import settled
from tests.containers.stack import running_stack

CONVERSATIONS = 6
EVERY_S = 5.0
"""Between two messages of a conversation: longer than a run takes, or the last ones would wait long."""

SERVICES = ["gateway", "worker", "persister"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def stack():
    with running_stack(ANABRANCH_ACK_WAIT_S="10", ANABRANCH_SCRIPTED_TOKENS_PER_S="100") as running:
        yield running


@pytest.mark.timeout(1200)
async def test_a_rolling_update_under_load_loses_nothing(stack, capsys):
    before = {container for service in SERVICES for container in stack.containers(service)}
    crowd = Crowd(stack.url)
    conversations = [await crowd.conversation() for _ in range(CONVERSATIONS)]
    for conversation in conversations:
        crowd.watched(conversation)
    start = time.monotonic()
    stop = asyncio.Event()
    async with crowd.watching(), asyncio.TaskGroup() as talking:
        for conversation in conversations:
            talking.create_task(crowd.talk(conversation, EVERY_S, stop))
        await asyncio.sleep(EVERY_S)  # some runs go on and some wait when the first container stops
        await asyncio.to_thread(stack.update)
        took = time.monotonic() - start
        stop.set()
        await settled(stack, crowd)
    after = {container for service in SERVICES for container in stack.containers(service)}
    kept = await asyncio.to_thread(stack.kept)
    problems = judged(kept, crowd)
    cuts = sum(watcher.cuts for watcher in crowd.watchers)
    shown = sum(len(watcher.view().frames) for watcher in crowd.watchers)
    with capsys.disabled():  # the figures are for docs/reliability.md
        print(
            f"\n{len(before)} containers replaced in {took:.0f} s; {len(crowd.accepted)} messages accepted, {crowd.repeated} "
            f"requests repeated; {len(crowd.watchers)} viewers cut {cuts} times, shown {shown} frames; "
            f"{len(problems)} problems; load average {os.getloadavg()[0]:.1f}"
        )
    assert problems == []
    assert not before & after
    assert len(after) == len(before) == 2 * len(SERVICES)
    watcher = crowd.watchers[0]  # the control: had this viewer missed one message, it would have been noticed
    watcher.messages.remove(next(message for message in watcher.messages if isinstance(message, wire.Events)))
    assert judged(kept, crowd) != []
