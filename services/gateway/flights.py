"""Flights: callers who want the same thing at the same time wait for one piece of work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from schemas.errors import AnabranchError, Unavailable

T = TypeVar("T")

Spawn = Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"]


class Flights:
    """The work belongs to whoever owns `spawn`: a caller that is cancelled takes nothing from the others."""

    def __init__(self, spawn: Spawn) -> None:
        self._spawn = spawn
        self._flights: dict[Hashable, asyncio.Task[Any]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._flights

    def begin(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> Flight[T]:
        """`work()`, begun now or by somebody before who has not had its result yet."""
        task = self._flights.get(key)
        if task is None:
            task = self._flights[key] = self._spawn(_outcome(work()))
            task.add_done_callback(lambda _: self._flights.pop(key))
        return Flight(task)

    async def share(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of `work()`, begun now or by somebody before. Raises the AnabranchError that it raises."""
        return await self.begin(key, work).result()


class Flight(Generic[T]):
    """Work that has begun."""

    __slots__ = ("_task",)

    def __init__(self, task: asyncio.Task[T | AnabranchError]) -> None:
        self._task = task

    async def result(self) -> T:
        """What the work returns. Raises the AnabranchError that it raises."""
        try:
            outcome = await asyncio.shield(self._task)
        except asyncio.CancelledError:
            if self._task.cancelled():  # not the caller was cancelled, but the owner went away
                raise Unavailable("this is going away") from None
            raise
        if isinstance(outcome, AnabranchError):
            raise outcome
        return outcome


async def _outcome(work: Coroutine[Any, Any, T]) -> T | AnabranchError:
    """An expected failure is a result, not the death of the owner's task group."""
    try:
        return await work
    except AnabranchError as error:
        return error
