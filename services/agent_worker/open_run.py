"""`open_run`: publish a run from any Python code, without being a worker.

    broker = await connect("nats://127.0.0.1:4222", "my_script")
    async with open_run(broker, agent="my_script", message="What is new?") as run:
        await run.say(some_async_iterator_of_text)
        async with run.artifact("report", "News", "text/markdown") as report:
            await report.write("# News")

Viewers see the message and everything that the block publishes; leaving the block ends the run: as completed, as failed if
an exception leaves it, as cancelled if somebody cancelled it or the task. Then it is sealed and archived like any other.
What a worker's run has and this has not: if the process dies, nobody takes the run over.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NoReturn

from schemas import subjects
from schemas.errors import Conflict
from services.agent_worker.attempt import Attempt, Limits, Lost, Stop
from services.agent_worker.ending import Cancelled, Outcome, outcome_of
from services.agent_worker.models.port import Model
from services.agent_worker.posting import new_post, post_message
from services.agent_worker.publisher import Publisher
from services.agent_worker.run import Run
from services.broker.port import Broker


@contextlib.asynccontextmanager
async def open_run(
    broker: Broker,
    *,
    agent: str,
    message: str,
    tenant: str = "default",
    conversation: str = "",
    partitions: int = 1,
    model: Model | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[Run]:
    """Append `message` to a conversation (a new one if none is named), and publish what answers it as run of `agent`.

    `partitions` is the deployment's number (`ANABRANCH_PARTITIONS`). With a `model`, `run.say` can ask it.

    Raises:
        Conflict: a run is active in the conversation (`conversation_busy`); or somebody cancelled this one (`run_cancelled`),
            which ends the block as a cancellation does.
        Unavailable: the broker does not take the events.
        Exception: whatever leaves the block, once the run has been ended as failed.
    """
    post = new_post(agent, message, tenant=tenant, conversation=conversation)
    post = post._replace(partition=subjects.partition_of(tenant, post.conversation, partitions))
    command = await post_message(broker, post)
    async with Publisher(broker) as publisher:
        attempt = Attempt(broker, publisher, command, worker="external", model=model, limits=limits)
        await attempt.begin(1)
        async with attempt.kept_alive():
            await attempt.claim()
            async with _ended(attempt):
                yield attempt.run


@contextlib.asynccontextmanager
async def _ended(attempt: Attempt) -> AsyncIterator[None]:
    """End the run by how the block ends. What stops the run cancels the block's task, as `asyncio.timeout` does."""
    task = asyncio.current_task()
    assert task is not None
    raised: BaseException | None = None
    attempt.on_stop = task.cancel
    try:
        yield
    except (Exception, asyncio.CancelledError) as error:
        raised = error
    attempt.on_stop = lambda: None
    if attempt.stopped.done():
        await _take_back_cancel(task, raised)
        await _end_stopped(attempt, attempt.stopped.result())
    if isinstance(raised, asyncio.CancelledError):  # the task itself is being cancelled: say so and let it pass
        await _end(attempt, Cancelled(by="system", reason="its process was stopped"))
    else:
        await _end(attempt, outcome_of(raised, attempt.command.agent))
    if raised is not None:
        raise raised


async def _take_back_cancel(task: asyncio.Task[object], raised: BaseException | None) -> None:
    task.uncancel()
    if not isinstance(raised, asyncio.CancelledError):  # the block ended first; the cancellation is still to come
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)


async def _end_stopped(attempt: Attempt, why: Stop) -> NoReturn:
    if isinstance(why, Lost):
        raise why.error
    await _end(attempt, why if isinstance(why, Cancelled) else Cancelled(by="system"))
    raise Conflict(f"run {attempt.command.run} was cancelled", code="run_cancelled")


async def _end(attempt: Attempt, outcome: Outcome) -> None:
    await attempt.finish(outcome)
    await attempt.conclude()
