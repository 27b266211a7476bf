"""A work queue in memory: a message stays until it is acknowledged, and comes again when its holder is silent too long."""

from __future__ import annotations

import asyncio
from typing import NamedTuple


class _Job:
    """`due`: loop time from which it may be delivered (again)."""

    def __init__(self, seq: int, subject: str, data: bytes, trace: str) -> None:
        self.seq = seq
        self.subject = subject
        self.data = data
        self.trace = trace
        self.attempt = 0
        self.due = 0.0


class MemoryQueue:
    """Jobs are delivered oldest first. Belongs to one event loop."""

    def __init__(self, ack_wait_s: float) -> None:
        self.ack_wait_s = ack_wait_s
        self.jobs: dict[int, _Job] = {}
        self._last = 0
        self._changed = asyncio.Event()

    def put(self, subject: str, data: bytes, trace: str = "") -> int:
        self._last += 1
        self.jobs[self._last] = _Job(self._last, subject, data, trace)
        self.changed()
        return self._last

    def remove(self, ending: str) -> None:
        """Remove the jobs whose subject ends so."""
        self.jobs = {seq: job for seq, job in self.jobs.items() if not job.subject.endswith(ending)}

    def changed(self) -> None:
        """Wake everybody who waits for a job."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def fetch(self, limit: int, timeout_s: float) -> list[MemoryDelivery]:
        """At least one delivery and at most `limit`, or none after the time-out."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while not (found := self._take(limit)):
            wait_s = min([deadline, *(job.due for job in self.jobs.values())]) - loop.time()
            if deadline <= loop.time():
                return []
            changed = self._changed
            try:
                async with asyncio.timeout(max(wait_s, 0.0)):
                    await changed.wait()
            except TimeoutError:
                pass
        return found

    def _take(self, limit: int) -> list[MemoryDelivery]:
        now = asyncio.get_running_loop().time()
        ready = [job for job in self.jobs.values() if job.due <= now][:limit]
        for job in ready:
            job.attempt += 1
            job.due = now + self.ack_wait_s
        return [MemoryDelivery(self, job.seq, job.data, job.subject, job.attempt, job.trace) for job in ready]


class MemoryDelivery(NamedTuple):
    """Implements `Delivery`. As on the server, the acknowledgement of an old delivery removes the message all the same."""

    queue: MemoryQueue
    seq: int
    data: bytes
    subject: str
    attempt: int
    trace: str

    async def ack(self) -> None:
        self.queue.jobs.pop(self.seq, None)

    async def nak(self, delay_s: float = 0.0) -> None:
        self._due_in(delay_s)
        self.queue.changed()

    async def in_progress(self) -> None:
        self._due_in(self.queue.ack_wait_s)

    def _due_in(self, delay_s: float) -> None:
        job = self.queue.jobs.get(self.seq)
        if job is not None and job.attempt == self.attempt:
            job.due = asyncio.get_running_loop().time() + delay_s
