"""Identifiers: what may become a token of a NATS subject, a database key or a path segment.

Nothing that fails `check_id` ever reaches a subject: `.`, `*`, `>` and white space would change its meaning.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from schemas.errors import Invalid

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}\Z"
ID_CHARS_MAX = 64

Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]

_ID = re.compile(ID_PATTERN)


def check_id(value: str, what: str = "id") -> str:
    """Return `value` if it is an id.

    Raises:
        Invalid: it is empty, longer than 64, or has a character outside `A-Z a-z 0-9 _ -`.
    """
    if not _ID.match(value):
        shown = value if len(value) <= 80 else value[:80] + "…"
        raise Invalid(f"{what} {shown!r} is not 1 to 64 characters of A-Z, a-z, 0-9, '_' and '-'", code="invalid_id")
    return value


def item_id(ordinal: int, kind: str, count: int) -> str:
    """The id of the `count`-th thing of a kind (`m`, `r`, `t`, `s`, `a`, …) that a run opens.

    `ordinal` is the run's place in its conversation (the number of its `user.message` on the `in` lane), which makes the
    id unique in the conversation at a seventh of a UUID's bytes: deltas repeat it.
    """
    return f"{kind}{ordinal}-{count}"
