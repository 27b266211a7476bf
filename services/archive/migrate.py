"""Bring a database to the newest revision of the tables; safe when several processes start at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from services.archive.engine import make_folder, open_engine, transaction

_SCRIPTS = Path(__file__).parent / "migrations"

_LOCK = 0x616E6162
"""Key of the advisory lock ("anab"): whoever comes second waits and then finds nothing to do."""


async def migrate(database_url: str) -> None:
    """Apply the missing revisions in one transaction. The folder of a SQLite file is made if need be.

    Raises:
        Invalid: the URL is none of ours.
        Unavailable: the database cannot be reached, or another process has been migrating for too long.
    """
    make_folder(database_url)
    engine = open_engine(database_url, writes=True)
    try:
        async with transaction(engine) as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


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
