"""Glance: the row of a conversation by one statement outside a transaction. Most who join a conversation need no more.

SQLite is asked through its driver, on a connection held for this: 0.1 ms, where a transaction through SQLAlchemy takes 1 ms,
nearly all of it on the event loop.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple, Protocol

from sqlalchemy import bindparam, exists, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

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
    """On the event loop: the lookup takes 6 µs, handing it to a thread and back 80 to 200. It waits for nobody: what cannot be
    answered at once (somebody holds a lock, there is no file yet) is asked through the engine.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._patient = _SqlGlance(engine)
        compiled = _statement.compile(dialect=engine.dialect)
        self._sql = str(compiled)
        self._names = compiled.positiontup or []
        self._file = Path(engine.url.database or "").absolute()
        self._connection: sqlite3.Connection | None = None

    async def at(self, tenant: str, conversation: str) -> Row | None:
        names = {"tenant": tenant, "conversation": conversation}
        try:
            connection = self._connection or self._open()
            found = connection.execute(self._sql, [names[name] for name in self._names]).fetchone()
        except sqlite3.Error:
            await self.close()
            return await self._patient.at(tenant, conversation)
        return None if found is None else Row(*found)

    def _open(self) -> sqlite3.Connection:
        uri = f"{self._file.as_uri()}?mode=rw"  # or a file that is not there would be made
        self._connection = sqlite3.connect(uri, uri=True, timeout=0.0, isolation_level=None)
        self._connection.execute("PRAGMA query_only = ON")
        return self._connection

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
