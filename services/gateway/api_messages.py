"""Messages: what a person says, and the answer streamed back on the same request if it asks for that."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from schemas import cursor, wire
from schemas.errors import Invalid
from schemas.events import Multitask
from schemas.ids import Id, check_id
from services import tracing
from services.gateway.api import Caller, Conversation, Parts
from services.gateway.api_json import STREAM, Json, accepts, body_of, returns
from services.gateway.sse import EventStream, Subscription
from services.runtime import new_id

router = APIRouter(tags=["messages"])

AGENT = "assistant"
"""Who answers a message that names nobody."""


class PostMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` (or the header `Idempotency-Key`) makes it safe to repeat: sent again, it attaches to the run that exists.

    `multitask` says what happens if a run is active: the message waits, is refused, or interrupts it.
    """

    text: wire.Text
    id: Id | None = None
    agent: Id = AGENT
    multitask: Multitask = "enqueue"


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """Read the answer with `GET …/events?after=<cursor>`. `attached`: the message was there already."""

    conversation: str
    message: str
    run: str
    cursor: str
    attached: bool


TYPES = (PostMessage, Posted)


@router.post(
    "/v1/conversations/{conversation}/messages",
    status_code=202,
    openapi_extra=accepts(PostMessage),
    responses=returns(202, Posted, "Stored; its run is queued.")
    | {200: {"description": "With `Accept: text/event-stream`: the events until the run ends.", "content": STREAM}},
)
async def post_message(
    *,
    request: Request,
    caller: Caller,
    gateway: Parts,
    conversation: Conversation,
    body: Annotated[PostMessage, Depends(body_of(PostMessage))],
    idempotency_key: Annotated[str, Header(description="The same as `id` in the body.")] = "",
) -> Response:
    """Say something: an agent answers in a run, which goes on whether or not anybody watches."""
    message = wire.Send(
        conversation=conversation,
        id=_message_id(body.id or "", idempotency_key),
        text=body.text,
        agent=body.agent,
        multitask=body.multitask,
    )
    with tracing.continued(request.headers.get("traceparent", "")):
        ack = await gateway.input.send(caller.tenant, message)
    if "text/event-stream" in request.headers.get("accept", ""):
        after = cursor.parse(ack.cursor)
        asked = Subscription(caller.tenant, conversation, after, "replay", until_run=ack.run, expires=caller.expires)
        return EventStream(gateway.hub, asked)
    posted = Posted(
        conversation=conversation, message=message.id, run=ack.run, cursor=ack.cursor, attached=ack.attached
    )
    return Json(posted, 202, {"Location": f"/v1/runs/{conversation}.{ack.run}"})


def _message_id(in_body: str, in_header: str) -> str:
    """Raises Invalid."""
    if in_header and in_body and in_header != in_body:
        raise Invalid("`Idempotency-Key` and `id` differ", code="invalid_request")
    return in_body or (check_id(in_header, "Idempotency-Key") if in_header else new_id("u"))
