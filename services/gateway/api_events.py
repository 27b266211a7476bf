"""The events of a conversation over plain HTTP: as SSE, or a few at a time by long polling."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from schemas import cursor, namespace, wire
from schemas.errors import Invalid
from services.gateway.api import Caller, Conversation, Parts
from services.gateway.api_json import STREAM, Json, ref
from services.gateway.poll import WAIT_S_MAX, Poll, poll
from services.gateway.sse import EventStream, Subscription

router = APIRouter(tags=["events"])

TYPES = (Poll,)

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events, the `data` of each one of the `messages` of a `Poll`; or a `Poll`.",
        "content": STREAM | {"application/json": {"schema": ref(Poll)}},
    }
}


@router.get("/v1/conversations/{conversation}/events", responses=_ANSWERS)
async def read_events(
    *,
    request: Request,
    caller: Caller,
    gateway: Parts,
    conversation: Conversation,
    after: Annotated[str, Query(description="A cursor: what came after it.")] = "",
    mode: Annotated[wire.Mode, Query(description="What to begin with.")] = "auto",
    namespaces: Annotated[list[str] | None, Query(description="Subtrees to see, all if absent.")] = None,
    granularity: Annotated[wire.Granularity, Query(description="`messages`: whole texts only.")] = "deltas",
    wait: Annotated[
        float | None, Query(ge=0, le=WAIT_S_MAX, description="Long polling: seconds to wait for the first event.")
    ] = None,
    last_event_id: Annotated[str, Header(description="As EventSource sends it; goes before `after`.")] = "",
) -> Response:
    """The events of a conversation as they come, or (`Accept: application/json`, or `wait`) what there is by now.

    The `id` of a server-sent event and the `cursor` of a poll are what to come back with, as `Last-Event-ID` or `after`, to
    get exactly the rest; with the same namespaces and granularity.
    """
    if last_event_id:
        after, mode = last_event_id, _resuming(mode)
    asked = Subscription(
        caller.tenant,
        conversation,
        cursor.parse(after) if after else None,
        mode,
        _checked(namespaces or []),
        granularity,
        expires=caller.expires,
    )
    if wait is None and not _wants_json(request.headers.get("accept", "")):
        return EventStream(gateway.hub, asked)
    return Json(await poll(gateway.hub, asked, WAIT_S_MAX if wait is None else wait))


def _resuming(mode: wire.Mode) -> wire.Mode:
    """An EventSource comes back with the URL it began with: what that said about the beginning no longer holds."""
    return "replay" if mode == "tail" else "auto"


def _checked(namespaces: list[str]) -> tuple[str, ...]:
    if len(namespaces) > wire.NAMESPACES_MAX:
        raise Invalid(f"more than {wire.NAMESPACES_MAX} namespaces", code="invalid_request")
    return tuple(namespace.check(ns) for ns in namespaces)


def _wants_json(accept: str) -> bool:
    return "application/json" in accept and "text/event-stream" not in accept
