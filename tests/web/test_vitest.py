"""The page's own tests, which Vitest runs: its fold, its connection and its layout are TypeScript."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).parents[2] / "services" / "gateway" / "web" / "build.py"


def test_every_test_of_the_page_itself_passes() -> None:
    done = subprocess.run([sys.executable, BUILD, "vitest", "run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
