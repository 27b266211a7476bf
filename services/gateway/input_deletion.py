"""Deleting a conversation, from the gateway's side: the last word on its `in` lane, and what has to be removed after it.

The append is what decides: it is made only if no run is active, and whoever appends after it, through any gateway, reads it
first and is refused. All gateways that watch the conversation see it live.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas import events as ev
from schemas import subjects
from schemas.errors import Conflict, Deleted, Unavailable
from schemas.fold import Fold
from schemas.seal import ConversationDeletion
from schemas.transcript import Artifact, ToolCall
from services.gateway import input_runs as runs
from services.gateway.input_lanes import REACHED_S, Lanes
from services.runtime import now_ms


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
    prefix = subjects.object_name(channel.tenant, channel.conversation, "")
    return ConversationDeletion(
        tenant=channel.tenant,
        conversation=channel.conversation,
        partition=channel.partition,
        epoch=channel.cursor.epoch,
        seq=seq,
        deleted=now_ms(),
        refs=sorted({name for name in references(channel.fold) if name.startswith(prefix)}),
    )


def references(fold: Fold) -> Iterator[str]:
    """The names of the objects that a conversation refers to. One under another conversation's name is not its to delete."""
    for item in fold.items():
        match item:
            case Artifact(versions=versions):
                yield from (version.ref for version in versions if version.ref)
            case ToolCall(result={"ref": str(name), "bytes": int(), "preview": str()}):
                yield name
