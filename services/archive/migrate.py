"""Bring a database to the newest revision of the tables; safe when several processes start at once."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from schemas.errors import Unavailable
from services.archive.engine import LOCK_S, open_engine, sqlite_file, transaction

_SCRIPTS = Path(__file__).parent / "migrations"

_LOCK = 0x616E6162
"""Key of the advisory lock ("anab"): whoever comes second waits and then finds nothing to do."""


async def migrate(database_url: str) -> None:
    """Apply the missing revisions in one transaction. The folder of a SQLite file is made if need be.

    Raises:
        Invalid: the URL is none of ours.
        Unavailable: the database cannot be reached, or another process has been migrating for too long.
    """
    file = sqlite_file(database_url)
    if file is not None:
        await asyncio.to_thread(_prepare, file)
    engine = open_engine(database_url, writes=True)
    try:
        async with transaction(engine) as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def is_current(database_url: str) -> bool:
    """Whether the tables are those of this version, or of a later one that has been here.

    Raises:
        Invalid: the URL is none of ours.
        Unavailable: the database cannot be reached.
    """
    engine = open_engine(database_url, writes=False)
    try:
        async with transaction(engine) as connection:
            return await connection.run_sync(_is_current)
    finally:
        await engine.dispose()


def _is_current(connection: Connection) -> bool:
    present = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(config(connection))
    known = {script.revision for script in scripts.walk_revisions()}
    return present is not None and (present == scripts.get_current_head() or present not in known)


def _prepare(file: Path) -> None:
    """Make the folder and the file, and let its readers read while somebody writes (WAL, a property of the file)."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + LOCK_S
        with contextlib.closing(sqlite3.connect(file)) as connection:
            while not _switch_to_wal(connection):
                if time.monotonic() > deadline:
                    raise Unavailable(f"archive: {file} is locked", code="archive_unavailable")
                time.sleep(0.01)
    except (OSError, sqlite3.DatabaseError) as error:
        raise Unavailable(f"archive: {file} cannot be made: {error}", code="archive_unavailable") from error


def _switch_to_wal(connection: sqlite3.Connection) -> bool:
    """False if another process is just doing it: SQLite does not wait for that one, whatever the time-out."""
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        return False
    return True


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    # On SQLite the writer's transaction began IMMEDIATE: it is the only one.
    command.upgrade(config(connection), "head")


def config(connection: Connection) -> Config:
    """Alembic's configuration for migrations/env.py on an open connection."""
    found = Config()
    found.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    found.attributes["connection"] = connection
    return found
