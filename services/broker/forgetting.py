"""Forgetting: a deleted conversation leaves every stream. By filtered purges, which hold up the stream's writers for about
0.1 s each: nothing else here purges.
"""

from __future__ import annotations

import asyncio

from schemas import subjects
from schemas.errors import NotFound, Unavailable
from schemas.seal import ConversationDeletion
from services.broker import api, objects, streams
from services.broker.connection import Connection

MIRROR_S = 10.0
MIRROR_PAUSE_S = 0.1
"""How long a mirror may take to have what its source had, and how often it is asked: what it gets later nobody would purge."""


async def forget_log(connection: Connection, deletion: ConversationDeletion) -> None:
    """Purge the conversation's frames before the one that says it was deleted: first the primary, then its mirror, which does
    not follow a purge.

    Raises:
        Unavailable: not all of it is gone; call again.
    """
    request = {
        "filter": subjects.conversation_events(deletion.partition, deletion.tenant, deletion.conversation),
        "seq": deletion.seq,
    }
    await api.call(connection, f"STREAM.PURGE.{subjects.events_stream(deletion.partition)}", request)
    mirror = subjects.replay_stream(deletion.partition)
    if await _has_caught_up(connection, mirror, deletion.seq):
        await api.call(connection, f"STREAM.PURGE.{mirror}", request)


async def _has_caught_up(connection: Connection, mirror: str, seq: int) -> bool:
    """Wait until the mirror has `seq`; False if there is no mirror. Raises Unavailable."""
    deadline = asyncio.get_running_loop().time() + MIRROR_S
    while asyncio.get_running_loop().time() < deadline:
        try:
            state = (await api.call(connection, f"STREAM.INFO.{mirror}")).state
        except NotFound:
            return False
        if state is not None and state.last_seq >= seq:
            return True
        await asyncio.sleep(MIRROR_PAUSE_S)
    raise Unavailable(f"{mirror} is behind its source")


async def forget_rest(connection: Connection, deletion: ConversationDeletion) -> None:
    """Purge commands and dead letters, delete the objects. Raises Unavailable: not all of it is gone; call again."""
    tenant, conversation = deletion.tenant, deletion.conversation
    for stream, filtered in (
        (subjects.COMMANDS, subjects.commands_of(tenant, conversation)),
        (subjects.DEAD, subjects.dead_of(tenant, conversation)),
    ):
        await api.call(connection, f"STREAM.PURGE.{stream}", {"filter": filtered})
    for name in deletion.refs:
        await objects.delete(connection, streams.OBJECTS, name)
