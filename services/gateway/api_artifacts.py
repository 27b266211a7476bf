"""Artifacts: what a run made, and the bytes of each version. Named `<conversation>.<artifact>`: see `api.Reference`."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Header, Path
from starlette.responses import Response

from schemas.errors import AnabranchError, NotFound
from schemas.transcript import Artifact, ArtifactVersion
from services.gateway import artifacts
from services.gateway.api import Parts, Reference, Tenant, parse_full_reference
from services.gateway.api_json import Json, returns

router = APIRouter(tags=["artifacts"])

ArtifactPath = Annotated[str, Path(description="`<conversation>.<artifact>`.")]


VersionPath = Annotated[int, Path(ge=1)]

IfNoneMatch = Annotated[str, Header()]


class VersionHead(msgspec.Struct, frozen=True, kw_only=True):
    """`digest` is the SHA-256 in hex and `size` the bytes; both unknown while the version is `intermediate`."""

    version: int
    status: Literal["intermediate", "final"]
    digest: str
    size: int
    content: str


class ArtifactDetails(msgspec.Struct, frozen=True, kw_only=True):
    """`content` of a version is the path of its bytes. With `/view` in place of `/content` it is that of what a browser
    shows: HTML, SVG and images.
    """

    id: str
    conversation: str
    run: str
    kind: str
    name: str
    media_type: str
    status: str
    versions: list[VersionHead]


TYPES = (ArtifactDetails,)


@router.get("/v1/artifacts/{artifact}", responses=returns(200, ArtifactDetails, "The artifact and its versions."))
async def read_artifact(tenant: Tenant, gateway: Parts, artifact: ArtifactPath) -> Json:
    reference = parse_full_reference(artifact)
    found = await _find(gateway, tenant, reference)
    details = ArtifactDetails(
        id=found.id,
        conversation=reference.conversation,
        run=found.run,
        kind=found.kind,
        name=found.name,
        media_type=found.media_type,
        status=found.status,
        versions=[
            VersionHead(
                version=version.version,
                status=version.status,
                digest=version.digest,
                size=version.size,
                content=f"/v1/artifacts/{artifact}/versions/{version.version}/content",
            )
            for version in found.versions
        ],
    )
    return Json(details)


@router.get(
    "/v1/artifacts/{artifact}/versions/{version}/content",
    responses={
        200: {
            "description": "The bytes. A final version never changes: its ETag is its digest.",
            "content": {"*/*": {}},
        },
        304: {"description": "You have it already."},
    },
)
async def read_content(
    tenant: Tenant, gateway: Parts, artifact: ArtifactPath, version: VersionPath, if_none_match: IfNoneMatch = ""
) -> Response:
    """To be read or saved by a program: what a browser could run leaves as `application/octet-stream`."""
    found, wanted = await _find_version(gateway, tenant, artifact, version)
    headers = artifacts.content_headers(found.name, found.media_type, digest=wanted.digest)
    return await _answer(gateway, wanted, headers, if_none_match)


@router.get(
    "/v1/artifacts/{artifact}/versions/{version}/view",
    responses={
        200: {
            "description": "HTML, SVG, or a PNG, JPEG, GIF or WebP image, that runs nothing and fetches nothing.",
            "content": {"text/html": {}, "image/*": {}},
        },
        304: {"description": "You have it already."},
    },
)
async def view_content(
    tenant: Tenant, gateway: Parts, artifact: ArtifactPath, version: VersionPath, if_none_match: IfNoneMatch = ""
) -> Response:
    """To be shown by a browser, in a frame with `sandbox` or in a tab of its own. 404 `not_viewable` for other types."""
    found, wanted = await _find_version(gateway, tenant, artifact, version)
    headers = artifacts.view_headers(found.name, found.media_type, digest=wanted.digest)
    return await _answer(gateway, wanted, headers, if_none_match)


async def _answer(gateway: Parts, wanted: ArtifactVersion, headers: dict[str, str], if_none_match: str) -> Response:
    if artifacts.matches(if_none_match, wanted.digest):
        return Response(status_code=304, headers=headers)
    return Response(await _content(gateway, wanted), headers=headers)


async def _find_version(gateway: Parts, tenant: str, artifact: str, version: int) -> tuple[Artifact, ArtifactVersion]:
    found = await _find(gateway, tenant, parse_full_reference(artifact))
    wanted = next((one for one in found.versions if one.version == version), None)
    if wanted is None:
        raise NotFound(f"artifact {found.id} has no version {version}", code="unknown_version")
    return found, wanted


async def _find(gateway: Parts, tenant: str, reference: Reference) -> Artifact:
    """From the conversation's fold, which has it before the archive does and after."""
    async with gateway.hub.channel(tenant, reference.conversation) as channel:
        item = channel.fold.item(reference.id)
        if not isinstance(item, Artifact):
            raise NotFound(
                f"no artifact {reference.id} in conversation {reference.conversation}", code="unknown_artifact"
            )
        return item


async def _content(gateway: Parts, version: ArtifactVersion) -> bytes:
    """Raises AnabranchError `artifact_corrupt` for stored bytes that are not those that were made."""
    if not version.ref:
        return (version.content or "").encode()
    data = await gateway.broker.get_object(version.ref)
    if hashlib.sha256(data).hexdigest() != version.digest:
        raise AnabranchError(f"object {version.ref} is not what was stored", code="artifact_corrupt")
    return data
