"""Reader: one subscription, pulled: what SSE, long-poll and a WebSocket viewer that is behind read from."""

from __future__ import annotations

from schemas import wire
from schemas.errors import Unavailable


class Closed(Unavailable):
    """The gateway is going away, or the channel was closed: come back to any gateway with the last cursor."""

    code = "gateway_draining"


class Reader:
    async def next(self) -> wire.AnyServerMessage:
        """The next message: `Subscribed`, then (`Gap`) `Snapshot` or `Events`…, `CaughtUp`, then `Events` as they come.

        Waits while there is nothing new. A cancelled call loses nothing: call again. A later `Gap` (the log lost
        something, or its stream was made anew) is followed by a `Snapshot` and `CaughtUp`.

        Raises:
            Invalid: `after` lies in the future (code `cursor_from_future`); on the first call only.
            Unavailable: the log could not be read; call again.
            Closed: the gateway drains.
        """
        raise NotImplementedError

    async def next_encoded(self, protocol: str) -> bytes:
        """As `next`, encoded for `wire.JSON_PROTOCOL` or `wire.MSGPACK_PROTOCOL`: snapshots come from a cache."""
        raise NotImplementedError

    @property
    def level(self) -> bool:
        """Whether everything up to the channel's cursor has been given out and `next` would wait."""
        raise NotImplementedError

    @property
    def cursor(self) -> str:
        """The text form of the position reached: what a client resumes after."""
        raise NotImplementedError
