"""Runs: what became of one, and how to stop it.

A run is named `<conversation>.<run>`, which every gateway understands at any time. The run's id alone is enough once it is in
the archive, and before that at the gateway that took its message.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path

from schemas import wire
from schemas.errors import NotFound
from schemas.transcript import RunState, RunStatus
from services.gateway.api import Parts, Reference, Tenant, parse_reference
from services.gateway.api_json import Json, returns

router = APIRouter(tags=["runs"])

RunPath = Annotated[str, Path(description="`<conversation>.<run>`; or the run's id alone, where it can be found.")]


class RunDetails(msgspec.Struct, frozen=True, kw_only=True):
    conversation: str
    run: RunState


class RunProgress(msgspec.Struct, frozen=True, kw_only=True):
    """`attempt` 0: no worker has taken it yet. `retrying`: why the current attempt began or is delayed."""

    conversation: str
    run: str
    status: RunStatus
    over: bool
    attempt: int
    retrying: str


TYPES = (RunDetails, RunProgress)


@router.get("/v1/runs/{run}", responses=returns(200, RunDetails, "The run."))
async def read_run(tenant: Tenant, gateway: Parts, run: RunPath) -> Json:
    return Json(await _find(gateway, tenant, parse_reference(run)))


@router.get("/v1/runs/{run}/status", responses=returns(200, RunProgress, "How far it is."))
async def read_run_status(tenant: Tenant, gateway: Parts, run: RunPath) -> Json:
    return Json(_progress(await _find(gateway, tenant, parse_reference(run))))


@router.post(
    "/v1/runs/{run}/cancel",
    status_code=202,
    responses=returns(202, RunProgress, "It is asked to end, or is over already."),
)
async def cancel_run(tenant: Tenant, gateway: Parts, run: RunPath) -> Json:
    """Ask a run to end, running or queued; one that is over stays as it is."""
    reference = parse_reference(run)
    found = await _find(gateway, tenant, reference)
    if not found.run.over:
        await gateway.input.cancel(tenant, wire.Cancel(conversation=found.conversation, run=reference.id))
        found = await _find(gateway, tenant, Reference(found.conversation, reference.id))
    return Json(_progress(found), 202)


async def _find(gateway: Parts, tenant: str, reference: Reference) -> RunDetails:
    """Raises NotFound (`unknown_run`, or `unknown_conversation` if that is named and there is none)."""
    conversation = reference.conversation or gateway.recent.conversation_of(tenant, reference.id)
    if conversation:
        async with gateway.hub.channel(tenant, conversation) as channel:
            run = channel.fold.runs.get(reference.id)
            if run is not None:
                return RunDetails(conversation=conversation, run=run)
    archived = await gateway.archive.run(tenant, reference.id)
    if archived is not None and reference.conversation in {"", archived[0]}:
        return RunDetails(conversation=archived[0], run=archived[1])
    hint = "" if reference.conversation else " at this gateway; ask for `<conversation>.<run>`"
    raise NotFound(f"no run {reference.id}{hint}", code="unknown_run")


def _progress(found: RunDetails) -> RunProgress:
    run = found.run
    return RunProgress(
        conversation=found.conversation,
        run=run.id,
        status=run.status,
        over=run.over,
        attempt=run.attempt,
        retrying=run.retrying,
    )
