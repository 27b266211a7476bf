"""Content too large for a message, in the format of the NATS object store (ADR-20), so that `nats object` can read it.

Read chunk by chunk from the stream's leader: nats-py's reader needs an ordered consumer, which no service may create here,
and a follower could lack the chunks of an object that its writer has just been told is stored.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import UTC, datetime

import msgspec

from schemas.errors import NotFound, Unavailable
from services.broker import api, direct
from services.broker.connection import Connection

CHUNK_BYTES = 128 * 1024
"""The object store's own default; well below the payload limit."""


class ObjectInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The metadata message of an object."""

    name: str
    bucket: str
    nuid: str
    size: int = 0
    chunks: int = 0
    digest: str = ""
    mtime: str = ""
    deleted: bool = False
    options: dict[str, int] = {}


_info = msgspec.json.Decoder(ObjectInfo)


async def put(connection: Connection, bucket: str, name: str, data: bytes) -> None:
    """Store `data` under `name`, replacing what is there. The same content again changes nothing.

    Raises:
        Unavailable: it may be there or not; put it again.
        Overloaded: the bucket is full.
    """
    digest = _digest(data)
    before = await _find(connection, bucket, name)
    if before is not None and before.digest == digest:
        return
    nuid = secrets.token_hex(11)
    chunks = [data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES)]
    for chunk in chunks:
        await api.store(connection, _chunks_subject(bucket, nuid), chunk, {})
    info = ObjectInfo(
        name=name,
        bucket=bucket,
        nuid=nuid,
        size=len(data),
        chunks=len(chunks),
        digest=digest,
        mtime=datetime.now(UTC).isoformat(),
        options={"max_chunk_size": CHUNK_BYTES},
    )
    await api.store(connection, _meta_subject(bucket, name), msgspec.json.encode(info), {"Nats-Rollup": "sub"})
    if before is not None:
        await api.call(connection, f"STREAM.PURGE.{stream(bucket)}", {"filter": _chunks_subject(bucket, before.nuid)})


async def get(connection: Connection, bucket: str, name: str) -> bytes:
    """The content stored under `name`.

    Raises:
        NotFound: there is none.
        Unavailable: it could not be read, or it was replaced while we read it.
    """
    info = await _find(connection, bucket, name)
    if info is None:
        raise NotFound(f"there is no object {name!r} in {bucket}", code="object_not_found")
    parts: list[bytes] = []
    seq = 0
    while len(parts) < info.chunks:
        chunk = await direct.next_message(connection, stream(bucket), _chunks_subject(bucket, info.nuid), seq)
        if chunk is None:
            break
        parts.append(chunk.data)
        seq = chunk.seq
    data = b"".join(parts)
    if _digest(data) != info.digest:
        raise Unavailable(f"object {name!r} in {bucket} does not have its digest", code="object_damaged")
    return data


async def delete(connection: Connection, bucket: str, name: str) -> None:
    """Remove what is stored under `name`, if anything is. Raises Unavailable: call again."""
    info = await _find(connection, bucket, name)
    if info is None:
        return
    chunks = {"filter": _chunks_subject(bucket, info.nuid)}
    await api.call(connection, f"STREAM.PURGE.{stream(bucket)}", chunks)
    gone = ObjectInfo(name=name, bucket=bucket, nuid=info.nuid, mtime=datetime.now(UTC).isoformat(), deleted=True)
    await api.store(connection, _meta_subject(bucket, name), msgspec.json.encode(gone), {"Nats-Rollup": "sub"})


def stream(bucket: str) -> str:
    return f"OBJ_{bucket}"


def subjects(bucket: str) -> list[str]:
    """What the bucket's stream stores."""
    return [f"$O.{bucket}.C.>", f"$O.{bucket}.M.>"]


async def _find(connection: Connection, bucket: str, name: str) -> ObjectInfo | None:
    message = await direct.last_message(connection, stream(bucket), _meta_subject(bucket, name))
    if message is None:
        return None
    info = _info.decode(message.data)
    return None if info.deleted else info


def _chunks_subject(bucket: str, nuid: str) -> str:
    return f"$O.{bucket}.C.{nuid}"


def _meta_subject(bucket: str, name: str) -> str:
    return f"$O.{bucket}.M.{base64.urlsafe_b64encode(name.encode()).decode()}"


def _digest(data: bytes) -> str:
    return "SHA-256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()
