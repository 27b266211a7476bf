"""Performing a command: one attempt with an agent's code in a task of its own, from the claim to the seal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from schemas.errors import AnabranchError
from services.agent_worker.attempt import Attempt, Drained, Lost
from services.agent_worker.ending import Cancelled, Failed, Outcome, outcome_of
from services.runtime import now_ms

CANCEL_GRACE_S = 0.7
"""How long an agent may take to unwind when it is cancelled; after that the run ends over its head. A cancel takes effect
within a second.
"""

DELIVERIES_PER_ATTEMPT = 10
"""A command that came so many times as often as a run may be lost ends it, too: it may kill its workers before they begin."""

log = structlog.get_logger()

AgentFunction = Callable[[Any, str], Awaitable[Any]]


async def perform(attempt: Attempt, number: int, agents: Mapping[str, AgentFunction], tasks: asyncio.TaskGroup) -> bool:
    """Do everything that the command of `attempt`, delivered for the `number`th time, asks for. False if it was left to
    another worker because this process drains; otherwise the command can be acknowledged.

    Raises:
        AnabranchError: the attempt was lost; whoever has the run now, or gets it next, goes on.
    """
    if await attempt.begin(number):
        if attempt.external:
            return True
        await attempt.check_alone()
        async with attempt.kept_alive():
            outcome = await _claim_and_run(attempt, agents, tasks)
            if outcome is None:
                return False
            await attempt.finish(outcome)
    await attempt.conclude()
    return True


async def _claim_and_run(
    attempt: Attempt, agents: Mapping[str, AgentFunction], tasks: asyncio.TaskGroup
) -> Outcome | None:
    name = attempt.command.agent
    limit = attempt.limits.attempts_max
    if attempt.lost >= limit or attempt.number > limit * DELIVERIES_PER_ATTEMPT:
        return Failed(
            "worker_lost", f"No worker ended the run, though {attempt.number - 1} took it up.", retryable=True
        )
    await attempt.claim()
    agent = agents.get(name)
    if agent is None:
        return Failed("unknown_agent", f"There is no agent {name!r}. There are: {', '.join(sorted(agents)) or 'none'}.")
    return await _run(attempt, agent, tasks)


async def _run(attempt: Attempt, agent: AgentFunction, tasks: asyncio.TaskGroup) -> Outcome | None:
    """The outcome of the agent's code, or of what stopped it; None if this process drains."""
    code: asyncio.Task[BaseException | None] | None = None
    if not attempt.stopped.done():
        code = tasks.create_task(_contained(agent, attempt))
        either: set[asyncio.Future[Any]] = {code, attempt.stopped}
        done, _ = await asyncio.wait(either, timeout=_seconds_left(attempt), return_when=asyncio.FIRST_COMPLETED)
        if code in done:
            return outcome_of(code.result(), attempt.command.agent)
    why = attempt.stopped.result() if attempt.stopped.done() else None
    if isinstance(why, Lost):
        attempt.silence()
    elif isinstance(why, Drained):
        await attempt.hand_over()
    if code is not None:
        await _unwind(code, attempt)
    match why:
        case Lost(error):
            raise error
        case Drained():
            return None
        case Cancelled():
            return why
    limit = f"{attempt.limits.deadline_s:g} s"
    return Failed("deadline_exceeded", f"The run was stopped: it took longer than {limit}.", retryable=True)


def _seconds_left(attempt: Attempt) -> float:
    """Until the run's deadline, which counts from its first attempt."""
    started = attempt.journal.fold.runs[attempt.command.run].started
    return max(attempt.limits.deadline_s - (now_ms() - started) / 1000, 0.0)


async def _unwind(code: asyncio.Task[BaseException | None], attempt: Attempt) -> None:
    code.cancel()
    unwound, _ = await asyncio.wait({code}, timeout=CANCEL_GRACE_S)
    if not unwound:
        log.warning("an agent does not unwind", agent=attempt.command.agent, run=attempt.command.run)


async def _contained(agent: AgentFunction, attempt: Attempt) -> BaseException | None:
    """Run the agent's code, which is foreign code at a border: whatever it raises ends the run and nothing else."""
    try:
        await agent(attempt.run, attempt.command.text)
    except asyncio.CancelledError as error:
        return error
    except AnabranchError as error:
        return error
    except Exception as error:
        log.warning("an agent failed", agent=attempt.command.agent, run=attempt.command.run, exc_info=True)
        return error
    return None
