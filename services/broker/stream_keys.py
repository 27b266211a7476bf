"""The keys of deploy/streams.yaml and their types, and what the server calls them. docs/operations.md explains each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from services.broker.streams import Consumer, Mirror, Replicas, Republish, Stream

Seconds = Annotated[float, msgspec.Meta(ge=0)]


class RepublishKeys(msgspec.Struct, forbid_unknown_fields=True, rename={"source": "from", "destination": "to"}):
    source: str
    destination: str


class StreamKeys(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    retention: Literal["limits", "workqueue"]
    discard: Literal["old", "new"]
    replicas: Replicas
    max_bytes: Annotated[int, msgspec.Meta(ge=1)]
    subjects: list[str] = []
    mirror: str = ""
    republish: RepublishKeys | None = None
    max_age_s: Seconds = 0
    max_msgs_per_subject: Annotated[int, msgspec.Meta(ge=1)] | None = None
    duplicate_window_s: Seconds = 0
    max_consumers: Annotated[int, msgspec.Meta(ge=1)] = 16
    allow_direct: bool = False
    allow_rollup: bool = False
    deny_delete: bool = False

    def named(self, name: str) -> Stream:
        republish = self.republish
        return Stream(
            name=name,
            subjects=self.subjects,
            retention=self.retention,
            num_replicas=self.replicas,
            max_bytes=self.max_bytes,
            max_age=_ns(self.max_age_s),
            max_msgs_per_subject=self.max_msgs_per_subject or -1,
            discard=self.discard,
            duplicate_window=_ns(self.duplicate_window_s),
            max_consumers=self.max_consumers,
            allow_direct=self.allow_direct,
            allow_rollup_hdrs=self.allow_rollup,
            deny_delete=self.deny_delete,
            republish=Republish(republish.source, republish.destination) if republish else None,
            mirror=Mirror(self.mirror) if self.mirror else None,
        )


class ConsumerKeys(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    ack_wait_s: Annotated[float, msgspec.Meta(ge=0.5)]
    max_ack_pending: Annotated[int, msgspec.Meta(ge=1)]

    def named(self, stream: str, name: str) -> Consumer:
        return Consumer(
            stream=stream,
            durable_name=name,
            ack_wait=_ns(self.ack_wait_s),
            max_ack_pending=self.max_ack_pending,
        )


class File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    variables: dict[str, Any]
    profiles: dict[str, dict[str, Any]]
    streams: dict[str, dict[str, Any]]
    consumers: dict[str, dict[str, Any]]


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
