"""What a persister reads from the environment."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`batch_max`: seals in one transaction; each may be 0.5 MiB and more, and all are in memory."""

    nats_url: str = "nats://127.0.0.1:4222"
    database_url: str = "sqlite+aiosqlite:///.anabranch/archive.sqlite3"
    batch_max: Annotated[int, msgspec.Meta(ge=1, le=1000, extra={"env": "ANABRANCH_PERSISTER_BATCH"})] = 50
