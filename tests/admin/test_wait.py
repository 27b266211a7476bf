"""`admin wait`: what Kubernetes starts gateways and persisters behind."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal

import pytest
from sqlalchemy import text

from services.admin import wait
from services.admin.settings import Settings
from services.archive.engine import open_engine, transaction
from services.archive.migrate import is_current, migrate
from tests import postgres


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_url(request, tmp_path):
    if request.param == "postgresql":
        return await (await postgres.shared()).new_database()
    return f"sqlite+aiosqlite:///{tmp_path / 'archive.sqlite3'}"


async def set_revision(url: str, revision: str) -> None:
    engine = open_engine(url, writes=True)
    async with transaction(engine) as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    await engine.dispose()


async def test_it_ends_once_the_tables_are_there_and_says_meanwhile_what_it_waits_for(empty_url, capsys):
    waiting = asyncio.create_task(wait.run(Settings(database_url=empty_url), argparse.Namespace()))
    said = ""
    while "waiting" not in said:
        await asyncio.sleep(0.01)
        said += capsys.readouterr().err
        assert not waiting.done()
    await migrate(empty_url)
    async with asyncio.timeout(10):
        assert await waiting == 0


async def test_it_can_be_stopped(tmp_path):
    settings = Settings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'archive.sqlite3'}")
    waiting = asyncio.create_task(wait.run(settings, argparse.Namespace()))
    asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await waiting == 1


async def test_tables_of_an_earlier_version_are_waited_for_and_those_of_a_later_one_are_not(empty_url):
    await migrate(empty_url)
    assert await is_current(empty_url)
    await set_revision(empty_url, "0001")
    assert not await is_current(empty_url)
    await set_revision(empty_url, "9999")  # after a rollback
    assert await is_current(empty_url)
