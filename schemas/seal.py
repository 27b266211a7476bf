"""Seal: the fold of one finished run, with its counts and digest, as the persister writes it in one transaction."""

from __future__ import annotations

import hashlib

import msgspec

from schemas.cursor import Cursor
from schemas.errors import Invalid
from schemas.fold import Fold
from schemas.transcript import AnyItem, Artifact, Message, RunState, ToolCall

SEAL_BYTES_MAX = 512 * 1024
"""A larger seal goes through the object store and is referenced."""


class SealCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many events the lane has and how many things the fold made of them: checked again before the write."""

    events: int
    items: int
    messages: int
    tool_calls: int
    artifacts: int


class Seal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="run"):
    """`epoch` and `cursor` say up to where the log is in the archive once this seal and all before it are: everything of
    the conversation at or before `cursor` is in a seal. It is the run's last frame, or lies before the first message that
    was queued while the run went on. `input_last` is the number of the last event on the `in` lane at or before it.
    """

    tenant: str
    conversation: str
    partition: int
    epoch: str
    cursor: int
    input_last: int
    title: str
    created: int
    run: RunState
    items: list[AnyItem]
    counts: SealCounts
    digest: str


class SealReference(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="reference"):
    """Stands for a seal over SEAL_BYTES_MAX: its name in the object store."""

    ref: str


class ConversationRecord(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="conversation"
):
    """Published by a gateway on the seal stream when it appends to the `in` lane, so that a conversation is listed before
    its first run ends. The row with the highest `input_seq` wins; it never moves the archive's cursor. `queued`: what was
    appended queued a run.
    """

    tenant: str
    conversation: str
    partition: int
    epoch: str
    input_seq: int
    title: str
    created: int
    updated: int
    renamed: bool = False
    queued: bool = False


class ConversationDeletion(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="deletion"
):
    """Published by a gateway on the seal stream once `conversation.deleted` stands in the log, at `seq` of the stream `epoch`:
    whoever receives it removes everything of the conversation that lies elsewhere or before. `refs` are the names of its
    objects, `deleted` the time in ms.
    """

    tenant: str
    conversation: str
    partition: int
    epoch: str
    seq: int
    deleted: int
    refs: list[str] = []


SealMessage = Seal | SealReference | ConversationRecord | ConversationDeletion
"""What travels on the seal stream."""


def digest_of(run: RunState, items: list[AnyItem]) -> str:
    """SHA-256 in hex of the canonical encoding of what a seal says happened."""
    return hashlib.sha256(msgspec.json.encode([run, items], order="sorted")).hexdigest()


def counts_of(run: RunState, items: list[AnyItem]) -> SealCounts:
    return SealCounts(
        events=run.last,
        items=len(items),
        messages=sum(isinstance(item, Message) for item in items),
        tool_calls=sum(isinstance(item, ToolCall) for item in items),
        artifacts=sum(isinstance(item, Artifact) for item in items),
    )


def make_seal(
    fold: Fold, run_id: str, *, tenant: str, partition: int, position: Cursor, input_last: int, title: str, created: int
) -> Seal:
    """Seal a run that is over. `position` and `input_last` as in `Seal`.

    Raises:
        Invalid: the run is not over.
    """
    snapshot = fold.snapshot()
    run = next((run for run in snapshot.runs if run.id == run_id), None)
    if run is None or not run.over:
        raise Invalid(f"run {run_id} is not over")
    items = [item for item in snapshot.items if item.run == run_id]
    return Seal(
        tenant=tenant,
        conversation=fold.conversation,
        partition=partition,
        epoch=position.epoch,
        cursor=position.seq,
        input_last=input_last,
        title=title,
        created=created,
        run=run,
        items=items,
        counts=counts_of(run, items),
        digest=digest_of(run, items),
    )


def check_seal(seal: Seal) -> None:
    """Raises Invalid if the seal's counts or digest are not those of its content."""
    if counts_of(seal.run, seal.items) != seal.counts:
        raise Invalid(f"run {seal.run.id}: the seal's counts do not match its content", code="seal_counts")
    if digest_of(seal.run, seal.items) != seal.digest:
        raise Invalid(f"run {seal.run.id}: the seal's digest does not match its content", code="seal_digest")
    if not seal.run.over:
        raise Invalid(f"run {seal.run.id}: sealed as {seal.run.status}", code="seal_open")
