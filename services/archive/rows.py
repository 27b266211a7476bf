"""Seals to rows and rows to transcripts: pure, and each the inverse of the other.

A column that has the name of a field keeps that field, so a new field needs a column here and a migration, and no code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import RowMapping, Table

from schemas.events import Usage
from schemas.seal import ConversationDeletion, ConversationRecord, Seal
from schemas.transcript import AnyItem, Artifact, ArtifactVersion, Message, RunState, ToolCall
from services.archive import tables

S = TypeVar("S", bound=msgspec.Struct)
Row = RowMapping


def seal_rows(seal: Seal, era: int) -> list[tuple[Table, list[dict[str, Any]]]]:
    """The rows of a seal in the order in which they can be inserted. The run is not linked yet."""
    key = {"tenant": seal.tenant, "run": seal.run.id}
    found: dict[Table, list[dict[str, Any]]] = {
        table: []
        for table in (
            tables.usage,
            tables.messages,
            tables.tool_calls,
            tables.artifacts,
            tables.artifact_versions,
            tables.entries,
        )
    }
    for position, used in enumerate(seal.run.usage):
        found[tables.usage].append(key | {"position": position} | _fields(used, tables.usage))
    for position, item in enumerate(seal.items):
        table = _table_of(item)
        row = key | {"position": position} | _fields(item, table)
        if table is tables.entries:
            row |= {"kind": item.__struct_config__.tag, "item": item}
        found[table].append(row)
        if isinstance(item, Artifact):
            found[tables.artifact_versions] += [
                key | {"artifact": item.id} | _fields(version, tables.artifact_versions) for version in item.versions
            ]
    run = _fields(seal.run, tables.runs) | {
        "tenant": seal.tenant,
        "conversation": seal.conversation,
        "era": era,
        "epoch": seal.epoch,
        "cursor": seal.cursor,
        "input_last": seal.input_last,
        "linked": False,
        "digest": seal.digest,
    }
    return [(tables.runs, [run]), *((table, rows) for table, rows in found.items() if rows)]


def run_state(row: Row, used: Iterable[Row]) -> RunState:
    run = _struct(RunState, row)
    run.usage = [_struct(Usage, usage) for usage in used]
    return run


def item(table: Table, row: Row, versions: Iterable[Row] = ()) -> AnyItem:
    """The item that a row of one of the item tables keeps. `versions`: those of an artifact, in order."""
    if table is tables.messages:
        return _struct(Message, row)
    if table is tables.tool_calls:
        return _struct(ToolCall, row)
    if table is tables.artifacts:
        return _struct(Artifact, row, versions=[_struct(ArtifactVersion, version) for version in versions])
    entry: AnyItem = row["item"]
    return entry


class ConversationRow(NamedTuple):
    """What the archive knows of a conversation apart from its runs. The title was known at (`title_era`, `title_seq`); the
    newest message that asked for a run, as far as is known, is at (`queued_era`, `queued_seq`).
    """

    partition: int
    title: str
    title_era: int
    title_seq: int
    queued_era: int
    queued_seq: int
    created: int
    updated: int


def conversation_row(message: Seal | ConversationRecord | ConversationDeletion, era: int) -> ConversationRow:
    """What one message of the seal stream says about its conversation."""
    if isinstance(message, ConversationDeletion):
        return ConversationRow(message.partition, "", era, message.seq, 0, 0, 0, message.deleted)
    if isinstance(message, ConversationRecord):
        seq = message.input_seq
        queued = (era, seq) if message.queued else (0, 0)
        return ConversationRow(message.partition, message.title, era, seq, *queued, message.created, message.updated)
    run = message.run
    updated = max(run.queued, run.started, run.ended)
    # The worker was told the title with the command; a later rename comes as a record of its own.
    return ConversationRow(message.partition, message.title, era, run.seq, era, run.seq, message.created, updated)


def merge(known: ConversationRow, news: ConversationRow) -> ConversationRow:
    """Both together, in whatever order they come; a conversation keeps the partition it was born with."""
    newest = max(known, news, key=lambda row: (row.title_era, row.title_seq))
    queued_era, queued_seq = max((row.queued_era, row.queued_seq) for row in (known, news))
    return ConversationRow(
        partition=known.partition,
        title=newest.title,
        title_era=newest.title_era,
        title_seq=newest.title_seq,
        queued_era=queued_era,
        queued_seq=queued_seq,
        created=known.created or news.created,
        updated=max(known.updated, news.updated),
    )


def _table_of(item: AnyItem) -> Table:
    match item:
        case Message():
            return tables.messages
        case ToolCall():
            return tables.tool_calls
        case Artifact():
            return tables.artifacts
    return tables.entries


def _fields(struct: msgspec.Struct, table: Table) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__ if name in table.c}


def _struct(kind: type[S], row: Row, **more: Any) -> S:
    return kind(**{name: row[name] for name in kind.__struct_fields__ if name in row}, **more)


ITEM_TABLES: Sequence[Table] = (tables.messages, tables.tool_calls, tables.artifacts, tables.entries)
