"""What the admin command reads from the environment beside deploy/streams.yaml: where things are."""

from __future__ import annotations

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    nats_url: str = "nats://127.0.0.1:4222"
    database_url: str = "sqlite+aiosqlite:///.anabranch/archive.sqlite3"
