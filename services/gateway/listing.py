"""Listing: what goes on in the conversations of a page, by the fold of the log where the archive cannot know it yet.

The archive says of each row whether a run was asked for that it does not have. Those conversations are joined as if somebody
watched them, at whatever gateway is asked, and stay joined while somebody asks again within a few seconds: then a page costs
one query and no request to the broker, and its rows are as true as what a viewer sees.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal, NamedTuple

from schemas.errors import AnabranchError
from schemas.fold import Fold
from services.archive.port import ConversationSummary
from services.gateway.hub import Hub

Status = Literal["idle", "queued", "running", "waiting", "unknown"]
"""`waiting`: for a person. `unknown`: the log did not say in time."""

JOINED_MAX = 50
"""Conversations of one page that are looked into; of more, the ones with the oldest activity are `unknown`."""

JOINED_S = 1.0
"""How long a page waits for them. A join that takes longer goes on, and the next page has it."""


class Row(NamedTuple):
    summary: ConversationSummary
    status: Status


async def listed(hub: Hub, tenant: str, found: Sequence[ConversationSummary]) -> list[Row]:
    """The rows of a page, with what goes on in them now."""
    unsettled = [one for one in found if not one.settled]
    async with asyncio.TaskGroup() as group:
        looking = {one.id: group.create_task(_look(hub, tenant, one)) for one in unsettled[:JOINED_MAX]}
    return [
        looking[one.id].result() if one.id in looking else Row(one, "idle" if one.settled else "unknown")
        for one in found
    ]


async def _look(hub: Hub, tenant: str, known: ConversationSummary) -> Row:
    try:
        async with asyncio.timeout(JOINED_S), hub.channel(tenant, known.id) as channel:
            return row_of(channel.fold, known)
    except (AnabranchError, TimeoutError):
        return Row(known, "unknown")


def row_of(fold: Fold, known: ConversationSummary) -> Row:
    """What a conversation is at this moment. The archive's word stands where the fold has none."""
    ended = [run.status for run in fold.runs.values() if run.over]
    summary = known._replace(
        title=fold.title or known.title,
        runs=max(known.runs, len(fold.runs)),
        last_status=ended[-1] if ended else known.last_status,
    )
    return Row(summary, status_of(fold))


def status_of(fold: Fold) -> Status:
    """That of the run that is at work, or would be if a worker had come for it."""
    for run in fold.active_runs:
        match run.status:
            case "queued" | "waiting":
                return run.status
            case _:
                return "running"
    return "idle"
