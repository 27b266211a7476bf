"""`wait`: what a service's start is put behind where its tables may not be there yet."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from schemas.errors import Unavailable
from services.admin.settings import Settings
from services.archive.migrate import is_current

ABOUT = """
Ends when the archive has the tables of this version, or of a later one. `apply` makes them last, so that streams and consumers
are there, too. Asks ANABRANCH_DATABASE_URL again and again, without end, and says on stderr what it waits for.
"""

AGAIN_S = 1.0


async def run(settings: Settings, _: argparse.Namespace) -> int:
    said = ""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGTERM, stop.set
    )  # the first process of a container ignores it
    while not stop.is_set():
        try:
            if await is_current(settings.database_url):
                return 0
            reason = "the archive's tables are not those of this version yet"
        except Unavailable as error:
            reason = error.message
        if reason != said:
            print(f"admin: waiting: {reason}", file=sys.stderr, flush=True)
            said = reason
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_S):
                await stop.wait()
    return 1
