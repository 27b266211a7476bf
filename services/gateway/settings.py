"""What a gateway reads from the environment."""

from __future__ import annotations

from typing import Annotated

import msgspec

DRAIN_S_MAX = 300.0
"""Longer than any orchestrator waits before it kills."""

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`port` 0 takes a free one. `partitions`: the slots that new conversations are spread over. `queued_max`: messages
    that may wait in one conversation. `drain_s`: from SIGTERM until what has not finished is cut. `connection_s_max`: how long
    a viewer's connection may last before it is told to come back, 0 for ever.

    `jwt_keys`: file or URL of the JWKS that tokens are checked with; empty: no token is asked for. `jwt_tenant_claim` names
    the tenant, `jwt_tenant` is the tenant of tokens without it. `origins`: of the pages that may use it, comma-separated;
    empty: those of the host that is asked.
    """

    host: str = "127.0.0.1"
    port: Port = 8000
    allow_insecure: bool = False
    jwt_keys: str = ""
    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwt_tenant_claim: str = "tenant"
    jwt_tenant: str = ""
    origins: str = ""
    nats_url: str = "nats://127.0.0.1:4222"
    database_url: str = "sqlite+aiosqlite:///.anabranch/archive.sqlite3"
    partitions: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 1
    queued_max: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 16
    body_bytes_max: Annotated[int, msgspec.Meta(ge=1024)] = 1024 * 1024
    drain_s: Annotated[float, msgspec.Meta(gt=0, le=DRAIN_S_MAX)] = 25.0
    connection_s_max: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    replay_mirror: bool = False
