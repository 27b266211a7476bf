"""`python -m tests.bench [names…] [--json FILE]`: measure and print the table; 1 if a target was missed or a bench failed."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import sys
import time
import traceback
from pathlib import Path

import msgspec
import uvloop

from services.runtime import configure_logging
from tests.bench.figures import Figure, table

BENCHES = ["events", "producers", "latency", "fanout", "many", "late_join", "memory", "page"]
SLOW = ["page_memory", "scale", "capacity", "sync"]
"""Minutes: only when asked for by name."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the hot path.")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="name",
        help=f"of {', '.join(BENCHES)}; all of them if there is none. Slow: {', '.join(SLOW)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - {*BENCHES, *SLOW}:
        parser.error(f"there is no bench {', '.join(sorted(unknown))}")
    configure_logging("bench", "WARNING")
    figures: list[Figure] = []
    failed = False
    for name in chosen.names or BENCHES:
        start = time.monotonic()
        print(f"{name} … ", end="", file=sys.stderr, flush=True)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                figures += runner.run(importlib.import_module(f"tests.bench.{name}").measure())
        except Exception:  # the minutes that the others took are not thrown away
            failed = True
            traceback.print_exc()
        print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
    if chosen.json:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    print(table(figures))
    print(
        f"\n{os.cpu_count()} cores; load average over the last minutes {os.getloadavg()[1]:.1f}, of which 1 to 1.5 is ours."
    )
    return failed or any(figure.verdict == "MISS" for figure in figures)


if __name__ == "__main__":
    sys.exit(main())
