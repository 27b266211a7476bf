"""The streams and consumers of a deployment as values. They are defined in deploy/streams.yaml (`stream_file.py` reads it), and
`provision.py` makes a broker agree with them. Services never create streams.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import msgspec

from schemas import subjects

WORKERS = "workers"
PERSISTERS = "persisters"
"""The durable consumers of the two work queues."""

OBJECTS = "AB_OBJECTS"
"""Bucket of artifact content over CONTENT_BYTES_MAX: kept for good, since the archive refers to it."""

SEALED = "AB_SEALED"
"""Bucket of seals over SEAL_BYTES_MAX: kept as long as a dead letter, and then nothing refers to them."""

OURS = ("AB_", "OBJ_AB_")
"""How the names of our streams begin; others on the same account are not looked at."""

MIB = 1024**2

Replicas = Annotated[int, msgspec.Meta(ge=1, le=5)]
Bytes = Annotated[int, msgspec.Meta(ge=MIB)]
Partitions = Annotated[int, msgspec.Meta(ge=1, le=1024)]


class Deployment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs between a laptop and a cluster: the variables of deploy/streams.yaml, which says what they mean and
    has their values. The environment changes single ones.
    """

    partitions: Partitions
    replicas: Replicas
    mirror: Annotated[bool, msgspec.Meta(extra={"env": "ANABRANCH_REPLAY_MIRROR"})]
    mirror_replicas: Replicas
    events_age_s: Annotated[int, msgspec.Meta(ge=60)]
    events_bytes: Bytes
    commands_bytes: Bytes
    seals_bytes: Bytes
    dead_bytes: Bytes
    objects_bytes: Bytes
    ack_wait_s: Annotated[float, msgspec.Meta(ge=0.5)]
    volume_bytes: Annotated[int, msgspec.Meta(ge=0)]
    sync_interval: Annotated[str, msgspec.Meta(pattern=r"^(always|[1-9]\d*(ms|s|m))$")]


class Republish(msgspec.Struct, frozen=True):
    src: str
    dest: str


class Mirror(msgspec.Struct, frozen=True):
    name: str


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream's configuration, by the names and units (ns) of the server's API."""

    name: str
    subjects: list[str]
    retention: Literal["limits", "workqueue"]
    storage: Literal["file"] = "file"
    num_replicas: int
    max_bytes: int
    max_age: int
    max_msgs_per_subject: int
    discard: Literal["old", "new"]
    duplicate_window: int
    max_consumers: int
    """Nothing here creates consumers at run time: room for mirrors and for a person's tools. It cannot be changed later."""
    allow_direct: bool
    allow_rollup_hdrs: bool
    deny_delete: bool
    republish: Republish | None
    mirror: Mirror | None


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """A durable pull consumer, by the names and units (ns) of the server's API."""

    stream: str
    durable_name: str
    ack_wait: int
    max_ack_pending: int
    ack_policy: Literal["explicit"] = "explicit"
    deliver_policy: Literal["all"] = "all"
    max_deliver: int = -1

    @property
    def name(self) -> str:
        return f"{self.stream}.{self.durable_name}"


class Layout(NamedTuple):
    """Everything that a broker is to have. Mirrors come after what they copy."""

    deployment: Deployment
    streams: list[Stream]
    consumers: list[Consumer]

    @property
    def bytes_max(self) -> int:
        """What the limits of all streams add up to."""
        return sum(stream.max_bytes for stream in self.streams)

    def stream(self, name: str) -> Stream:
        return next(stream for stream in self.streams if stream.name == name)


def needed(deployment: Deployment) -> set[str]:
    """The streams and consumers that the services use by name."""
    partitions = range(deployment.partitions)
    return {
        *(subjects.events_stream(partition) for partition in partitions),
        *(subjects.replay_stream(partition) for partition in partitions if deployment.mirror),
        *(subjects.COMMANDS, subjects.SEALS, subjects.DEAD, subjects.AGENTS),
        *(f"OBJ_{bucket}" for bucket in (OBJECTS, SEALED)),
        *(f"{subjects.COMMANDS}.{WORKERS}", f"{subjects.SEALS}.{PERSISTERS}"),
    }
