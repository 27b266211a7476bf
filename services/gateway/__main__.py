"""`python -m services.gateway`: connect, serve until told to stop, drain."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack

import structlog

from services.archive.reader import open_reader
from services.broker.credentials import Credentials
from services.broker.jetstream import connect
from services.gateway.admission import admission
from services.gateway.app import assemble
from services.gateway.hub import Hub, HubSettings
from services.gateway.server import listen, serve
from services.gateway.settings import DRAIN_S_MAX, Settings
from services.runtime import read_settings, run_service


async def main(stop: asyncio.Event) -> None:
    settings = read_settings(Settings)
    async with AsyncExitStack() as stack:
        identify = await stack.enter_async_context(admission(settings))
        listener = listen(settings.host, settings.port)
        stack.callback(listener.close)
        broker = await connect(
            settings.nats_url,
            "gateway",
            credentials=read_settings(Credentials),
            replay_mirror=settings.replay_mirror,
        )
        stack.push_async_callback(broker.close)
        archive = open_reader(settings.database_url)
        stack.push_async_callback(archive.close)
        limits = HubSettings(partitions=settings.partitions, connection_s_max=settings.connection_s_max)
        hub = await stack.enter_async_context(Hub(broker, archive, limits))
        app = assemble(settings, broker, archive, hub, identify)
        host, port = listener.getsockname()[:2]
        structlog.get_logger().info("serving", host=host, port=port)
        await serve(app, listener, hub, stop, drain_s=settings.drain_s)


if __name__ == "__main__":
    sys.exit(run_service("gateway", main, drain_s=DRAIN_S_MAX + 10))
