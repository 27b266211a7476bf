"""Channel: one watched conversation: its live fold, its cursor, its recent frames and its viewers."""

from __future__ import annotations

from schemas import wire
from schemas.cursor import Cursor
from schemas.fold import Fold
from services.gateway.reader import Reader


class Channel:
    """`fold` is live and stands at `cursor`: to be read, not changed, and not kept over an await (a repair replaces it)."""

    tenant: str
    conversation: str
    partition: int

    @property
    def fold(self) -> Fold:
        raise NotImplementedError

    @property
    def cursor(self) -> Cursor:
        """Everything of the conversation up to here is in `fold`."""
        raise NotImplementedError

    async def reached(self, seq: int, timeout_s: float) -> bool:
        """Wait until the fold has everything up to stream sequence `seq`; False if it did not within `timeout_s`."""
        raise NotImplementedError

    def reader(
        self,
        *,
        after: Cursor | None = None,
        mode: wire.Mode = "auto",
        namespaces: tuple[str, ...] = (),
        granularity: wire.Granularity = "deltas",
        sub: str = "",
    ) -> Reader:
        """A pull-based subscription; valid while the channel's context is open. Raises Invalid for a bad namespace."""
        raise NotImplementedError
