"""The viewer without a terminal: messages are read from standard input, a line each, and finished things written as lines."""

from __future__ import annotations

import asyncio
import threading
from typing import TextIO

from schemas.wire import TEXT_CHARS_MAX
from services.viewer.lines import Lines
from services.viewer.visit import Visit


async def follow(visit: Visit, lines: Lines, *, source: TextIO | None, output: TextIO, notes: TextIO) -> None:
    """Write lines to `output` and the state of the connection to `notes`, until everything said is answered.

    `lines` observes the visit's client. `source` is where messages come from; without one those already said are all.
    When it ends, the visit stays while something runs.
    """
    ended = asyncio.Event()
    if source is None:
        ended.set()
    else:
        _read_lines(source, visit, ended)
    link = "connecting"
    async with visit.connected():
        while not visit.leaving.is_set():
            await visit.changed.wait()
            visit.changed.clear()
            client = visit.client
            for line in lines.take():
                print(line, file=output, flush=True)
            if client.link != link and not client.failure:
                link = client.link
                print(f"-- {link}", file=notes, flush=True)
            for notice in client.take_notices():
                print(f"-- refused: {notice}", file=notes, flush=True)
            if ended.is_set() and visit.idle:
                visit.leave()


def _read_lines(source: TextIO, visit: Visit, ended: asyncio.Event) -> None:
    """Say each line of `source`. In a daemon thread: a read from a terminal cannot be cancelled, and must not hold us."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in source:
            if text := line.strip():
                loop.call_soon_threadsafe(visit.say, text[:TEXT_CHARS_MAX])
        loop.call_soon_threadsafe(ended.set)
        loop.call_soon_threadsafe(visit.changed.set)

    threading.Thread(target=read, name="stdin", daemon=True).start()
