"""Conversations: make, list, read, rename, delete."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from schemas.ids import Id
from schemas.transcript import Transcript
from services.archive.port import ConversationSummary
from services.gateway import listing
from services.gateway.api import Conversation, Parts, Tenant
from services.gateway.api_json import Json, accepts, body_of, returns
from services.gateway.input_rules import TITLE_CHARS_MAX

router = APIRouter(tags=["conversations"])

Title = Annotated[str, msgspec.Meta(max_length=TITLE_CHARS_MAX)]


class CreateConversation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` makes it idempotent; without one the conversation gets a new id. Its first message gives it a title."""

    id: Id | None = None
    title: Title = ""


class ConversationHead(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str


class ConversationRow(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is what goes on now: `waiting` for a person, `queued` for a worker; `unknown` if the log did not say in time.
    `last_status` is how the newest run that has ended did, empty if none has.
    """

    id: str
    title: str
    created: int
    updated: int
    runs: int
    status: listing.Status
    last_status: str


class ConversationList(msgspec.Struct, frozen=True, kw_only=True):
    """Newest activity first. `next` is the `page` of what follows, empty at the end. Times in ms since the epoch."""

    conversations: list[ConversationRow]
    next: str


class ConversationState(msgspec.Struct, frozen=True, kw_only=True):
    """What the conversation is at `cursor`: subscribe after that cursor for what follows."""

    id: str
    cursor: str
    transcript: Transcript


class RenameConversation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=TITLE_CHARS_MAX)]


TYPES = (CreateConversation, ConversationHead, ConversationList, ConversationState, RenameConversation)


@router.post(
    "/v1/conversations",
    status_code=201,
    openapi_extra=accepts(CreateConversation),
    responses=returns(201, ConversationHead, "Made.") | returns(200, ConversationHead, "It was there already."),
)
async def create_conversation(
    tenant: Tenant, gateway: Parts, body: Annotated[CreateConversation, Depends(body_of(CreateConversation))]
) -> Json:
    """Make a conversation; one that exists is left as it is."""
    created = await gateway.input.create(tenant, body.id or "", body.title)
    head = ConversationHead(id=created.conversation, title=created.title)
    return Json(head, 201 if created.new else 200, {"Location": f"/v1/conversations/{created.conversation}"})


@router.get("/v1/conversations", responses=returns(200, ConversationList, "A page of the list."))
async def list_conversations(
    tenant: Tenant,
    gateway: Parts,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    page: Annotated[str, Query(max_length=500, description="`next` of the page before.")] = "",
    q: Annotated[str, Query(max_length=200, description="Only those with this in their title or messages.")] = "",
) -> Json:
    """Made to be asked for every few seconds. It shows at once what was asked for, before any run of it has ended."""
    found = await gateway.archive.conversations(tenant, limit=limit, page=page, query=q)
    rows = [_row(*row) for row in await listing.listed(gateway.hub, tenant, found.conversations)]
    return Json(ConversationList(conversations=rows, next=found.next))


def _row(summary: ConversationSummary, status: listing.Status) -> ConversationRow:
    return ConversationRow(
        id=summary.id,
        title=summary.title,
        created=summary.created,
        updated=summary.updated,
        runs=summary.runs,
        status=status,
        last_status=summary.last_status,
    )


@router.get("/v1/conversations/{conversation}", responses=returns(200, ConversationState, "Transcript and cursor."))
async def read_conversation(tenant: Tenant, gateway: Parts, conversation: Conversation) -> Json:
    """What the conversation is now, and the cursor to follow it from."""
    async with gateway.hub.channel(tenant, conversation) as channel:
        return Json(ConversationState(id=conversation, cursor=str(channel.cursor), transcript=channel.fold.snapshot()))


@router.patch(
    "/v1/conversations/{conversation}",
    openapi_extra=accepts(RenameConversation),
    responses=returns(200, ConversationHead, "Renamed."),
)
async def rename_conversation(
    tenant: Tenant,
    gateway: Parts,
    conversation: Conversation,
    body: Annotated[RenameConversation, Depends(body_of(RenameConversation))],
) -> Json:
    await gateway.input.rename(tenant, conversation, body.title)
    return Json(ConversationHead(id=conversation, title=body.title))


@router.delete(
    "/v1/conversations/{conversation}",
    status_code=204,
    responses={204: {"description": "Deleted, now or before. Its id is not free again."}},
)
async def delete_conversation(tenant: Tenant, gateway: Parts, conversation: Conversation) -> Response:
    """Remove a conversation for good, with its messages, runs and artifacts. 409 `conversation_busy` while a run is active:
    cancel it first. Who watches it gets an `error` of code `conversation_deleted`.
    """
    await gateway.input.delete(tenant, conversation)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})
