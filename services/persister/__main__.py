"""`python -m services.persister`: write sealed runs into the archive until told to stop."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack

import structlog

from schemas.errors import Unavailable
from services import health
from services.archive.port import ArchiveWriter
from services.archive.writer import open_writer
from services.broker.credentials import Credentials
from services.broker.jetstream import connect
from services.metrics import Metrics
from services.persister.settings import Settings
from services.persister.writer import SealWriter
from services.runtime import read_settings, run_service

START_S = 10.0
"""How long a start waits for the archive; later it is waited for without end."""


async def main(stop: asyncio.Event) -> None:
    settings = read_settings(Settings)
    async with AsyncExitStack() as stack:
        archive = open_writer(settings.database_url)
        stack.push_async_callback(archive.close)
        await _answers(archive)
        broker = await connect(settings.nats_url, "persister", credentials=read_settings(Credentials))
        stack.push_async_callback(broker.close)
        writer = SealWriter(broker, archive, batch_max=settings.batch_max)
        metrics = Metrics()
        writer.counts.register(metrics, lambda: writer.archive_down)
        await stack.enter_async_context(health.served(read_settings(health.Settings), metrics, broker, stop))
        structlog.get_logger().info("writing", batch_max=settings.batch_max)
        await writer.run(stop)


async def _answers(archive: ArchiveWriter) -> None:
    """Raises Unavailable if the archive does not answer within START_S, or has no tables."""
    deadline = asyncio.get_running_loop().time() + START_S
    while True:
        try:
            return await archive.ping()
        except Unavailable as error:
            if error.code == "archive_no_tables" or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    sys.exit(run_service("persister", main))
