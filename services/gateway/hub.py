"""Hub: the conversations that somebody watches through this gateway, one `Channel` each, shared by all who watch."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

import msgspec

from services.archive.port import ArchiveReader
from services.broker.port import Broker
from services.gateway.channel import Channel


class HubSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`partitions`: the number of slots new conversations are spread over."""

    partitions: int = 1


class Hub:
    """Use as `async with Hub(broker, archive) as hub`: the context owns all tasks of its channels."""

    def __init__(self, broker: Broker, archive: ArchiveReader, settings: HubSettings = HubSettings()) -> None: ...

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def channel(self, tenant: str, conversation: str) -> AbstractAsyncContextManager[Channel]:
        """The conversation, read to the present and live. Shared, counted, and kept a few seconds after the last user.

        Entering it raises Invalid (not an id), NotFound, Unavailable, or Overloaded (too many joins wait already).
        """
        raise NotImplementedError

    @property
    def draining(self) -> bool:
        """True once `drain` was called: readiness says no."""
        raise NotImplementedError

    async def drain(self, after_ms_max: int) -> None:
        """Refuse new channels and WebSockets (Unavailable), send every WebSocket `reconnect` with a random delay up to
        `after_ms_max` and close it with 4000, in batches; end every waiting `Reader` with `Closed`. Returns when done.
        """

    async def close(self) -> None:
        """End everything at once: what `__aexit__` does."""
