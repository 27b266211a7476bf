"""What has to change on a server so that it has a layout, and what that would lose. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from services.broker import api
from services.broker.streams import OURS, Consumer, Layout, Stream
from services.broker.units import shown

FIXED = ("retention", "storage", "mirror", "deny_delete")
"""The server changes them on no stream: it has to be another one."""

LOWERED = ("max_bytes", "max_age", "max_msgs_per_subject")

Kind = Literal["create", "change", "recreate", "delete", "keep"]


class Item(NamedTuple):
    """One difference. `loss`: what carrying it out would lose, empty if nothing. `warning`: what a person should know."""

    text: str
    loss: str = ""
    warning: str = ""


class Change(NamedTuple):
    """What is to be done with one stream or consumer (`STREAM.CONSUMER`). `config` is what the server is to be sent."""

    kind: Kind
    name: str
    items: Sequence[Item]
    config: Mapping[str, Any]

    @property
    def is_consumer(self) -> bool:
        return "." in self.name

    @property
    def losses(self) -> list[str]:
        return [item.loss for item in self.items if item.loss]


class Present(NamedTuple):
    """What the server has, by name: the wanted ones that there are, and all others that begin like ours."""

    streams: Mapping[str, api.Answer]
    consumers: Mapping[str, api.Answer]


def is_ours(stream: str) -> bool:
    return stream.startswith(OURS)


def compare(layout: Layout, present: Present, now: datetime) -> list[Change]:
    """What to do, in order. Nothing for what is as it should be."""
    found = [_stream(wanted, present.streams.get(wanted.name), now) for wanted in layout.streams]
    found += [_consumer(wanted, present.consumers.get(wanted.name)) for wanted in layout.consumers]
    return [change for change in found if change is not None] + list(_others(layout, present))


def _stream(wanted: Stream, present: api.Answer | None, now: datetime) -> Change | None:
    config = fields(wanted)
    if present is None:
        return Change("create", wanted.name, [Item(_summary(wanted))], config)
    differing = _differing(config, present.config)
    items = [item for field in differing for item in _stream_items(field, wanted, present, now)]
    if not items:
        return None
    if any(field in FIXED for field in differing):
        return Change("recreate", wanted.name, items, config)
    kept = {"max_consumers"}
    changed = {field: config[field] for field in differing if field not in kept}
    return Change("change" if changed else "keep", wanted.name, items, dict(present.config) | changed)


def _differing(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    """The fields that differ; those that the server leaves out have no value."""
    return [field for field, value in wanted.items() if (present.get(field) or None) != (value or None)]


def _stream_items(field: str, wanted: Stream, present: api.Answer, now: datetime) -> Iterator[Item]:
    before, after = present.config.get(field), fields(wanted)[field]
    text = f"{field}: {shown(field, before)} → {shown(field, after)}"
    if field == "max_consumers":
        yield Item(text, warning="it cannot be changed on a stream that exists")
    elif field in FIXED:
        yield Item(text, loss=f"it has to be made anew, without {_held(present)}")
    elif field == "subjects":
        gone = ", ".join(sorted(set(before or ()) - set(after)))
        yield Item(text, loss=f"it would no longer take {gone}" if gone else "")
    elif field == "discard" and after == "old":
        yield Item(text, loss="full, it would drop what it holds")
    elif field == "num_replicas" and after < (before or 1):
        yield Item(text, warning="fewer copies: less may fail before it stands still or loses something")
    elif field in LOWERED:
        yield Item(text, loss=_lost(field, wanted, before, present, now))
    else:
        yield Item(text)


def _lost(field: str, wanted: Stream, before: int | None, present: api.Answer, now: datetime) -> str:
    """What the stream holds that it could not hold any more."""
    state = present.state
    if state is None or not state.messages:
        return ""
    if field == "max_bytes" and state.bytes > wanted.max_bytes:
        return f"it holds {shown(field, state.bytes)}"
    oldest_ns = int((now - state.first_ts).total_seconds() * 1e9)
    if field == "max_age" and 0 < wanted.max_age < oldest_ns:
        return f"it holds messages {shown(field, oldest_ns)} old"
    fewer = wanted.max_msgs_per_subject > 0 and ((before or -1) < 0 or wanted.max_msgs_per_subject < (before or -1))
    if field == "max_msgs_per_subject" and fewer:
        return f"it holds {_held(present)}"
    return ""


def _consumer(wanted: Consumer, present: api.Answer | None) -> Change | None:
    config = fields(wanted)
    del config["stream"]
    if present is None:
        text = f"ack_wait {shown('ack_wait', wanted.ack_wait)}, max_ack_pending {wanted.max_ack_pending}"
        return Change("create", wanted.name, [Item(text)], config)
    differing = _differing(config, present.config)
    if not differing:
        return None
    fixed = any(field in {"ack_policy", "deliver_policy"} for field in differing)
    items = [
        Item(
            f"{field}: {shown(field, present.config.get(field))} → {shown(field, config[field])}",
            loss="it has to be made anew: what was delivered counts as new" if fixed else "",
        )
        for field in differing
    ]
    return Change("recreate" if fixed else "change", wanted.name, items, config)


def _others(layout: Layout, present: Present) -> Iterator[Change]:
    """What the server has and the layout has not. It stays, unless somebody says otherwise."""
    streams = {stream.name for stream in layout.streams}
    consumers = {consumer.name for consumer in layout.consumers}
    for name, answer in present.streams.items():
        if name not in streams:
            yield Change("keep", name, [Item("not in the file", loss=_held(answer))], {})
    for name in present.consumers:
        if name not in consumers:
            yield Change("keep", name, [Item("not in the file", loss="what it has acknowledged")], {})


def allowed(changes: Collection[Change], allow_loss: Collection[str]) -> list[Change]:
    """The changes, with those to be carried out that `allow_loss` names: what is kept although not in the file is deleted."""
    return [
        change._replace(kind="delete")
        if change.kind == "keep" and change.losses and change.name in allow_loss
        else change
        for change in changes
    ]


def refused(changes: Collection[Change], allow_loss: Collection[str]) -> list[Change]:
    """Those that would lose something that nobody has allowed."""
    return [change for change in changes if change.kind != "keep" and change.losses and change.name not in allow_loss]


def fields(value: msgspec.Struct) -> dict[str, Any]:
    """The fields as the server knows them."""
    found: dict[str, Any] = msgspec.to_builtins(value)
    return found


def _summary(wanted: Stream) -> str:
    parts = [
        f"mirror of {wanted.mirror.name}" if wanted.mirror else ", ".join(wanted.subjects),
        wanted.retention,
        shown("num_replicas", wanted.num_replicas),
        shown("max_bytes", wanted.max_bytes),
    ]
    return "; ".join([*parts, shown("max_age", wanted.max_age)] if wanted.max_age else parts)


def _held(present: api.Answer) -> str:
    held = present.state
    return "what it holds" if held is None else f"{held.messages} messages ({shown('max_bytes', held.bytes)})"
