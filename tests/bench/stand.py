"""What most benches measure: a gateway process before a real nats-server, with an empty archive in SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.child import Cpu
from tests.live.stack import Stack, running_stack


class GatewayStand:
    def __init__(self, stack: Stack) -> None:
        gateway = stack.gateways[0]
        self.nats_url = stack.nats.url
        self.port = gateway.port
        self.url = gateway.url
        self.cpu = Cpu(gateway.pid)


@asynccontextmanager
async def gateway_stand(*, workers: int = 0) -> AsyncIterator[GatewayStand]:
    with TemporaryDirectory() as folder:
        async with running_stack(Path(folder), workers=workers, gateways=1) as stack:
            yield GatewayStand(stack)
