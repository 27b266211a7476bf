"""The archive's writer: seals and conversation records into the tables, in one transaction per batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from schemas.errors import AnabranchError, Conflict, Invalid, Unavailable
from schemas.seal import ConversationDeletion, Seal, check_seal
from services.archive import rows, tables
from services.archive.engine import open_engine, transaction, translate
from services.archive.port import Archivable, ArchiveWriter

Eras = Mapping[tuple[int, str], int]
"""(partition, epoch) → era."""


def open_writer(database_url: str) -> ArchiveWriter:
    """A writer to the database behind the URL; connects when it first writes. Raises Invalid for a URL not ours."""
    return SqlWriter(open_engine(database_url, writes=True))


class SqlWriter:
    """`ArchiveWriter` on SQLite and PostgreSQL.

    Writers of one conversation take turns: each first locks the conversation's row. Batches are written in the order of
    their keys, so that two writers never wait for each other.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def ping(self) -> None:
        async with transaction(self._engine) as connection:
            await connection.execute(select(tables.runs.c.id).limit(1))

    async def write(self, messages: Sequence[Archivable]) -> Sequence[AnabranchError | None]:
        outcomes: list[AnabranchError | None] = [None] * len(messages)
        order = sorted(range(len(messages)), key=lambda index: (messages[index].tenant, messages[index].conversation))
        async with transaction(self._engine) as connection:
            eras = await _resolve_eras(connection, {(message.partition, message.epoch) for message in messages})
            for index in order:
                outcomes[index] = await _write_one(connection, messages[index], eras)
        return outcomes

    async def close(self) -> None:
        await self._engine.dispose()


async def _write_one(connection: AsyncConnection, message: Archivable, eras: Eras) -> AnabranchError | None:
    """Write a message in a savepoint; what is wrong with it is returned. Raises Unavailable."""
    era = eras[message.partition, message.epoch]
    try:
        if isinstance(message, Seal):
            check_seal(message)
        async with connection.begin_nested():
            if not await _note_conversation(connection, message, era):
                return None
            match message:
                case Seal():
                    await _store_seal(connection, message, era)
                case ConversationDeletion():
                    await _delete(connection, message)
    except (Invalid, Conflict) as error:
        return error
    except SQLAlchemyError as error:
        translated = translate(error)
        if isinstance(translated, Unavailable):
            raise
        return translated
    except (ArithmeticError, TypeError, ValueError) as error:  # of the driver, for a value it cannot encode
        return Invalid(f"cannot be stored: {error}", code="archive_refused")
    return None


async def _resolve_eras(connection: AsyncConnection, epochs: set[tuple[int, str]]) -> Eras:
    """The era of every epoch; a new epoch of a partition gets the next one."""
    eras: dict[tuple[int, str], int] = {}
    for partition, epoch in sorted(epochs):
        table = tables.epochs
        known = select(table.c.era).where(table.c.partition == partition, table.c.epoch == epoch)
        era = await connection.scalar(known)
        if era is None:
            newest = await connection.scalar(select(func.max(table.c.era)).where(table.c.partition == partition))
            values = {"partition": partition, "epoch": epoch, "era": (newest or 0) + 1}
            await connection.execute(_insert_new(connection, table, values))
            era = await connection.scalar(known)
        if era is None:
            raise Unavailable(f"archive: two epochs of partition {partition} appeared at once", code="archive_busy")
        eras[partition, epoch] = era
    return eras


async def _note_conversation(connection: AsyncConnection, message: Archivable, era: int) -> bool:
    """Lock the conversation's row, making it if need be, and put in it what the message knows better. False if it was deleted:
    then nothing is written, for this message may have been on its way, or with a slow persister, since before that.
    """
    table = tables.conversations
    news = rows.conversation_row(message, era)
    key = {"tenant": message.tenant, "id": message.conversation}
    await connection.execute(_insert_new(connection, table, key | news._asdict()))
    mine = (table.c.tenant == message.tenant) & (table.c.id == message.conversation)
    columns = [table.c[name] for name in rows.ConversationRow._fields]
    deleted, *found = (await connection.execute(select(table.c.deleted, *columns).where(mine).with_for_update())).one()
    if deleted:
        return False
    known = rows.ConversationRow(*found)
    merged = rows.merge(known, news)
    if merged != known:
        await connection.execute(update(table).where(mine).values(merged._asdict()))
    return True


async def _delete(connection: AsyncConnection, message: ConversationDeletion) -> None:
    """Remove the runs, with all that hangs on them, and leave of the conversation that it was there."""
    table, run = tables.conversations, tables.runs
    mine = (table.c.tenant == message.tenant) & (table.c.id == message.conversation)
    of_mine = (run.c.tenant == message.tenant) & (run.c.conversation == message.conversation)
    await connection.execute(delete(run).where(of_mine))
    await connection.execute(update(table).where(mine).values(deleted=message.deleted, title=""))


async def _store_seal(connection: AsyncConnection, seal: Seal, era: int) -> None:
    """Raises Conflict if the run is there with another content or in another conversation."""
    table = tables.runs
    mine = (table.c.tenant == seal.tenant) & (table.c.id == seal.run.id)
    columns = (table.c.conversation, table.c.attempt, table.c.digest)
    stored = (await connection.execute(select(*columns).where(mine))).one_or_none()
    if stored is not None:
        conversation, attempt, digest = stored
        if conversation != seal.conversation:
            raise Conflict(f"run {seal.run.id} is of conversation {conversation}", code="seal_conflict")
        if attempt == seal.run.attempt and digest != seal.digest:
            raise Conflict(f"run {seal.run.id}: attempt {attempt} is archived as something else", code="seal_conflict")
        if attempt >= seal.run.attempt:
            return
        await connection.execute(delete(table).where(mine))
    for target, values in rows.seal_rows(seal, era):
        await connection.execute(insert(target), values)
    await _link(connection, seal)


async def _link(connection: AsyncConnection, seal: Seal) -> None:
    """Mark the run, and those that waited for it, as linked, if every run before it is archived."""
    table = tables.runs
    here = (table.c.tenant == seal.tenant) & (table.c.conversation == seal.conversation)
    after = seal.run.after
    if after and not await connection.scalar(select(exists().where(here, table.c.id == after, table.c.linked))):
        return
    await connection.execute(update(table).where(here, table.c.id == seal.run.id).values(linked=True))
    linked: Sequence[str] = [seal.run.id]
    while linked:
        followers = update(table).where(here, table.c.after.in_(linked), ~table.c.linked)
        linked = (await connection.scalars(followers.values(linked=True).returning(table.c.id))).all()


def _insert_new(connection: AsyncConnection, table, values):  # type: ignore[no-untyped-def]
    dialect_insert = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    return dialect_insert(table).values(values).on_conflict_do_nothing()
