"""Connections to the database behind a URL, and the translation of what it says when something is wrong."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from schemas.errors import AnabranchError, Invalid, Unavailable
from services.archive.columns import from_json, to_json

SQLITE = "sqlite+aiosqlite"
POSTGRESQL = "postgresql+asyncpg"

CONNECTIONS_MAX = 8
"""Per process and role. A read or a batch holds one for milliseconds; PostgreSQL allows 100 in all by default."""

CONNECT_S = 5.0
CONNECTION_WAIT_S = 10.0
LOCK_S = 10.0
"""How long a transaction waits for another one (SQLite: for the one writer) before it is given up and repeated."""

STATEMENT_S = 30.0
"""Longer than any statement of ours takes; shorter than a seal's or a client's patience."""

_POISON = ("22", "23", "54")
"""SQLSTATE classes that say the data is at fault: data exception, constraint violation, program limit exceeded."""

_UNDEFINED_TABLE = "42P01"


def open_engine(database_url: str, *, writes: bool) -> AsyncEngine:
    """An engine for readers (every transaction is one snapshot) or for the writer. Does not connect yet.

    Raises:
        Invalid: the URL is none, names another database than SQLite or PostgreSQL, or a file in a folder that is not there.
    """
    url = _parse(database_url)
    if url.drivername == SQLITE:
        return _open_sqlite(url, writes=writes)
    if url.drivername == POSTGRESQL:
        return _open_postgresql(url, writes=writes)
    raise Invalid(
        f"ANABRANCH_DATABASE_URL: {url.drivername!r} is neither {SQLITE!r} nor {POSTGRESQL!r}", code="invalid_setting"
    )


def sqlite_file(database_url: str) -> Path | None:
    """The file that a SQLite URL names; None for another database. Raises Invalid if it is no URL."""
    url = _parse(database_url)
    return Path(url.database).absolute() if url.drivername == SQLITE and url.database else None


def _parse(database_url: str) -> URL:
    try:
        return make_url(database_url)
    except ArgumentError as error:
        raise Invalid(f"ANABRANCH_DATABASE_URL: {error}", code="invalid_setting") from error


def _open_sqlite(url: URL, *, writes: bool) -> AsyncEngine:
    if not url.database or url.database == ":memory:":
        raise Invalid("ANABRANCH_DATABASE_URL: SQLite needs a file, several processes share it", code="invalid_setting")
    if not Path(url.database).absolute().parent.is_dir():
        raise Invalid(f"ANABRANCH_DATABASE_URL: there is no folder for {url.database}", code="invalid_setting")
    engine = create_async_engine(
        url,
        json_serializer=to_json,
        json_deserializer=from_json,
        connect_args={"timeout": LOCK_S},
        pool_size=1 if writes else CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=CONNECTION_WAIT_S,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # or the driver begins when it likes, and savepoints do not work
        cursor = connection.cursor()
        # A seal is acknowledged after the commit: FULL, because NORMAL may lose a commit in a power cut.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Any) -> None:
        # A transaction that reads first and then writes could not wait for another writer: it would fail at once.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _open_postgresql(url: URL, *, writes: bool) -> AsyncEngine:
    return create_async_engine(
        url,
        json_serializer=to_json,
        json_deserializer=from_json,
        isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
        pool_pre_ping=True,
        pool_size=CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=CONNECTION_WAIT_S,
        pool_recycle=1800,
        connect_args={
            "timeout": CONNECT_S,
            "command_timeout": STATEMENT_S,
            "server_settings": {
                "application_name": "anabranch",
                "lock_timeout": f"{LOCK_S:.0f}s",
                "idle_in_transaction_session_timeout": f"{STATEMENT_S:.0f}s",
            },
        },
    )


@contextlib.asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction, committed at the end. Raises our errors for those of the database."""
    try:
        async with engine.begin() as connection:
            yield connection
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise translate(error) from error


def translate(error: Exception) -> AnabranchError:
    """Invalid if the data is at fault and will be whenever it is written; Unavailable if the database is."""
    if _has_no_tables(error):
        return Unavailable("the archive has no tables: run `python -m services.admin apply`", code="archive_no_tables")
    if _is_poison(error):
        return Invalid(f"the archive refused it: {_first_line(error)}", code="archive_refused")
    return Unavailable(f"archive: {_first_line(error)}", code="archive_unavailable")


def _is_poison(error: Exception) -> bool:
    if isinstance(error, IntegrityError):
        return True
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return False
    if error.statement is None:  # it failed to connect: with data at hand or not, none was looked at
        return False
    state = str(getattr(error.orig, "sqlstate", None) or "")
    # A value that the driver itself cannot encode never reaches the server and has no SQLSTATE.
    return state.startswith(_POISON) or isinstance(getattr(error.orig, "__cause__", None), ValueError)


def _has_no_tables(error: Exception) -> bool:
    reason = getattr(error, "orig", None) or error
    return getattr(reason, "sqlstate", None) == _UNDEFINED_TABLE or str(reason).startswith("no such table")


def _first_line(error: Exception) -> str:
    reason = getattr(error, "orig", None) or error
    return str(reason).partition("\n")[0][:300] or type(reason).__name__
