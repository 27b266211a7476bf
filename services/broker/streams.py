"""The streams and consumers of a deployment as data, and the one call that makes the broker agree with them.

Services never create streams. `provision` runs when a deployment starts (`python -m services.admin apply`) and may run
any number of times. It creates what is missing and changes what can be changed without a loss; the rest it refuses, and
then a person decides.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
import structlog

from schemas import subjects
from schemas.errors import Conflict, NotFound
from services.broker import api, objects
from services.broker.connection import Connection
from services.broker.port import AGENTS_AGE_S

WORKERS = "workers"
PERSISTERS = "persisters"
"""The durable consumers of the two work queues."""

OBJECTS = "AB_OBJECTS"
"""Bucket of artifact content over CONTENT_BYTES_MAX: kept for good, since the archive refers to it."""

SEALED = "AB_SEALED"
"""Bucket of seals over SEAL_BYTES_MAX: kept as long as a dead letter, and then nothing refers to them."""

DUPLICATE_WINDOW_S = 120
"""How long a `msg_id` is remembered: above the time for which any writer repeats a message. 0.2 KB of memory each."""

COMMANDS_DUPLICATE_WINDOW_S = 3600
"""Few messages, and a POST may be repeated much later than a frame."""

DEAD_AGE_S = 30 * 24 * 3600

AGENTS_BYTES = 1024**2
"""Thousands of them; what does not fit pushes out who announced itself longest ago."""

GIB = 1024**3
MIB = 1024**2

log = structlog.get_logger()


Replicas = Annotated[int, msgspec.Meta(ge=1, le=5)]
Bytes = Annotated[int, msgspec.Meta(ge=MIB)]


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between a laptop and a cluster; `admin apply` reads it from the environment. The byte limits of all
    streams together must stay below the volume: a stream that is full says so, a full volume only makes every publish time
    out until the server is restarted.

    `mirror`: a copy of each partition that serves replay, because reading the primary holds up its writers.
    `events_age_s`: how long a cursor can be resumed from the log; after that from the archive.
    `ack_wait_s`: how long a worker or persister may be silent before its message goes to another.
    """

    partitions: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 1
    replicas: Replicas = 1
    mirror: Annotated[bool, msgspec.Meta(extra={"env": "ANABRANCH_REPLAY_MIRROR"})] = False
    mirror_replicas: Replicas = 1
    events_age_s: Annotated[int, msgspec.Meta(ge=60)] = 24 * 3600
    events_bytes: Bytes = 2 * GIB
    commands_bytes: Bytes = 128 * MIB
    seals_bytes: Bytes = 512 * MIB
    dead_bytes: Bytes = 128 * MIB
    objects_bytes: Bytes = 2 * GIB
    ack_wait_s: Annotated[float, msgspec.Meta(ge=0.5)] = 30.0


class Republish(msgspec.Struct, frozen=True):
    src: str
    dest: str


class Mirror(msgspec.Struct, frozen=True):
    name: str


