"""Patience with a broker that does not answer: what must be done for a run to go on is repeated, not given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from schemas.errors import Unavailable

PATIENCE_S = 120.0
"""How long. After that the run's command is delivered again."""

PAUSE_S = 0.2
PAUSE_S_MAX = 2.0

T = TypeVar("T")


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat what the broker did not answer, for PATIENCE_S. Raises Unavailable after that."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    pause = PAUSE_S
    while True:
        try:
            return await call()
        except Unavailable:
            if loop.time() + pause > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_S_MAX)
