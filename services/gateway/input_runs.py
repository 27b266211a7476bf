"""Starting and ending the runs of a conversation, from the gateway's side of the queue.

A run may start when the one before it is over. Two parties look after that: a gateway reads the lanes *after* it has
appended a message, and a worker reads the `in` lane *after* the end of its run, so one of both sees the other. Both may
publish the same command, which changes nothing: it is idempotent by its run, claims are fenced, and a lane that has ended
is only sealed again.
"""

from __future__ import annotations

from schemas import events as ev
from schemas.codec import decode_frame, encode_frame
from schemas.commands import CancelRun
from schemas.errors import Fenced, NotFound
from services.broker.input_lane import QueuedRun
from services.gateway import input_rules as rules
from services.gateway.input_lanes import Lanes
from services.runtime import now_ms


class Settled(Exception):
    """Raised by a decision that finds nothing to append."""


async def busy(lanes: Lanes) -> bool:
    """Whether a run has not ended, asked of the leader: the fold may not have heard of an end yet."""
    for run in lanes.channel.fold.active_runs:
        if not await lanes.is_over(run.id):
            return True
    return False


async def start_next(lanes: Lanes, queued: QueuedRun | None = None) -> None:
    """Publish the command of the first run that is not over, unless it has started. `queued` is one just appended, which
    the fold may not have.
    """
    for run in lanes.channel.fold.active_runs:
        if queued is not None and run.id == queued.run:
            break
        last = await lanes.last_event(run.id)
        if last is None and run.attempt == 0:
            await _command(lanes, await lanes.queued(run))
            return
        if last is not None and not isinstance(last, ev.RUN_ENDS):
            return
    await _command(lanes, queued)


async def supersede(lanes: Lanes, successor: str) -> int:
    """End the runs before `successor`, the last one first, so that none of them starts on the way.

    Returns the highest sequence that this wrote, 0 for none.
    """
    earlier = []
    for run in lanes.channel.fold.active_runs:
        if run.id == successor:
            break
        earlier.append(run.id)
    written = [await stop(lanes, run_id, ev.RunCancelling(superseded_by=successor)) for run_id in reversed(earlier)]
    return max(written, default=0)


async def stop(lanes: Lanes, run_id: str, request: ev.RunCancelling) -> int:
    """Record that a run is to end, and end it or tell its worker; one that is over stays as it is.

    Returns the sequence of the last frame that this wrote, 0 for none.

    Raises:
        NotFound: the conversation has no such run.
    """

    async def decide() -> list[ev.AnyEvent]:
        run = lanes.channel.fold.runs.get(run_id)
        if run is None:
            raise NotFound(f"no run {run_id} in conversation {lanes.channel.conversation}", code="unknown_run")
        if run.over or run.status == "cancelling":
            raise Settled
        return [request]

    written = 0
    try:
        written = (await lanes.append(run_id, decide)).seq
    except Settled:
        if lanes.channel.fold.runs[run_id].over:
            return 0
    ended = await _end_unstarted(lanes, run_id, request)
    if ended is None:
        control = CancelRun(by=request.by, reason=request.reason, superseded_by=request.superseded_by)
        if not await lanes.broker.control(run_id, control):
            ended = await _end_abandoned(lanes, run_id, request)
    return ended or written


async def _end_unstarted(lanes: Lanes, run_id: str, request: ev.RunCancelling) -> int | None:
    """End a run that no worker has claimed; returns the sequence of its end. None if a worker has claimed it: the fence says
    so, whatever the fold knows.
    """
    run = lanes.channel.fold.runs[run_id]
    if run.attempt:
        return None
    data = encode_frame(ev.Frame(run=run_id, n=1, ts=now_ms(), events=[_end(request)]))
    # Not `run:attempt:n` as a worker's first frame: the broker would tell that worker that its claim was stored.
    subject = lanes.subject(run_id)
    try:
        seq = (await lanes.broker.append(subject, data, msg_id=f"unstarted:{run_id}", expected_last=0)).seq
    except Fenced:
        last = await lanes.broker.last_message(lanes.channel.partition, subject)
        if last is None or not await lanes.is_over(run_id):
            return None
        seq = last.seq
    if not run.after or await lanes.is_over(run.after):  # else the worker of that one publishes this command
        await _command(lanes, await lanes.queued(run))  # for a worker to seal it and to start what waits behind it
    return seq


async def _end_abandoned(lanes: Lanes, run_id: str, request: ev.RunCancelling) -> int | None:
    """End a run from outside (`open_run`) whose process does not answer: nobody takes it over, so nobody else would. Returns
    the sequence of its end; None if it is not such a run, or lives after all.
    """
    queued = await lanes.queued(lanes.channel.fold.runs[run_id])
    subject = lanes.subject(run_id)
    last = await lanes.broker.last_message(lanes.channel.partition, subject)
    if queued is None or not queued.external or last is None:
        return None
    frame = decode_frame(last.data)
    if isinstance(frame.events[-1], ev.RUN_ENDS):
        return last.seq
    n = frame.last + 1
    data = encode_frame(ev.Frame(run=run_id, n=n, ts=now_ms(), attempt=frame.attempt, events=[_end(request)]))
    try:
        stored = await lanes.broker.append(subject, data, msg_id=f"abandoned:{run_id}:{n}", expected_last=last.seq)
    except Fenced:
        return None
    await _command(lanes, queued)  # for a worker to seal it and to start what waits behind it
    return stored.seq


def _end(request: ev.RunCancelling) -> ev.AnyEvent:
    if request.superseded_by:
        return ev.RunSuperseded(by=request.superseded_by)
    return ev.RunCancelled(by=request.by, reason=request.reason)


async def _command(lanes: Lanes, queued: QueuedRun | None) -> None:
    if queued is None:
        return
    channel = lanes.channel
    history = rules.history(channel.fold, queued.run)
    command = queued.command(channel, epoch=channel.cursor.epoch, history=history, title=channel.fold.title)
    await lanes.broker.publish_command(command, trace=queued.trace)
