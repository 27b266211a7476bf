"""Three NATS nodes in containers, of which the one that leads the log is killed while people talk and watch: nothing is lost."""

from __future__ import annotations

import asyncio
import os
import time

import msgspec
import pytest

from tests.containers.crowd import Crowd, until
from tests.containers.kept import judged
from tests.containers.pipeline import settled
from tests.containers.stack import running_stack

NODES = {"nats", "nats-2", "nats-3"}

CONVERSATIONS = 4
EVERY_S = 4.0
"""Between two messages of a conversation: longer than a run takes, or the last ones would wait long."""

WITHOUT_S = 20.0
"""How long people go on with two nodes: several runs begin and end."""

AGAIN_S = 60.0
"""Within it a message must be accepted, and its run have ended, after the leader was killed."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def stack():
    settings = {"ANABRANCH_ACK_WAIT_S": "10", "ANABRANCH_SCRIPTED_TOKENS_PER_S": "100"}
    with running_stack("deploy/compose/cluster.env", **settings) as running:
        yield running


@pytest.mark.timeout(900)
async def test_a_broker_that_is_killed_under_load_loses_nothing(stack, capsys):
    assert all(stack.containers(node) for node in NODES)
    crowd = Crowd(stack.url)
    conversations = [await crowd.conversation() for _ in range(CONVERSATIONS)]
    for conversation in conversations:
        crowd.watched(conversation)
    stop = asyncio.Event()
    async with crowd.watching(), asyncio.TaskGroup() as talking:
        for conversation in conversations:
            talking.create_task(crowd.talk(conversation, EVERY_S, stop))
        await asyncio.sleep(EVERY_S)  # some runs go on and some wait when it dies
        (slot,) = msgspec.json.decode(await asyncio.to_thread(stack.admin, "slots", "--json"))
        (killed,) = stack.containers(slot["leader"])
        stack.kill(killed)
        start, before = time.monotonic(), set(crowd.accepted)
        run = await crowd.say(await crowd.conversation(), "Is anybody there?", "assistant")
        accepted_s = time.monotonic() - start
        await asyncio.sleep(WITHOUT_S)
        stop.set()
        await until(lambda: len(crowd.accepted) > len(before) + 1, AGAIN_S, "those who talked before were heard again")
        assert not stack.containers(slot["leader"])
        meanwhile = len(crowd.accepted) - len(before)
        await asyncio.to_thread(stack.run, "up", "--detach", "--no-deps", "--no-recreate", "--wait", slot["leader"])
        await settled(stack, crowd)
    kept = await asyncio.to_thread(stack.kept)
    problems = judged(kept, crowd)
    with capsys.disabled():  # the figures are for docs/reliability.md
        print(
            f"\n{slot['leader']}, which led the log, was killed: the next message was accepted after {accepted_s:.1f} s, "
            f"{meanwhile} while it was away; {len(crowd.accepted)} messages in all, {crowd.repeated} requests repeated; "
            f"{len(crowd.watchers)} viewers cut {sum(watcher.cuts for watcher in crowd.watchers)} times; "
            f"{len(problems)} problems; load average {os.getloadavg()[0]:.1f}"
        )
    assert problems == []
    assert accepted_s < AGAIN_S
    ended = {run for one in kept for run in [run.id for run in one.transcript.runs]}
    assert run in ended
