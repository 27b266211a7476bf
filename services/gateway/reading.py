"""Reading: one batch of the log after another, with the one after next asked for before it is known where that begins.

A broker works about as long for a batch as we do with it, so each would wait for the other half of the time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Self

from schemas.errors import AnabranchError
from services.broker.port import READ_MESSAGES_MAX, Batch

SPANS = 4
"""Batches from which the next guess is made. The shortest is taken: a guess too low costs records that come twice, one too
high a batch; with random distances one of SPANS + 1 is too high.
"""

Read = Callable[[int], Awaitable[Batch]]


class Spans:
    """How many sequence numbers of the stream the last full batches of a conversation extended over. Pure."""

    def __init__(self) -> None:
        self._spans: deque[int] = deque(maxlen=SPANS)

    def note(self, batch: Batch) -> None:
        if len(batch.records) == READ_MESSAGES_MAX:
            self._spans.append(batch.last_seq - batch.records[0].seq + 1)

    def after(self, start: int) -> int | None:
        """Where a batch that begins after `start` will probably end, or not much before. None if nothing is known."""
        return start + min(self._spans) if self._spans else None


class _Ahead(NamedTuple):
    start: int
    task: asyncio.Task[Batch | AnabranchError]


class Reading:
    """Use as `async with Reading(read, spans) as reading`; `read` is `Broker.read` of one subject, `pending` how much is known
    to be there. Owns at most one task.
    """

    def __init__(self, read: Read, spans: Spans, pending: int = 0) -> None:
        self._read = read
        self._spans = spans
        self._pending = pending
        self._ahead: _Ahead | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._ahead is not None:
            self._ahead.task.cancel()
            await asyncio.wait([self._ahead.task])

    async def next(self, position: int, *, ahead: bool = True) -> Batch:
        """A batch that began at `position` or before it, so that nothing is missing between; it may repeat some before.
        Only one that was asked for now, at `position`, ever says that nothing is pending. `ahead`: whether another call is
        sure to follow if enough is pending.

        Raises Unavailable.
        """
        asked = self._take_ahead(position)
        start = position if asked is None else asked.start
        if ahead:
            self._ask_ahead(start)
        batch = await (self._read(position) if asked is None else _result(asked))
        if asked is not None and batch.pending == 0:
            batch = await self._read(position)  # what was asked before cannot tell where the present is
        self._spans.note(batch)
        self._pending = batch.pending
        return batch

    def _take_ahead(self, position: int) -> _Ahead | None:
        if self._ahead is None or self._ahead.start > position:
            return None
        asked, self._ahead = self._ahead, None
        return asked

    def _ask_ahead(self, start: int) -> None:
        """Ask for the batch after the one that begins after `start`, if there will surely be more behind it."""
        guess = self._spans.after(start)
        if self._ahead is None and guess is not None and self._pending > 2 * READ_MESSAGES_MAX:
            self._ahead = _Ahead(guess, asyncio.create_task(_outcome(self._read(guess))))


async def _outcome(read: Awaitable[Batch]) -> Batch | AnabranchError:
    """A failure is for whoever takes the batch, if anybody does."""
    try:
        return await read
    except AnabranchError as error:
        return error


async def _result(asked: _Ahead) -> Batch:
    outcome = await asked.task
    if isinstance(outcome, AnabranchError):
        raise outcome
    return outcome
