"""The archive's reader: transcripts, lists and lookups, each from one snapshot of the database."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Select, Table, exists, func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from schemas import namespace
from schemas.cursor import Cursor
from schemas.errors import Deleted, Invalid
from schemas.transcript import AnyItem, RunState, Transcript
from services.archive import rows, tables
from services.archive.engine import open_engine, transaction
from services.archive.glance import open_glance
from services.archive.port import (
    SEARCHED_CONVERSATIONS,
    Archived,
    ArchiveReader,
    ConversationSummary,
    Page,
)

_Ms = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""What a column of times holds."""

PAGE_ROWS_MAX = 200
"""A page is held in memory whole and read by a person."""

IDS_MAX = 500
"""Of one statement: databases bound the number of its parameters."""


def open_reader(database_url: str) -> ArchiveReader:
    """A reader of the database behind the URL; connects when it first reads. Raises Invalid for a URL not ours."""
    return SqlReader(open_engine(database_url, writes=False))


class SqlReader:
    """`ArchiveReader` on SQLite and PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._glance = open_glance(engine)

    async def conversation(self, tenant: str, conversation: str) -> Archived | None:
        row = await self._glance.at(tenant, conversation)
        if row is None:
            return None
        if row.deleted:
            raise Deleted(conversation)
        if not row.has_runs:
            transcript = Transcript(conversation=conversation, title=row.title, created=row.created)
            return Archived(row.partition, None, transcript)
        return await self._whole(tenant, conversation)

    async def is_deleted(self, tenant: str, conversation: str) -> bool:
        row = await self._glance.at(tenant, conversation)
        return row is not None and row.deleted > 0

    async def _whole(self, tenant: str, conversation: str) -> Archived | None:
        table, run = tables.conversations, tables.runs
        mine = (run.c.tenant == tenant) & (run.c.conversation == conversation) & run.c.linked
        async with transaction(self._engine) as connection:
            found = await connection.execute(select(table).where(table.c.tenant == tenant, table.c.id == conversation))
            known = found.mappings().one_or_none()
            if known is None:
                return None
            if known["deleted"]:
                raise Deleted(conversation)
            archived = await _runs(connection, mine)
            transcript = Transcript(
                conversation=conversation,
                title=known["title"],
                created=known["created"],
                runs=await _run_states(connection, archived, mine),
                items=await _items(connection, archived, mine),
            )
        if not archived:
            return Archived(known["partition"], None, transcript)
        head = archived[-1]
        transcript.input_last = head["input_last"]
        cursor = Cursor(head["epoch"], head["cursor"])
        return Archived(known["partition"], cursor, transcript, _beyond(archived, transcript, cursor))

    async def conversations(self, tenant: str, *, limit: int = 50, page: str = "", query: str = "") -> Page:
        limit = max(1, min(limit, PAGE_ROWS_MAX))
        table = tables.conversations
        listed = _summaries().where(table.c.tenant == tenant, table.c.deleted == 0)
        if query:
            listed = listed.where(or_(table.c.title.icontains(query, autoescape=True), _says(tenant, query)))
        if page:
            updated, last = _parse_page(page)
            listed = listed.where(tuple_(table.c.updated, table.c.id) < tuple_(literal(updated), literal(last)))
        listed = listed.order_by(table.c.updated.desc(), table.c.id.desc()).limit(limit + 1)
        async with transaction(self._engine) as connection:
            found = [ConversationSummary(*row) for row in await connection.execute(listed)]
        following = _page_after(found[limit - 1]) if len(found) > limit else ""
        return Page(found[:limit], following)

    async def run(self, tenant: str, run: str) -> tuple[str, RunState] | None:
        mine = (tables.runs.c.tenant == tenant) & (tables.runs.c.id == run)
        async with transaction(self._engine) as connection:
            stored = await _runs(connection, mine)
            states = await _run_states(connection, stored, mine)
        return (stored[0]["conversation"], states[0]) if stored else None

    async def tenants(self) -> Sequence[str]:
        table = tables.conversations
        async with transaction(self._engine) as connection:
            kept = select(table.c.tenant).where(table.c.deleted == 0)
            return (await connection.scalars(kept.distinct().order_by(table.c.tenant))).all()

    async def partitions(self) -> dict[int, int]:
        table = tables.conversations
        counted = select(table.c.partition, func.count()).where(table.c.deleted == 0).group_by(table.c.partition)
        async with transaction(self._engine) as connection:
            return {row[0]: row[1] for row in await connection.execute(counted)}

    async def archived_runs(self, tenant: str, runs: Sequence[str]) -> frozenset[str]:
        table = tables.runs
        found: list[str] = []
        async with transaction(self._engine) as connection:
            for start in range(0, len(runs), IDS_MAX):
                asked = table.c.id.in_(runs[start : start + IDS_MAX])
                found += await connection.scalars(select(table.c.id).where(table.c.tenant == tenant, asked))
        return frozenset(found)

    async def ping(self) -> None:
        async with transaction(self._engine) as connection:
            await connection.execute(select(tables.conversations.c.id).limit(1))

    async def close(self) -> None:
        await self._glance.close()
        await self._engine.dispose()


Rows = Sequence[RowMapping]
Condition = ColumnElement[bool]


async def _runs(connection: AsyncConnection, mine: Condition) -> Rows:
    """The runs for which `mine` is true, oldest first."""
    table = tables.runs
    found = await connection.execute(select(table).where(mine).order_by(table.c.era, table.c.seq))
    return found.mappings().all()


async def _of_runs(connection: AsyncConnection, table: Table, mine: Condition, *order: ColumnElement[Any]) -> Rows:
    """The rows of `table` under the runs for which `mine` is true."""
    run = tables.runs
    joined = select(table).join(run, (run.c.tenant == table.c.tenant) & (run.c.id == table.c.run))
    found = await connection.execute(joined.where(mine).order_by(*order))
    return found.mappings().all()


async def _run_states(connection: AsyncConnection, stored: Rows, mine: Condition) -> list[RunState]:
    used: dict[str, list[RowMapping]] = defaultdict(list)
    for row in await _of_runs(connection, tables.usage, mine, tables.usage.c.position):
        used[row["run"]].append(row)
    return [rows.run_state(row, used[row["id"]]) for row in stored]


async def _items(connection: AsyncConnection, stored: Rows, mine: Condition) -> list[AnyItem]:
    """The items of the runs in the order of the log."""
    eras = {row["id"]: row["era"] for row in stored}
    versions: dict[tuple[str, str], list[RowMapping]] = defaultdict(list)
    for row in await _of_runs(connection, tables.artifact_versions, mine, tables.artifact_versions.c.version):
        versions[row["run"], row["artifact"]].append(row)
    placed: list[tuple[tuple[int, int, int], AnyItem]] = []
    for table in rows.ITEM_TABLES:
        for row in await _of_runs(connection, table, mine):
            place = (eras[row["run"]], row["seq"], row["position"])
            placed.append((place, rows.item(table, row, versions.get((row["run"], row["id"]), ()))))
    placed.sort(key=lambda one: one[0])
    return [item for _, item in placed]


def _beyond(stored: Rows, transcript: Transcript, cursor: Cursor) -> frozenset[str]:
    """The items after the cursor, among those of its epoch: in another one the same numbers mean other places."""
    of_epoch = {row["id"] for row in stored if row["epoch"] == cursor.epoch}
    return frozenset(item.id for item in transcript.items if item.run in of_epoch and item.seq > cursor.seq)


def _summaries() -> Select[Any]:
    table, run = tables.conversations, tables.runs
    mine = (run.c.tenant == table.c.tenant) & (run.c.conversation == table.c.id)
    count = select(func.count()).select_from(run).where(mine).scalar_subquery()
    newest = select(run.c.status).where(mine).order_by(run.c.era.desc(), run.c.seq.desc()).limit(1).scalar_subquery()
    queued = tuple_(table.c.queued_era, table.c.queued_seq)
    settled = or_(table.c.queued_era == 0, exists().where(mine, tuple_(run.c.era, run.c.seq) >= queued))
    columns = (table.c.id, table.c.title, table.c.created, table.c.updated)
    return select(*columns, count, func.coalesce(newest, ""), settled)


def _says(tenant: str, query: str) -> Condition:
    """Whether a conversation that was active lately has a message with `query` in it."""
    table, run, message = tables.conversations, tables.runs, tables.messages
    newest = (
        select(table.c.id)
        .where(table.c.tenant == tenant, table.c.deleted == 0)
        .order_by(table.c.updated.desc(), table.c.id.desc())
    )
    found = (
        select(run.c.conversation)
        .join(message, (message.c.tenant == run.c.tenant) & (message.c.run == run.c.id))
        .where(run.c.tenant == tenant, run.c.conversation.in_(newest.limit(SEARCHED_CONVERSATIONS).subquery().select()))
        .where(message.c.ns == namespace.ROOT, message.c.content.icontains(query, autoescape=True))
    )
    return table.c.id.in_(found)


def _page_after(last: ConversationSummary) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([last.updated, last.id])).decode().rstrip("=")


def _parse_page(token: str) -> tuple[int, str]:
    try:
        data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        return msgspec.json.decode(data, type=tuple[_Ms, str])
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise Invalid("this page token is not ours", code="invalid_page") from error
