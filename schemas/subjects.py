"""Subjects: the one place where ids become NATS subjects, and back.

The lane is in the subject and the namespace in the payload, because sequence numbers and fences are kept per exact
subject: one writer per subject gives a chain that can be proved whole (docs/decisions/0002).
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.ids import check_id

IN_LANE = "in"
"""The lane of the gateways in every conversation: messages, answers to interrupts, cancel requests, renames."""

COMMANDS = "AB_COMMANDS"
SEALS = "AB_SEALS"
DEAD = "AB_DEAD"
AGENTS = "AB_AGENTS"

ALL_AGENTS = "ab.agent.*"


def events_stream(partition: int) -> str:
    return f"AB_EVENTS_{partition}"


def replay_stream(partition: int) -> str:
    return f"AB_REPLAY_{partition}"


def event(partition: int, tenant: str, conversation: str, lane: str) -> str:
    return f"ab.evt.{partition}.{check_id(tenant)}.{check_id(conversation)}.{check_id(lane)}"


def conversation_events(partition: int, tenant: str, conversation: str) -> str:
    """Every lane of a conversation, as a filter."""
    return f"ab.evt.{partition}.{check_id(tenant)}.{check_id(conversation)}.*"


def live(partition: int, tenant: str, conversation: str) -> str:
    """Every lane of a conversation as it is republished once stored."""
    return f"ab.live.{partition}.{check_id(tenant)}.{check_id(conversation)}.*"


def command(agent: str, tenant: str, conversation: str) -> str:
    return f"ab.cmd.{check_id(agent)}.{check_id(tenant)}.{check_id(conversation)}"


def commands_of(tenant: str, conversation: str) -> str:
    """The commands of a conversation, as a filter."""
    return f"ab.cmd.*.{check_id(tenant)}.{check_id(conversation)}"


def object_name(tenant: str, conversation: str, digest: str) -> str:
    """The name of content of a conversation in the object store: with it gone, nobody else misses the content."""
    return f"{check_id(tenant)}/{check_id(conversation)}/{digest}"


def control(run: str) -> str:
    """Where a running worker hears of cancels and answers at once; the `in` lane is the record."""
    return f"ab.ctl.{check_id(run)}"


def seal(tenant: str, conversation: str, run: str) -> str:
    return f"ab.seal.{check_id(tenant)}.{check_id(conversation)}.{check_id(run)}"


class SealSubject(NamedTuple):
    tenant: str
    conversation: str
    run: str


def parse_seal(subject: str) -> SealSubject:
    """Take apart a subject of the seal stream."""
    _, _, tenant, conversation, run = subject.split(".")
    return SealSubject(tenant, conversation, run)


def agent(name: str) -> str:
    """Where workers announce an agent."""
    return f"ab.agent.{check_id(name)}"


def dead(kind: str, tenant: str, conversation: str, run: str) -> str:
    return f"ab.dead.{check_id(kind)}.{check_id(tenant)}.{check_id(conversation)}.{check_id(run)}"


def dead_of(tenant: str, conversation: str) -> str:
    """The dead letters of a conversation, as a filter."""
    return f"ab.dead.*.{check_id(tenant)}.{check_id(conversation)}.*"


class EventSubject(NamedTuple):
    partition: int
    tenant: str
    conversation: str
    lane: str


def parse_event(subject: str) -> EventSubject:
    """Take apart a subject of the log, stored (`ab.evt`) or republished (`ab.live`)."""
    _, _, partition, tenant, conversation, lane = subject.split(".")
    return EventSubject(int(partition), tenant, conversation, lane)


def partition_of(tenant: str, conversation: str, partitions: int) -> int:
    """The partition of a new conversation: FNV-1a-32 of its tokens, as NATS' own `partition(n,…)` mapping computes it.

    A conversation keeps the partition it was born with (its archive row says which), so that `partitions` may grow.
    """
    digest = 0x811C9DC5
    for byte in (tenant + conversation).encode():
        digest = ((digest ^ byte) * 0x01000193) & 0xFFFFFFFF
    return digest % partitions
