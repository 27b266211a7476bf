"""Cursor: a position in a conversation's log, just after one frame.

`seq` is the stream sequence of the last frame *delivered* (0: before the first); `epoch` is the identity of the stream's
creation, so that a cursor never silently points into another stream. The text form is opaque to clients.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from schemas.errors import Invalid

_TEXT = re.compile(r"^([0-9a-f]{1,16})-([0-9]{1,19})\Z")
_SEQ_MAX = 2**63 - 1


class Cursor(NamedTuple):
    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"


def parse(text: str) -> Cursor:
    """Read a cursor's text form.

    Raises:
        Invalid: the text is no cursor that we gave out.
    """
    found = _TEXT.match(text)
    if found is None or int(found[2]) > _SEQ_MAX:
        raise Invalid(f"{text[:80]!r} is not a cursor", code="invalid_cursor")
    return Cursor(found[1], int(found[2]))
