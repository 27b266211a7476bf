"""services/archive/glance.py, on SQLite and on PostgreSQL. What it finds is in the archive's contract, test_archive.py."""

import asyncio

import pytest

from schemas.errors import Unavailable
from services.archive.engine import open_engine
from services.archive.glance import Row, open_glance
from services.archive.reader import open_reader
from tests.archive.logs import CONVERSATION, TENANT
from tests.archive.seals import record, small


@pytest.fixture
async def engine(database_url):
    engine = open_engine(database_url, writes=False)
    yield engine
    await engine.dispose()


@pytest.fixture
async def glance(engine):
    glance = open_glance(engine)
    yield glance
    await glance.close()


async def test_it_says_whether_there_are_runs_to_read(glance, writer):
    assert await glance.at(TENANT, CONVERSATION) is None
    await writer.write([record("a question", 1, partition=3)])
    assert await glance.at(TENANT, CONVERSATION) == Row(3, "a question", 1, False)
    await writer.write([small("r2", seq=20, after="r1")])
    assert not (await glance.at(TENANT, CONVERSATION)).has_runs
    await writer.write([small()])
    assert (await glance.at(TENANT, CONVERSATION)).has_runs
    assert await glance.at("another", CONVERSATION) is None


async def test_many_who_look_at_once_each_find_their_own(glance, writer):
    names = [f"c{number}" for number in range(40)]
    await writer.write([record(name, 1, conversation=name) for name in names])
    found = await asyncio.gather(*(glance.at(TENANT, name) for name in names))
    assert [row.title for row in found] == names


async def test_after_its_connection_was_closed_it_opens_another(engine, glance, writer):
    await writer.write([record("a question", 1)])
    assert await glance.at(TENANT, CONVERSATION)
    if engine.dialect.name == "sqlite":
        glance._connection.close()
    else:
        await engine.dispose()
    assert await glance.at(TENANT, CONVERSATION)


async def test_what_sqlite_cannot_answer_at_once_is_asked_through_the_engine(database_url, writer):
    engine = open_engine(database_url, writes=False)
    glance = open_glance(engine)
    await writer.write([record("a question", 1)])
    if engine.dialect.name == "sqlite":
        glance._file = glance._file.with_name("missing")  # refused as a locked one would be
    assert (await glance.at(TENANT, CONVERSATION)).title == "a question"
    await glance.close()
    await engine.dispose()


async def test_without_tables_it_says_what_to_do(tmp_path):
    reader = open_reader(f"sqlite+aiosqlite:///{tmp_path / 'empty.sqlite3'}")
    with pytest.raises(Unavailable) as raised:
        await reader.conversation(TENANT, CONVERSATION)
    assert raised.value.code == "archive_no_tables"
    await reader.close()