class Stream(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """A stream's configuration, by the names and units (ns) of the server's API."""

    name: str
    subjects: list[str] = []
    retention: Literal["limits", "workqueue"] = "limits"
    storage: Literal["file"] = "file"
    num_replicas: int
    max_bytes: int
    max_age: int = 0
    max_msgs_per_subject: int = -1
    discard: Literal["old", "new"] = "old"
    duplicate_window: int = DUPLICATE_WINDOW_S * 10**9
    max_consumers: int = 16
    """Nothing here creates consumers at run time: room for mirrors and for a person's tools. It cannot be changed later."""
    allow_direct: bool = False
    allow_rollup_hdrs: bool = False
    deny_delete: bool = False
    republish: Republish | None = None
    mirror: Mirror | None = None


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """A durable pull consumer. There is no `max_deliver`: who receives an attempt too many ends the run, since the server
    would only stop delivering and leave the message behind.
    """

    stream: str
    durable_name: str
    ack_wait: int
    max_ack_pending: int = 10_000
    """Above all slots of all workers: each run that is going on is one pending acknowledgement."""
    ack_policy: Literal["explicit"] = "explicit"
    deliver_policy: Literal["all"] = "all"
    max_deliver: int = -1


def streams(deployment: Deployment) -> list[Stream]:
    """Every stream of the deployment, mirrors after what they copy."""
    found = [stream for partition in range(deployment.partitions) for stream in _partition(deployment, partition)]
    return [*found, *_queues(deployment), _dead(deployment), _agents(deployment), *_buckets(deployment)]


def consumers(deployment: Deployment) -> list[Consumer]:
    ack_wait = int(deployment.ack_wait_s * 1e9)
    return [
        Consumer(stream=subjects.COMMANDS, durable_name=WORKERS, ack_wait=ack_wait),
        Consumer(stream=subjects.SEALS, durable_name=PERSISTERS, ack_wait=ack_wait),
    ]


def _partition(deployment: Deployment, partition: int) -> list[Stream]:
    name = subjects.events_stream(partition)
    primary = Stream(
        name=name,
        subjects=[f"ab.evt.{partition}.>"],
        num_replicas=deployment.replicas,
        max_bytes=deployment.events_bytes,
        max_age=deployment.events_age_s * 10**9,
        allow_direct=True,
        deny_delete=True,
        republish=Republish(f"ab.evt.{partition}.>", f"ab.live.{partition}.>"),
    )
    if not deployment.mirror:
        return [primary]
    mirror = Stream(
        name=subjects.replay_stream(partition),
        num_replicas=deployment.mirror_replicas,
        max_bytes=deployment.events_bytes,
        max_age=deployment.events_age_s * 10**9,
        duplicate_window=0,
        allow_direct=True,
        mirror=Mirror(name),
    )
    return [primary, mirror]


def _queues(deployment: Deployment) -> list[Stream]:
    """Full, they refuse what is new: what they hold is work that somebody was promised."""
    return [
        Stream(
            name=subjects.COMMANDS,
            subjects=["ab.cmd.>"],
            retention="workqueue",
            num_replicas=deployment.replicas,
            max_bytes=deployment.commands_bytes,
            discard="new",
            duplicate_window=COMMANDS_DUPLICATE_WINDOW_S * 10**9,
        ),
        Stream(
            name=subjects.SEALS,
            subjects=["ab.seal.>"],
            retention="workqueue",
            num_replicas=deployment.replicas,
            max_bytes=deployment.seals_bytes,
            discard="new",
        ),
    ]


def _dead(deployment: Deployment) -> Stream:
    return Stream(
        name=subjects.DEAD,
        subjects=["ab.dead.>"],
        num_replicas=deployment.replicas,
        max_bytes=deployment.dead_bytes,
        max_age=DEAD_AGE_S * 10**9,
    )


def _agents(deployment: Deployment) -> Stream:
    """The last announcement of each agent."""
    return Stream(
        name=subjects.AGENTS,
        subjects=[subjects.ALL_AGENTS],
        num_replicas=deployment.replicas,
        max_bytes=AGENTS_BYTES,
        max_age=int(AGENTS_AGE_S * 1e9),
        max_msgs_per_subject=1,
        allow_direct=True,
    )


def _buckets(deployment: Deployment) -> list[Stream]:
    return [
        Stream(
            name=objects.stream(bucket),
            subjects=objects.subjects(bucket),
            num_replicas=deployment.replicas,
            max_bytes=deployment.objects_bytes if bucket == OBJECTS else deployment.seals_bytes,
            max_age=age_s * 10**9,
            discard="new",
            allow_direct=True,
            allow_rollup_hdrs=True,
        )
        for bucket, age_s in ((OBJECTS, 0), (SEALED, DEAD_AGE_S))
    ]


async def provision(connection: Connection, deployment: Deployment) -> list[str]:
    """Make the broker's streams and consumers those of `deployment`. Returns what was created or changed.

    Raises:
        Conflict: an existing stream is of another kind, or the change would lose what it holds; nothing of it was changed.
        Unavailable: the broker did not answer; call again.
    """
    changed = [name for stream in streams(deployment) if (name := await _apply_stream(connection, stream))]
    changed += [name for consumer in consumers(deployment) if (name := await _apply_consumer(connection, consumer))]
    return changed


async def _apply_stream(connection: Connection, wanted: Stream) -> str:
    config = _set_fields(wanted)
    try:
        answer = await api.call(connection, f"STREAM.INFO.{wanted.name}")
    except NotFound:
        await api.call(connection, f"STREAM.CREATE.{wanted.name}", config)
        log.info("created a stream", stream=wanted.name)
        return wanted.name
    changes = {
        field: value
        for field, value in config.items()
        if field != "max_consumers" and (answer.config.get(field) or None) != (value or None)
    }
    if not changes:
        return ""
    check_change(wanted, answer, changes)
    await api.call(connection, f"STREAM.UPDATE.{wanted.name}", answer.config | changes)
    log.info("changed a stream", stream=wanted.name, changes=changes)
    return wanted.name


def check_change(wanted: Stream, present: api.Answer, changes: dict[str, Any]) -> None:
    """Raises Conflict if one of the changes needs another stream, or would lose messages that the stream holds or takes."""
    for field in ("retention", "storage", "mirror"):
        if field in changes:
            raise _refused(wanted, f"its {field} cannot change from {present.config.get(field)!r}")
    missing = set(present.config.get("subjects") or ()) - set(wanted.subjects)
    if missing:
        raise _refused(wanted, f"it would no longer take {', '.join(sorted(missing))}")
    state = present.state
    if state is None or state.messages == 0:
        return
    if "max_bytes" in changes and state.bytes > wanted.max_bytes:
        raise _refused(wanted, f"it holds {state.bytes} bytes, and max_bytes would be {wanted.max_bytes}")
    oldest = datetime.now(UTC) - state.first_ts
    if changes.get("max_age") and oldest > timedelta(microseconds=wanted.max_age / 1000):
        raise _refused(wanted, f"it holds messages {oldest} old, and max_age would be {wanted.max_age // 10**9} s")


def _refused(wanted: Stream, why: str) -> Conflict:
    return Conflict(f"stream {wanted.name}: {why}", code="stream_conflict")


async def _apply_consumer(connection: Connection, wanted: Consumer) -> str:
    name = f"{wanted.stream}.{wanted.durable_name}"
    config = _set_fields(wanted)
    del config["stream"]
    try:
        answer = await api.call(connection, f"CONSUMER.INFO.{name}")
        if all(answer.config.get(field) == value for field, value in config.items()):
            return ""
    except NotFound:
        pass
    request = {"stream_name": wanted.stream, "config": config}
    await api.call(connection, f"CONSUMER.DURABLE.CREATE.{name}", request)
    log.info("created or changed a consumer", consumer=name)
    return name


def _set_fields(value: msgspec.Struct) -> dict[str, Any]:
    """The fields as the server knows them, without those that are None."""
    fields: dict[str, Any] = msgspec.to_builtins(value)
    return {field: content for field, content in fields.items() if content is not None}
