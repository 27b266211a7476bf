"""`permissions`: what each service's user may do at the broker, as the lists of a nats-server's configuration.

Lists of what is allowed; the denials repeat what must never be allowed, whatever somebody adds to a list. They cannot hold a
wildcard inside a name (`AB_EVENTS_*`), so that they name every partition: written anew when `partitions` grows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from schemas import subjects
from services.admin.settings import Settings
from services.broker import objects
from services.broker.stream_file import read_layout
from services.broker.streams import OBJECTS, PERSISTERS, SEALED, WORKERS, Layout

ABOUT = """
Prints the permissions of the users gateway, agent_worker, persister, admin and monitor for the partitions of ANABRANCH_PROFILE,
as a file that a nats-server's configuration includes: deploy/nats/permissions.conf.
"""

REPLY_S = 5
"""How long a worker may answer a control message: above what a gateway waits."""

_OBJECTS, _SEALED = objects.stream(OBJECTS), objects.stream(SEALED)


class Rights(NamedTuple):
    """Subjects of one user. `replies`: it may answer a message on the subject that the message names."""

    publish: list[str]
    subscribe: list[str]
    deny: list[str]
    replies: bool = False


def rights(layout: Layout) -> dict[str, Rights]:
    """By the name of the user, which is that of the service."""
    return {
        "gateway": _gateway(layout),
        "agent_worker": _worker(layout),
        "persister": _persister(layout),
        "admin": _admin(),
        "monitor": _monitor(layout),
    }


def _gateway(layout: Layout) -> Rights:
    """Appends, asks for runs and records what was asked; reads the log, its live copy and objects. Pulls nothing."""
    return Rights(
        publish=[
            *_inboxes("gateway"),
            *("ab.evt.>", "ab.cmd.>", "ab.seal.>", "ab.ctl.*"),
            *_reads_log(layout),
            f"$JS.API.DIRECT.GET.{subjects.AGENTS}",
            f"$JS.API.STREAM.MSG.GET.{_OBJECTS}",
            *_stores_seals(),
        ],
        subscribe=[*_inboxes("gateway"), "ab.live.>"],
        deny=[*_MANAGING, "$JS.API.CONSUMER.>", "$JS.ACK.>"],
    )


def _worker(layout: Layout) -> Rights:
    return Rights(
        publish=[
            *_inboxes("agent_worker"),
            *("ab.evt.>", "ab.cmd.>", "ab.seal.>", "ab.dead.command.>", subjects.ALL_AGENTS),
            *_consumes(subjects.COMMANDS, WORKERS),
            *_reads_log(layout),
            f"$JS.API.STREAM.MSG.GET.{_OBJECTS}",
            f"$O.{OBJECTS}.>",
            *_stores_seals(),
        ],
        subscribe=[*_inboxes("agent_worker"), "ab.ctl.*"],
        deny=[*_MANAGING, *_other_queue(subjects.SEALS)],
        replies=True,
    )


def _persister(layout: Layout) -> Rights:
    """Takes seals, and removes what is left of deleted conversations: the only service that may purge."""
    kept = [stream.name for stream in layout.streams if stream.name.startswith(("AB_EVENTS_", "AB_REPLAY_"))]
    purged = [*kept, subjects.COMMANDS, subjects.DEAD, _OBJECTS]
    return Rights(
        publish=[
            *_inboxes("persister"),
            "ab.dead.seal.>",
            *_consumes(subjects.SEALS, PERSISTERS),
            *(f"$JS.API.STREAM.INFO.{stream}" for stream in kept),
            *(f"$JS.API.STREAM.PURGE.{stream}" for stream in purged),
            f"$JS.API.STREAM.MSG.GET.{_OBJECTS}",
            f"$O.{OBJECTS}.M.*",
            *_stores_seals(),
        ],
        subscribe=_inboxes("persister"),
        deny=[*_MANAGING, *_other_queue(subjects.COMMANDS)],
    )


def _admin() -> Rights:
    """Manages streams and consumers, and puts messages back; takes none out of a queue."""
    return Rights(
        publish=[*_inboxes("admin"), "ab.evt.>", "ab.cmd.>", "ab.seal.>", f"$O.{SEALED}.>", "$JS.API.>"],
        subscribe=_inboxes("admin"),
        deny=["$JS.API.CONSUMER.MSG.NEXT.>", "$JS.ACK.>"],
    )


def _monitor(layout: Layout) -> Rights:
    """Asks what lies in streams and queues (`admin metrics`), and reads none of it."""
    return Rights(
        publish=[
            *_inboxes("monitor"),
            *(f"$JS.API.STREAM.INFO.{stream.name}" for stream in layout.streams),
            *(f"$JS.API.CONSUMER.INFO.{consumer.name}" for consumer in layout.consumers),
        ],
        subscribe=_inboxes("monitor"),
        deny=[*_MANAGING, "$JS.API.CONSUMER.MSG.NEXT.>", "$JS.ACK.>"],
    )


def _inboxes(service: str) -> list[str]:
    """Of its two connections. It also publishes there: a connection that sends itself a message knows that it lives."""
    return [f"_INBOX_{service}.>", f"_INBOX_{service}_replay.>"]


def _reads_log(layout: Layout) -> Iterator[str]:
    for stream in layout.streams:
        if stream.name.startswith("AB_EVENTS_"):
            yield f"$JS.API.STREAM.INFO.{stream.name}"
            yield f"$JS.API.STREAM.MSG.GET.{stream.name}"
            yield f"$JS.API.DIRECT.GET.{stream.name}"
        elif stream.name.startswith("AB_REPLAY_"):
            yield f"$JS.API.DIRECT.GET.{stream.name}"


def _stores_seals() -> list[str]:
    """Large ones; one that replaces another purges its chunks."""
    return [f"$JS.API.STREAM.MSG.GET.{_SEALED}", f"$JS.API.STREAM.PURGE.{_SEALED}", f"$O.{SEALED}.>"]


def _consumes(stream: str, consumer: str) -> list[str]:
    """Pulling, and acknowledging on subjects of both versions."""
    return [f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", *(f"{ack}.{stream}.{consumer}.>" for ack in _ACKS)]


def _other_queue(stream: str) -> list[str]:
    """Whoever pulls and acknowledges from it takes away work that is never done."""
    return [
        f"$JS.API.CONSUMER.*.{stream}.>",
        f"$JS.API.CONSUMER.*.*.{stream}.>",
        *(f"{ack}.{stream}.>" for ack in _ACKS),
    ]


_ACKS = ("$JS.ACK", "$JS.ACK.*.*")

_MANAGING = [
    "$JS.API.STREAM.CREATE.>",
    "$JS.API.STREAM.UPDATE.>",
    "$JS.API.STREAM.DELETE.>",
    "$JS.API.STREAM.MSG.DELETE.>",
    "$JS.API.STREAM.RESTORE.>",
    "$JS.API.STREAM.SNAPSHOT.>",
    "$JS.API.CONSUMER.CREATE.>",
    "$JS.API.CONSUMER.DURABLE.>",
    "$JS.API.CONSUMER.DELETE.>",
    "$JS.API.CONSUMER.PAUSE.>",
]


def render(found: dict[str, Rights]) -> str:
    """In the language of nats-server's configuration: one variable for each user."""
    parts = ["# Written by `python -m services.admin permissions`; deploy/nats/accounts.conf uses it.\n"]
    for user, may in found.items():
        replies = f'\n  allow_responses: {{ max: 1, expires: "{REPLY_S}s" }}' if may.replies else ""
        parts.append(
            f"{user.upper()}_PERMISSIONS: {{\n"
            f"  publish: {{\n    allow: {_list(may.publish)}\n    deny: {_list(may.deny)}\n  }}\n"
            f"  subscribe: {{\n    allow: {_list(may.subscribe)}\n  }}{replies}\n}}\n"
        )
    return "\n".join(parts)


def _list(found: list[str]) -> str:
    lines = "".join(f"      {msgspec.json.encode(subject).decode()}\n" for subject in found)
    return f"[\n{lines}    ]"


async def run(_settings: Settings, chosen: argparse.Namespace) -> int:
    found = rights(read_layout())
    if chosen.json:
        print(msgspec.json.format(msgspec.json.encode({user: may._asdict() for user, may in found.items()})).decode())
    else:
        print(render(found), end="")
    return 0
