"""What every command has: where things are, and connections that it closes again."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from services.admin.settings import Settings
from services.archive.port import ArchiveReader
from services.archive.reader import open_reader
from services.broker.connection import Connection
from services.broker.credentials import Credentials
from services.broker.jetstream import START_S, JetStreamBroker, connect
from services.broker.stream_file import read_layout
from services.runtime import read_settings

NAME = "admin"
MONITOR = "monitor"
"""Names of connections, and so of inboxes: each is a user of deploy/nats. The second may only ask what lies in the streams."""

Command = Callable[[Settings, argparse.Namespace], Awaitable[int]]
"""Prints what it has to say and returns the exit code."""


@contextlib.asynccontextmanager
async def open_connection(settings: Settings, name: str = NAME) -> AsyncIterator[Connection]:
    """For the server's own API. Raises Unavailable."""
    connection = await Connection.open(settings.nats_url, name, START_S, read_settings(Credentials))
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def open_broker(settings: Settings, name: str = NAME) -> AsyncIterator[JetStreamBroker]:
    """As a service sees it. Raises Unavailable."""
    mirror = read_layout().deployment.mirror
    broker = await connect(settings.nats_url, name, credentials=read_settings(Credentials), replay_mirror=mirror)
    try:
        yield broker
    finally:
        await broker.close()


@contextlib.asynccontextmanager
async def open_archive(settings: Settings) -> AsyncIterator[ArchiveReader]:
    archive = open_reader(settings.database_url)
    try:
        yield archive
    finally:
        await archive.close()
