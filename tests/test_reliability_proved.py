"""docs/reliability.md names a test for each promise: they must be there."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parent / "docs" / "reliability.md"


def test_every_test_that_a_promise_names_exists():
    promised = re.findall(r"`([a-z_/]+\.py)::(test_\w+)` \|$", PAGE.read_text(), re.MULTILINE)
    missing = [name for file, name in promised if f"def {name}(" not in (TESTS / file).read_text()]
    assert promised
    assert not missing
