"""How a run ends: its terminal event, its seal, and the command of the run that waited behind it. Pure."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from schemas import events as ev
from schemas import namespace
from schemas.commands import RunCommand, Turn, bounded_history
from schemas.cursor import Cursor
from schemas.seal import Seal, make_seal
from schemas.transcript import Agent, Artifact, Message, RunState, ToolCall
from services.agent_worker.journal import Journal
from services.agent_worker.turn import error_of
from services.broker.input_lane import QueuedRun

HINTS = {
    "agent_error": "Send the message again; if it fails again, tell who runs this service.",
    "deadline_exceeded": "Ask for less at once.",
    "model_disconnected": "The model went away: send the message again in a moment.",
    "model_timeout": "The model does not answer: send the message again in a moment.",
    "model_upstream_failed": "The model failed: send the message again in a moment.",
    "model_context_too_long": "Start a new conversation, or send a shorter message.",
    "model_rate_limited": "Wait a little and send the message again.",
    "model_unauthorized": "Check OPENAI_API_KEY, OPENAI_BASE_URL and MODEL of the worker.",
    "worker_lost": "Send the message again.",
}
"""By code, what a person can do about a failed run."""


class Cancelled(NamedTuple):
    """Somebody asked for it; or, with `superseded_by`, another message took its place."""

    by: str = "user"
    reason: str = ""
    superseded_by: str = ""


class Failed(NamedTuple):
    code: str
    message: str
    retryable: bool = False


class Completed(NamedTuple):
    pass


Outcome = Completed | Cancelled | Failed


def outcome_of(error: BaseException | None, agent: str) -> Outcome:
    """What it means for the run that its agent's code ended like this."""
    if error is None:
        return Completed()
    if isinstance(
        error, asyncio.CancelledError
    ):  # not at our request: somewhere in it a task was cancelled and awaited
        return Failed("agent_error", f"agent {agent} cancelled itself")
    return Failed(*error_of(error, f"agent {agent}"))


def terminal_event(outcome: Outcome, journal: Journal, run: str, now: int) -> ev.RunEnd:
    """The run's last event, with what it used and made so far."""
    state = journal.fold.runs[run]
    usage = state.usage
    duration_ms = max(now - state.started, 0) if state.started else 0
    match outcome:
        case Completed():
            return ev.RunCompleted(usage=usage, counts=_counts(journal, run), duration_ms=duration_ms)
        case Failed(code, message, retryable):
            hint = HINTS.get(code, "")
            return ev.RunFailed(
                code=code, message=message, retryable=retryable, hint=hint, usage=usage, duration_ms=duration_ms
            )
        case Cancelled(by, reason, ""):
            return ev.RunCancelled(by=by, reason=reason, usage=usage, duration_ms=duration_ms)
        case Cancelled(superseded_by=successor):
            return ev.RunSuperseded(by=successor, usage=usage, duration_ms=duration_ms)


def _counts(journal: Journal, run: str) -> ev.Counts:
    items = list(journal.fold.items(run))
    return ev.Counts(
        messages=sum(isinstance(item, Message) and item.role == "assistant" for item in items),
        tool_calls=sum(isinstance(item, ToolCall) for item in items),
        agents=sum(isinstance(item, Agent) for item in items),
        artifacts=sum(isinstance(item, Artifact) for item in items),
    )


def seal_of(journal: Journal, command: RunCommand, *, epoch: str, created: int) -> Seal:
    """The seal of the run that `command` started, which is over and of which the journal has every frame."""
    state = journal.fold.runs[command.run]
    cursor = _covered(journal, state)
    return make_seal(
        journal.fold,
        command.run,
        tenant=command.tenant,
        partition=command.partition,
        position=Cursor(epoch, cursor),
        input_last=max((frame.last for frame in journal.inputs if frame.seq <= cursor), default=command.ordinal),
        title=journal.fold.title,
        created=created,
    )


def _covered(journal: Journal, state: RunState) -> int:
    """Up to where the log is in seals once this run's is: a message queued meanwhile belongs to the seal of its own run."""
    for frame in journal.inputs[1:]:
        if frame.seq <= state.end_seq and any(isinstance(event, ev.UserMessage) for event in frame.events):
            return frame.seq - 1
    return state.end_seq


def next_command(command: RunCommand, journal: Journal, queued: QueuedRun, epoch: str) -> RunCommand:
    """The command of the run queued behind this one: it knows what was said in this one, unless that was taken back."""
    run = journal.fold.runs.get(command.run)  # None where the log could not be read
    asked = [] if run is not None and run.taken_back else [Turn(role="user", text=command.text)]
    said = [
        Turn(role="assistant", text=item.content)
        for item in journal.fold.items(command.run)
        if isinstance(item, Message)
        and item.role == "assistant"
        and item.status == "done"
        and item.ns == namespace.ROOT
        and item.content
    ]
    history = [*command.history, *asked, *said]
    return queued.command(command, epoch=epoch, history=bounded_history(history), title=journal.fold.title)
