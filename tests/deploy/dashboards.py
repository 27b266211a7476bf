"""Whether Grafana's types know every key of the dashboards. Run by `make lint-deploy`, in the environment of its tools."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

DASHBOARDS = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "dashboards"


def unknown(file: Path) -> list[str]:
    """The places whose keys or values are lost when Grafana's types read them."""
    written = json.loads(file.read_text())
    return list(lost(written, json.loads(json.dumps(Dashboard.from_json(written), cls=JSONEncoder)), file.name))


def lost(written: Any, read: Any, place: str) -> Iterator[str]:
    """Where what was written is not what was read, which may have more: defaults."""
    match written, read:
        case dict(), dict():
            for key, value in written.items():
                yield from lost(value, read.get(key), f"{place}.{key}")
        case list(), list() if len(written) == len(read):
            for number, (one, other) in enumerate(zip(written, read, strict=True)):
                yield from lost(one, other, f"{place}[{number}]")
        case _ if written != read:
            yield place


def main() -> int:
    register_default_plugins()
    found = [place for file in sorted(DASHBOARDS.glob("*.json")) for place in unknown(file)]
    print("\n".join(found) or "dashboards: Grafana knows every key")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
