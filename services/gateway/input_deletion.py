"""Deleting a conversation, from the gateway's side: the last word on its `in` lane, and what has to be removed after it.

The append is what decides: it is made only if no run is active, and whoever appends after it, through any gateway, reads it
first and is refused. All gateways that watch the conversation see it live.
"""

from __future__ import annotations

from schemas import events as ev
from schemas import subjects
from schemas.cursor import Cursor
from schemas.errors import Conflict, Deleted, Unavailable
from schemas.seal import ConversationDeletion
from services.broker.burial import deletion_of
from services.gateway import input_runs as runs
from services.gateway.input_lanes import REACHED_S, Lanes


async def bury(lanes: Lanes) -> ConversationDeletion:
    """Append `conversation.deleted`, unless it is there; returns what a persister is to remove.

    Raises:
        Conflict: a run is active (code `conversation_busy`).
        Deleted: the log has forgotten the conversation already.
        Unavailable: call again.
    """
    channel = lanes.channel

    async def decide() -> list[ev.AnyEvent]:
        if await runs.busy(lanes):
            raise Conflict("a run is active in this conversation: cancel it first", code="conversation_busy")
        return [ev.ConversationDeleted()]

    try:
        seq = (await lanes.append("", decide)).seq
    except Deleted:
        last = await lanes.broker.last_message(channel.partition, lanes.subject(subjects.IN_LANE))
        if last is None:
            raise
        seq = last.seq
    if not await channel.reached(seq, REACHED_S):  # or the fold might lack what the last run has stored
        raise Unavailable("this gateway is behind the log; try again")
    return deletion_of(channel, channel.fold, Cursor(channel.cursor.epoch, seq))
