"""`python -m services.local_model`: serve until SIGTERM, or until the parent is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading

from schemas.errors import AnabranchError
from services.local_model.server import Settings, serving
from services.runtime import read_settings

PARENT_CHECK_S = 1.0
"""A model server without its parent would hold its port and memory for ever; asking costs one system call."""


def main() -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    parent = os.getppid()
    try:
        with serving(read_settings(Settings)) as url:
            print(f"local_model: {url}", flush=True)
            while not stop.wait(PARENT_CHECK_S) and os.getppid() == parent:
                pass
    except AnabranchError as error:
        print(f"local_model: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
