"""A broker whose appender fails as networks do: what is asked of it is done, or not, and then answered, or not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable
from typing import Any

from schemas.errors import AnabranchError, Unavailable
from services.broker.memory import MemoryBroker
from services.broker.port import OnResult

Fate = Callable[[int], str]
"""Of the n-th send: `ok`, `lost` (not stored, no answer), or `unheard` (stored, no answer)."""


class FaultyBroker(MemoryBroker):
    """`fate` decides what happens to each frame that lanes send."""

    def __init__(self, core: Any = None, fate: Fate = lambda number: "ok") -> None:
        super().__init__(core)
        self.fate = fate
        self.sent: list[str] = []
        self.in_flight: dict[Hashable, int] = {}

    def appender(self, on_result: OnResult) -> FaultyAppender:
        return FaultyAppender(self, on_result)


class FaultyAppender:
    def __init__(self, broker: FaultyBroker, on_result: OnResult) -> None:
        self._broker = broker
        self._on_result = on_result

    def send(self, key: Hashable, subject: str, data: bytes, *, msg_id: str, expected_last: int) -> None:
        assert key not in self._broker.in_flight, "two sends of one lane in flight"
        self._broker.in_flight[key] = 1
        fate = self._broker.fate(len(self._broker.sent))
        self._broker.sent.append(msg_id)
        asyncio.get_running_loop().call_soon(self._answer, fate, key, (subject, data, msg_id, expected_last))

    def _answer(self, fate: str, key: Hashable, append: tuple[str, bytes, str, int]) -> None:
        result: Any = Unavailable("no answer")
        if fate != "lost":
            try:
                stored = self._broker.core.append(*append)
                result = stored if fate == "ok" else result
            except AnabranchError as error:
                result = error if fate == "ok" else result
        del self._broker.in_flight[key]
        self._on_result(key, result)

    def close(self) -> None:
        pass


def at_random(seed: int, faults: float) -> Fate:
    source = random.Random(seed)

    def fate(_: int) -> str:
        return source.choice(["lost", "unheard"]) if source.random() < faults else "ok"

    return fate
