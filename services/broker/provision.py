"""Making a broker have a layout: what it has is read, compared (`plan.py`), and only then changed.

May run any number of times, and at the same time in several places. What would lose something is refused as a whole, before
anything is changed; then a person decides and names what may be lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from schemas.errors import Conflict, NotFound, Unavailable
from services.broker import api
from services.broker.connection import Connection
from services.broker.plan import Change, Present, allowed, compare, is_ours, refused
from services.broker.streams import Layout

PROVISION_S = 60.0
PROVISION_RETRY_S = 0.5
"""How long a deployment waits for a cluster to take its streams, and how often it asks."""

T = TypeVar("T")

log = structlog.get_logger()


async def plan(connection: Connection, layout: Layout) -> list[Change]:
    """What differs between the server and the layout. Raises Unavailable."""
    return compare(layout, await _present(connection, layout), datetime.now(UTC))


async def carry_out(connection: Connection, layout: Layout, allow_loss: Collection[str] = ()) -> list[str]:
    """Make the server have the layout; returns the names of what was created, changed or deleted.

    Raises:
        Conflict: something would be lost that `allow_loss` does not name: nothing was changed. Or the server refuses.
        Unavailable: not all of it is done; call again.
    """
    changes = await plan(connection, layout)
    if stopped := refused(changes, allow_loss):
        why = "; ".join(f"{change.name}: {', '.join(change.losses)}" for change in stopped)
        raise Conflict(f"nothing was changed, since it would lose something: {why}", code="stream_conflict")
    done = [change for change in allowed(changes, allow_loss) if change.kind != "keep"]
    for change in done:
        await _apply(connection, change)
        log.info(f"{change.kind}d", name=change.name, what=[item.text for item in change.items])
    return [change.name for change in done]


async def patiently(work: Callable[[], Awaitable[T]], deadline_s: float = PROVISION_S) -> T:
    """Do it again while the broker does not answer. Raises Unavailable after `deadline_s`, and whatever else `work` raises."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + deadline_s
    while True:
        try:
            return await work()
        except Unavailable as error:  # a cluster that has just started loses a request now and then
            if loop.time() > deadline:
                raise
            log.warning("not provisioned yet", error=str(error))
            await asyncio.sleep(PROVISION_RETRY_S)


async def _present(connection: Connection, layout: Layout) -> Present:
    streams: dict[str, api.Answer] = {}
    consumers: dict[str, api.Answer] = {}
    others = [name for name in await api.stream_names(connection) if is_ours(name)]
    for name in dict.fromkeys([*(stream.name for stream in layout.streams), *others]):
        try:
            streams[name] = await api.call(connection, f"STREAM.INFO.{name}")
        except NotFound:
            continue
        for consumer in await api.consumers(connection, name):
            if consumer.config.get("durable_name"):  # others are somebody's tool, and end with it
                consumers[f"{name}.{consumer.config['durable_name']}"] = consumer
    return Present(streams, consumers)


async def _apply(connection: Connection, change: Change) -> None:
    kind = "CONSUMER" if change.is_consumer else "STREAM"
    if change.kind in {"delete", "recreate"}:
        await api.call(connection, f"{kind}.DELETE.{change.name}")
    if change.kind == "delete":
        return
    if change.is_consumer:
        stream = change.name.partition(".")[0]
        request = {"stream_name": stream, "config": change.config}
        await api.call(connection, f"CONSUMER.DURABLE.CREATE.{change.name}", request)
    else:
        verb = "UPDATE" if change.kind == "change" else "CREATE"
        await api.call(connection, f"STREAM.{verb}.{change.name}", change.config)
