"""Interrupts: what a run asks a person, and the answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends

from schemas import wire
from schemas.ids import check_id
from services.gateway.api import Conversation, Parts, Tenant
from services.gateway.api_json import Json, accepts, body_of, returns

router = APIRouter(tags=["interrupts"])


class ResolveInterrupt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`approved` (with edited arguments as `value`, if they were edited) or `denied` for an approval; `answered` with the
    choice or the input as `value` for the others.
    """

    decision: Literal["approved", "denied", "answered"]
    value: Any = None


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    conversation: str
    interrupt: str
    run: str


TYPES = (ResolveInterrupt, Resolved)


@router.post(
    "/v1/conversations/{conversation}/interrupts/{interrupt}/resolve",
    status_code=202,
    openapi_extra=accepts(ResolveInterrupt),
    responses=returns(202, Resolved, "The answer is stored, and its run is told."),
)
async def resolve_interrupt(
    tenant: Tenant,
    gateway: Parts,
    conversation: Conversation,
    interrupt: str,
    body: Annotated[ResolveInterrupt, Depends(body_of(ResolveInterrupt))],
) -> Json:
    answer = wire.Resolve(
        conversation=conversation,
        interrupt=check_id(interrupt, "interrupt"),
        decision=body.decision,
        value=body.value,
    )
    ack = await gateway.input.resolve(tenant, answer)
    return Json(Resolved(conversation=conversation, interrupt=interrupt, run=ack.run), 202)
