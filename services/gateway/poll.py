"""Long polling: the same messages as on SSE, a few at a time, for clients behind something that does not let streams pass.

A poll without a cursor gets a snapshot (or what its mode asks for) at once; one with a cursor gets what came after it, and
waits for it if nothing has. It then comes back with the cursor it was given.
"""

from __future__ import annotations

import asyncio

import msgspec

from schemas import wire
from services.gateway.api_json import encode
from services.gateway.hub import Hub
from services.gateway.reader import Closed, Reader
from services.gateway.sse import Subscription

WAIT_S_MAX = 30.0
"""Proxies tend to cut a silent request after 60 s."""

BYTES_MAX = 1024 * 1024
"""Of a replay in one answer (a snapshot may be larger); the rest comes with the next poll."""


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """`caught_up`: there was nothing beyond `cursor` when this was written."""

    cursor: str
    caught_up: bool
    messages: list[wire.AnyServerMessage]


async def poll(hub: Hub, asked: Subscription, wait_s: float) -> bytes:
    """A `Poll`, encoded. Raises AnabranchError."""
    # Who comes back has its cursor from the poll before: "from now" would lose what came between the two.
    mode = "replay" if asked.mode == "tail" and asked.after is not None else asked.mode
    async with hub.channel(asked.tenant, asked.conversation) as channel:
        reader = channel.reader(
            after=asked.after, mode=mode, namespaces=asked.namespaces, granularity=asked.granularity
        )
        first = await reader.next()
        assert isinstance(first, wire.Subscribed)
        messages, cursor, caught_up = await _collect(reader, wait_s, first.cursor)
        hub.counts.bytes += sum(map(len, messages))
    return b'{"cursor":%s,"caught_up":%s,"messages":[%s]}' % (
        encode(cursor),
        b"true" if caught_up else b"false",
        b",".join([encode(first), *messages]),
    )


async def _collect(reader: Reader, wait_s: float, cursor: str) -> tuple[list[bytes], str, bool]:
    """What there is; if there is nothing, what comes first within `wait_s`. With the cursor reached, and whether that
    is the present.
    """
    messages: list[bytes] = []
    size = 0
    content = caught_up = False
    while size < BYTES_MAX and not (caught_up and (content or wait_s <= 0)):
        try:
            async with asyncio.timeout(wait_s if caught_up else None):
                message = await reader.next()
        except (TimeoutError, Closed):
            break
        messages.append(encode(message))
        size += len(messages[-1])
        caught_up = caught_up or isinstance(message, wire.CaughtUp)
        content = content or isinstance(message, wire.Events | wire.Snapshot)
        if isinstance(message, wire.Events | wire.Snapshot | wire.CaughtUp):
            cursor = message.cursor
    return messages, cursor, caught_up
