"""What each subcommand does and prints. Each returns the exit code."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

from schemas.errors import AnabranchError
from services.admin import dead
from services.admin.lag import backlogs
from services.admin.settings import Settings
from services.admin.verify import verify
from services.archive.migrate import migrate
from services.archive.reader import open_reader
from services.broker.connection import Connection
from services.broker.jetstream import START_S, JetStreamBroker, connect, provision
from services.broker.streams import Deployment
from services.runtime import read_settings

NAME = "admin"

Command = Callable[[Settings, argparse.Namespace], Awaitable[int]]


async def apply(settings: Settings, _: argparse.Namespace) -> int:
    changed = await provision(settings.nats_url, read_settings(Deployment), name=NAME)
    await migrate(settings.database_url)
    print(f"streams: {', '.join(changed) or 'as they should be'}; the archive's tables are current")
    return 0


async def check(settings: Settings, _: argparse.Namespace) -> int:
    archive = open_reader(settings.database_url)
    try:
        async with _broker(settings) as broker:
            found = await verify(archive, broker)
    finally:
        await archive.close()
    for difference in found.differences:
        print(difference)
    print(
        f"{found.conversations} conversations; runs: {found.checked} checked, {found.gone} whose log is gone, "
        f"{found.waiting} not archived yet; {len(found.differences)} differences"
    )
    return 1 if found.differences else 0


async def dead_list(settings: Settings, arguments: argparse.Namespace) -> int:
    async with _broker(settings) as broker:
        for seq, letter in await dead.find(broker, arguments.seq):
            when = datetime.fromtimestamp(letter.ts / 1000, UTC).isoformat(timespec="seconds")
            run = f"{letter.tenant}/{letter.conversation}/{letter.run}"
            print(f"{seq}  {when}  {letter.kind}  {run}  {letter.code}: {letter.reason}")
    return 0


async def dead_replay(settings: Settings, arguments: argparse.Namespace) -> int:
    """One letter that cannot be replayed does not keep the others."""
    code = 0
    async with _broker(settings) as broker:
        for seq, letter in await dead.find(broker, arguments.seq):
            try:
                await dead.replay(broker, seq, letter)
                print(f"{seq} replayed")
            except AnabranchError as error:
                print(f"{seq} not replayed: {error}")
                code = 1
    return code


async def dead_drop(settings: Settings, arguments: argparse.Namespace) -> int:
    async with _broker(settings) as broker:
        for seq, letter in await dead.find(broker, arguments.seq):
            await broker.drop_dead(seq)
            print(f"{seq} dropped")
            if letter.kind == "seal" and letter.run != "-":
                print(f"  conversation {letter.conversation}: the archive ends before run {letter.run}")
    return 0


async def lag(settings: Settings, _: argparse.Namespace) -> int:
    connection = await Connection.open(settings.nats_url, NAME, START_S)
    try:
        async for one in backlogs(connection, read_settings(Deployment).partitions):
            age = f"oldest {one.oldest_s:.0f} s" if one.messages else "-"
            print(f"{one.stream:14} {one.messages:>9} {one.what:26} {age:>16} {one.full:7.1%} full")
    finally:
        await connection.close()
    return 0


@contextlib.asynccontextmanager
async def _broker(settings: Settings) -> AsyncIterator[JetStreamBroker]:
    broker = await connect(settings.nats_url, NAME, replay_mirror=read_settings(Deployment).mirror)
    try:
        yield broker
    finally:
        await broker.close()
