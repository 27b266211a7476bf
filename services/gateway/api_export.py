"""Export: a conversation as one file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from schemas.errors import NotFound, Unavailable
from schemas.transcript import Artifact, ArtifactVersion, Transcript
from services.broker.port import Broker
from services.gateway import artifacts, export
from services.gateway.api import Conversation, Parts, Tenant
from services.gateway.api_json import Json, ref
from services.runtime import now_ms

router = APIRouter(tags=["conversations"])

OBJECTS_BYTES_MAX = 64 * 1024 * 1024
"""Of contents read from the object store for one export, all in memory at once; what would be more stays a reference."""

TYPES = (export.Export,)


@router.get(
    "/v1/conversations/{conversation}/export",
    responses={
        200: {
            "description": "The conversation as a file to be saved.",
            "content": {"application/json": {"schema": ref(export.Export)}, "text/markdown": {}},
        }
    },
)
async def export_conversation(
    tenant: Tenant,
    gateway: Parts,
    conversation: Conversation,
    format: Annotated[export.Format, Query(description="`json` has everything, `markdown` is to be read.")] = "json",
) -> Response:
    """As it is now, with the contents of its artifacts in it."""
    async with gateway.hub.channel(tenant, conversation) as channel:
        cursor, transcript = str(channel.cursor), channel.fold.snapshot()
    objects = await _take_in(gateway.broker, transcript)
    name = transcript.title or conversation
    if format == "markdown":
        headers = {"Content-Disposition": artifacts.disposition("attachment", f"{name[:100]}.md")}
        text = export.markdown(transcript)
        return Response(text, media_type="text/markdown; charset=utf-8", headers=headers | _HEADERS)
    headers = {"Content-Disposition": artifacts.disposition("attachment", f"{name[:100]}.json")}
    made = export.Export(id=conversation, cursor=cursor, exported=now_ms(), transcript=transcript, objects=objects)
    return Json(made, headers=headers | _HEADERS)


_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def _take_in(broker: Broker, transcript: Transcript) -> dict[str, bytes]:
    """Put into the transcript the texts that it refers to; returns the other contents by their `ref`."""
    objects: dict[str, bytes] = {}
    room = OBJECTS_BYTES_MAX
    for version in _outside(transcript):
        data = await _read(broker, version.ref) if version.size <= room else None
        if data is None:
            continue
        room -= len(data)
        try:
            version.content = data.decode()
        except UnicodeDecodeError:
            objects[version.ref] = data
    return objects


async def _read(broker: Broker, name: str) -> bytes | None:
    """None for what is gone or damaged: the rest can still be saved. Raises Unavailable while the broker is away."""
    try:
        return await broker.get_object(name)
    except (NotFound, Unavailable) as error:
        if error.code in {"object_not_found", "object_damaged"}:
            return None
        raise


def _outside(transcript: Transcript) -> list[ArtifactVersion]:
    """The versions whose content is in the object store."""
    found = [item for item in transcript.items if isinstance(item, Artifact)]
    return [version for item in found for version in item.versions if version.ref]
