"""The browser of the page's tests: the system's Chromium, or Playwright's own.

`python -m tests.web.chromium` installs one if there is none, and fails with advice where it cannot.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
"""The first draws no window around a page: with it a new visitor costs 0.2 s of processor time, with the others 1.3 s."""

ADVICE = "The page's tests need Chromium: install it with your system's packages, or set CHROMIUM to its path."


def find() -> Path | None:
    """Where a Chromium is: `CHROMIUM`, on the PATH, or where Playwright keeps its own."""
    if named := os.environ.get("CHROMIUM"):
        return Path(named)
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


def commands() -> list[list[str]]:
    """What installs one here: Debian's package for who may install it, else Playwright's own build, for this user alone."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        return [
            ["apt-get", "update", "-qq"],
            ["sh", "-c", " || ".join(f"apt-get install -qq -y --no-install-recommends {name}" for name in NAMES[:2])],
        ]
    return [[sys.executable, "-m", "playwright", "install", "chromium"]]


def main() -> int:
    if find() is not None:
        return 0
    print("Installing Chromium, which the page's tests need …", flush=True)
    for command in commands():
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            print(
                f"{done.stdout.decode(errors='replace')[-2000:]}\n{' '.join(command)} failed. {ADVICE}", file=sys.stderr
            )
            return 1
    if find() is None:
        print(ADVICE, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
