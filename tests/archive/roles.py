"""The roles of deploy/postgresql on a server of the tests: whom the migration, the writer and the reader sign in as."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from services.archive.migrate import migrate

FOLDER = Path(__file__).parents[2] / "deploy" / "postgresql"
SQL = FOLDER / "roles.sql"
HAND_OVER_SQL = FOLDER / "hand_over.sql"
PASSWORD = "of-the-tests"


async def migrate_as_owner(url: str) -> None:
    """Make the roles, and the tables as the one that owns them, in the database at `url`, which a superuser opens."""
    await make_roles(url)
    await migrate(signed_in(url, "owner"))


async def hand_over(url: str) -> None:
    """Give the roles the tables that are there already."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(HAND_OVER_SQL.read_text())
    finally:
        await connection.close()


async def make_roles(url: str) -> None:
    """Make the roles, each with PASSWORD, in the database at `url`, which a superuser opens."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        for statement in filter(str.strip, re.sub(r"--.*", "", SQL.read_text()).split(";")):
            # a role belongs to the server: another database may have made it
            with contextlib.suppress(asyncpg.DuplicateObjectError):
                await connection.execute(statement)
        for role in ("owner", "writer", "reader"):
            await connection.execute(f"ALTER ROLE anabranch_{role} PASSWORD '{PASSWORD}'")
    finally:
        await connection.close()


def signed_in(url: str, role: str) -> str:
    """The same database for `role`; the URL itself for SQLite, which has no roles."""
    parsed = make_url(url)
    if parsed.drivername.startswith("sqlite"):
        return url
    return parsed.set(username=f"anabranch_{role}", password=PASSWORD).render_as_string(hide_password=False)
