"""`python -m services.agent_worker`: runs agents until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import socket
import sys

from services import health
from services.agent_worker import agents
from services.agent_worker.agents import Agent
from services.agent_worker.announcing import announce
from services.agent_worker.discovery import discover
from services.agent_worker.metrics import register_lanes
from services.agent_worker.models import choose as models
from services.agent_worker.publisher import Publisher
from services.agent_worker.settings import DRAIN_S_MAX, Settings
from services.agent_worker.worker import Worker
from services.broker.credentials import Credentials
from services.broker.jetstream import connect
from services.metrics import Metrics
from services.runtime import read_settings, run_service


async def main(stop: asyncio.Event) -> None:
    settings = read_settings(Settings)
    found = discover(agents, Agent)
    model = models.choose(read_settings(models.Settings))
    broker = await connect(settings.nats_url, "agent_worker", credentials=read_settings(Credentials))
    try:
        async with Publisher(broker, settings.pacing) as publisher:
            worker = Worker(
                broker,
                publisher,
                found,
                name=f"{socket.gethostname()}-{os.getpid()}",
                model=model,
                limits=settings.limits,
                slots=settings.slots,
                drain_s=settings.drain_s,
            )
            metrics = Metrics()
            publisher.counts.register(metrics)
            worker.counts.register(metrics)
            register_lanes(metrics, settings.slots, lambda: worker.lanes)
            serving = health.served(read_settings(health.Settings), metrics, broker, stop)
            async with serving, asyncio.TaskGroup() as tasks:
                announcing = tasks.create_task(announce(broker, list(found.values())))
                await worker.run(stop)
                announcing.cancel()
    finally:
        await model.close()
        await broker.close()


if __name__ == "__main__":
    sys.exit(run_service("agent_worker", main, drain_s=DRAIN_S_MAX + 10))
