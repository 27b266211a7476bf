"""What the admin command reads from the environment: where things are, and what `apply` makes of the broker."""

from __future__ import annotations

from typing import Annotated

import msgspec

from services.broker.streams import Deployment

Replicas = Annotated[int, msgspec.Meta(ge=1, le=5)]
Bytes = Annotated[int, msgspec.Meta(ge=1024 * 1024)]

_DEFAULT = Deployment()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """From `partitions` on as in `Deployment`; `events_bytes` is for each partition."""

    nats_url: str = "nats://127.0.0.1:4222"
    database_url: str = "sqlite+aiosqlite:///.anabranch/archive.sqlite3"
    partitions: Annotated[int, msgspec.Meta(ge=1, le=1024)] = _DEFAULT.partitions
    replicas: Replicas = _DEFAULT.replicas
    replay_mirror: bool = _DEFAULT.mirror
    mirror_replicas: Replicas = _DEFAULT.mirror_replicas
    events_age_s: Annotated[int, msgspec.Meta(ge=60)] = _DEFAULT.events_age_s
    events_bytes: Bytes = _DEFAULT.events_bytes
    commands_bytes: Bytes = _DEFAULT.commands_bytes
    seals_bytes: Bytes = _DEFAULT.seals_bytes
    dead_bytes: Bytes = _DEFAULT.dead_bytes
    objects_bytes: Bytes = _DEFAULT.objects_bytes

    @property
    def deployment(self) -> Deployment:
        return Deployment(
            partitions=self.partitions,
            replicas=self.replicas,
            mirror=self.replay_mirror,
            mirror_replicas=self.mirror_replicas,
            events_age_s=self.events_age_s,
            events_bytes=self.events_bytes,
            commands_bytes=self.commands_bytes,
            seals_bytes=self.seals_bytes,
            dead_bytes=self.dead_bytes,
            objects_bytes=self.objects_bytes,
        )
