"""For those who run it: is the process alive, should it get traffic, what does it count."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from schemas.errors import AnabranchError
from services.gateway.api import Gateway, Parts
from services.gateway.api_json import Json, returns
from services.metrics import CONTENT_TYPE

router = APIRouter(tags=["operation"])

ARCHIVE_S = 2.0
"""A probe is asked again every few seconds: an archive that takes longer counts as not reachable."""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    ready: bool
    broker: bool
    archive: bool
    draining: bool


TYPES = (Readiness,)


@router.get("/healthz", responses={200: {"description": "The event loop turns."}})
async def healthz() -> Json:
    return Json({"ok": True})


@router.get(
    "/readyz", responses=returns(200, Readiness, "Send traffic.") | returns(503, Readiness, "Send none just now.")
)
async def readyz(gateway: Parts) -> Json:
    """An archive that is away makes no gateway unready: all would be at once, and what is open streams on without it."""
    broker, archive, draining = gateway.broker.connected, await _archive(gateway), gateway.hub.draining
    ready = broker and not draining
    return Json(Readiness(ready=ready, broker=broker, archive=archive, draining=draining), 200 if ready else 503)


@router.get("/metrics", responses={200: {"description": "Prometheus text format.", "content": {"text/plain": {}}}})
async def metrics(gateway: Parts) -> Response:
    return Response(gateway.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})


async def _archive(gateway: Gateway) -> bool:
    try:
        async with asyncio.timeout(ARCHIVE_S):
            await gateway.archive.ping()
    except (AnabranchError, TimeoutError):
        return False
    return True
