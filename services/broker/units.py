"""Bytes and times as a person reads them."""

from __future__ import annotations

from typing import Any


def bytes_text(count: float) -> str:
    """`1.5 MiB`: three figures at most, and a whole number where it is one."""
    unit = "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(count) < 1024 or unit == "TiB":
            break
        count /= 1024
    return f"{count:.0f} {unit}" if count == int(count) or count >= 100 else f"{count:.3g} {unit}"


def seconds_text(seconds: float) -> str:
    """`24 h`, `90 s`: in the largest unit that leaves at least two of it."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def shown(field: str, value: Any) -> str:
    """The value of a field of the server's API."""
    if value in (None, "", []):
        return "none"
    match field:
        case "max_bytes":
            return bytes_text(value)
        case "max_age" | "duplicate_window" | "ack_wait":
            return seconds_text(value / 1e9)
        case "num_replicas":
            return "1 copy" if value == 1 else f"{value} copies"
        case "mirror":
            return str(value["name"])
        case "republish":
            return f"{value['src']} to {value['dest']}"
        case "subjects":
            return ", ".join(value)
        case _ if isinstance(value, bool):
            return "yes" if value else "no"
    return str(value)
