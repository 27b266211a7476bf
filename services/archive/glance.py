"""Glance: the row of a conversation by one statement outside a transaction. Most who join a conversation need no more.

SQLite is asked through its driver, on a connection held for this: 0.1 ms, where a transaction through SQLAlchemy takes 1 ms,
nearly all of it on the event loop.
"""

from __future__ import annotations

import asyncio
import sqlite3
from typing import NamedTuple, Protocol

import aiosqlite
from sqlalchemy import bindparam, exists, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from schemas.errors import Unavailable
from services.archive import tables
from services.archive.engine import translate

_conversation, _run = tables.conversations, tables.runs
_readable = (_run.c.tenant == _conversation.c.tenant) & (_run.c.conversation == _conversation.c.id) & _run.c.linked
_statement = select(
    _conversation.c.partition,
    _conversation.c.title,
    _conversation.c.created,
    exists().where(_readable),
    _conversation.c.deleted,
).where(_conversation.c.tenant == bindparam("tenant"), _conversation.c.id == bindparam("conversation"))


class Row(NamedTuple):
    """`has_runs`: whether runs of it are archived that a reader may see. `deleted`: when (ms), 0 if it was not."""

    partition: int
    title: str
    created: int
    has_runs: bool
    deleted: int = 0


class Glance(Protocol):
    async def at(self, tenant: str, conversation: str) -> Row | None:
        """Raises Unavailable."""

    async def close(self) -> None: ...


def open_glance(engine: AsyncEngine) -> Glance:
    """A glance at the database of a reader's engine. Does not connect yet."""
    return _SqliteGlance(engine) if engine.dialect.name == "sqlite" else _SqlGlance(engine)


class _SqlGlance:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def at(self, tenant: str, conversation: str) -> Row | None:
        try:
            async with self._engine.connect() as connection:
                asked = await connection.execute(_statement, {"tenant": tenant, "conversation": conversation})
                found = asked.one_or_none()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise translate(error) from error
        return None if found is None else Row(*found)

    async def close(self) -> None:
        """The engine is its owner's."""


class _SqliteGlance:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        compiled = _statement.compile(dialect=engine.dialect)
        self._sql = str(compiled)
        self._names = compiled.positiontup or []
        self._opening = asyncio.Lock()
        self._connection: AsyncConnection | None = None
        self._driver: aiosqlite.Connection | None = None

    async def at(self, tenant: str, conversation: str) -> Row | None:
        names = {"tenant": tenant, "conversation": conversation}
        try:
            driver = self._driver or await self._open()
            found = list(await driver.execute_fetchall(self._sql, [names[name] for name in self._names]))
        except ValueError as error:  # what the driver says of a connection that was closed under it
            await self.close()
            raise Unavailable(f"archive: {error}", code="archive_unavailable") from error
        except (SQLAlchemyError, sqlite3.Error, OSError, TimeoutError) as error:
            raise translate(error) from error
        return Row(*found[0]) if found else None

    async def _open(self) -> aiosqlite.Connection:
        async with self._opening:
            if self._driver is None:
                connection = self._connection = await self._engine.connect()
                self._driver = (await connection.get_raw_connection()).driver_connection
            assert self._driver is not None
            return self._driver

    async def close(self) -> None:
        connection, self._connection, self._driver = self._connection, None, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()
