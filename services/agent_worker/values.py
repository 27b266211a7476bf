"""Values that agents hand over, as the log will have them."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from schemas.errors import Invalid


def plain(value: Any) -> Any:
    """`value` in the types of JSON. JSON has no infinity and no NaN: written as `null`, they would make a run's seal
    contradict its log.

    Raises:
        Invalid: there is such a number in it (code `invalid_event`).
        TypeError: it is of a type that JSON cannot hold.
    """
    made = msgspec.to_builtins(value)
    parts = [made]
    while parts:
        match parts.pop():
            case float(number) if not math.isfinite(number):
                raise Invalid(f"{number} is not a number that JSON has; use None or a text", code="invalid_event")
            case dict(members):
                parts += members.values()
            case list(members) | tuple(members):
                parts += members
    return made
