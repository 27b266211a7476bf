"""A broker whose mirrors have copied nothing, as after their sources have got new leaders."""

from __future__ import annotations

from services.broker.memory import MemoryBroker
from services.broker.port import READ_MESSAGES_MAX, Batch


class Behind(MemoryBroker):
    async def read(
        self, partition: int, subject: str, after: int, *, messages: int = READ_MESSAGES_MAX, holds: int = 0
    ) -> Batch:
        if after >= holds:
            return Batch([], 0, after)  # the mirror's answer
        return await super().read(partition, subject, after, messages=messages, holds=holds)
