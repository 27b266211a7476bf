"""What the connections of a memory broker share: the logs, the queues, and who listens."""

from __future__ import annotations

import asyncio
import bisect
import time
from collections.abc import Callable
from typing import Protocol

from schemas import subjects
from schemas.commands import AgentCard, DeadLetter
from schemas.errors import Fenced, NotFound, TooLarge
from schemas.seal import ConversationDeletion
from services.broker.memory_queue import MemoryQueue
from services.broker.port import AGENTS_AGE_S, Appended, Record

PAYLOAD_BYTES_MAX = 1024 * 1024 - 512
"""As a server with its default max_payload takes it."""

DUPLICATE_WINDOW_S = 120.0
COMMANDS_DUPLICATE_WINDOW_S = 3600.0


class Window:
    """The message ids of the last `window_s` seconds, each with the sequence its message has."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._seen: dict[str, tuple[int, float]] = {}

    def find(self, msg_id: str) -> int | None:
        oldest = time.monotonic() - self._window_s
        while self._seen and next(iter(self._seen.values()))[1] < oldest:
            del self._seen[next(iter(self._seen))]
        found = self._seen.get(msg_id)
        return None if found is None else found[0]

    def add(self, msg_id: str, seq: int) -> None:
        self._seen[msg_id] = (seq, time.monotonic())


class Log:
    """The log of one partition."""

    def __init__(self) -> None:
        self.first = 1
        self.last = 0
        self.ids = Window(DUPLICATE_WINDOW_S)
        self._conversations: dict[str, list[Record]] = {}

    def append(self, subject: str, data: bytes, msg_id: str, expected_last: int | None, trace: str = "") -> Appended:
        if expected_last is not None:
            newest = self.last_on(subject)
            last = 0 if newest is None else newest.seq
            if last != expected_last:
                raise Fenced(f"{subject}: wrong last sequence: {last}")
        known = self.ids.find(msg_id)
        if known is not None:
            return Appended(known, True)
        self.last += 1
        conversation, _, lane = subject.rpartition(".")
        self._conversations.setdefault(conversation, []).append(Record(self.last, lane, data, trace))
        self.ids.add(msg_id, self.last)
        return Appended(self.last, False)

    def forget(self, subject: str, before: int) -> None:
        """Remove what is on the lanes of a conversation before the sequence `before`."""
        conversation, _, _ = subject.rpartition(".")
        records = self._conversations.get(conversation, [])
        self._conversations[conversation] = [record for record in records if record.seq >= before]

    def after(self, subject: str, seq: int) -> list[Record]:
        """Records on the subject, whose last token may be `*`, above `seq`."""
        conversation, _, lane = subject.rpartition(".")
        records = self._conversations.get(conversation, [])
        start = bisect.bisect_right(records, max(seq, self.first - 1), key=lambda record: record.seq)
        return [record for record in records[start:] if lane in {"*", record.lane}]

    def last_on(self, subject: str) -> Record | None:
        conversation, _, lane = subject.rpartition(".")
        for record in reversed(self._conversations.get(conversation, [])):
            if record.seq < self.first:
                return None
            if record.lane == lane:
                return record
        return None


class MemoryCore:
    """What the connections of one process share. Belongs to one event loop.

    `ack_wait_s`: how long a delivery may go unacknowledged before it is delivered again.
    """

    def __init__(self, *, partitions: int = 1, ack_wait_s: float = 30.0, epoch: str | None = None) -> None:
        self.epoch = epoch if epoch is not None else f"{time.time_ns():x}"
        self.logs = [Log() for _ in range(partitions)]
        self.commands = MemoryQueue(ack_wait_s)
        self.command_ids = Window(COMMANDS_DUPLICATE_WINDOW_S)
        self.seals = MemoryQueue(ack_wait_s)
        self.seal_ids = Window(DUPLICATE_WINDOW_S)
        self.controls: dict[str, list[Callback]] = {}
        self.followers: dict[str, list[Callback]] = {}
        self.objects: dict[str, bytes] = {}
        self.dead: dict[int, DeadLetter] = {}
        self.dead_last = 0
        self._agents: dict[str, tuple[AgentCard, float]] = {}
        self._drop_live = 0

    def log(self, partition: int) -> Log:
        if not 0 <= partition < len(self.logs):
            raise NotFound(f"there is no partition {partition}", code="stream_not_found")
        return self.logs[partition]

    def forget_before(self, partition: int, seq: int) -> None:
        """As retention does: `seq` is the first sequence that is still there."""
        log = self.log(partition)
        log.first = max(log.first, min(seq, log.last + 1))

    def forget(self, deletion: ConversationDeletion) -> None:
        """As `Broker.forget`."""
        tenant, conversation = deletion.tenant, deletion.conversation
        if deletion.epoch == self.epoch:
            subject = subjects.conversation_events(deletion.partition, tenant, conversation)
            self.log(deletion.partition).forget(subject, deletion.seq)
        self.commands.remove(f".{tenant}.{conversation}")
        letters = self.dead.items()
        self.dead = {seq: one for seq, one in letters if (one.tenant, one.conversation) != (tenant, conversation)}
        for name in deletion.refs:
            self.objects.pop(name, None)

    def drop_live(self, count: int) -> None:
        """Do not deliver the next `count` live messages to anybody."""
        self._drop_live += count

    def announce(self, card: AgentCard) -> None:
        self._agents[subjects.agent(card.name)] = (card, time.monotonic())

    def announced(self) -> list[AgentCard]:
        oldest = time.monotonic() - AGENTS_AGE_S
        return sorted((card for card, at in self._agents.values() if at > oldest), key=lambda card: card.name)

    def append(self, subject: str, data: bytes, msg_id: str, expected_last: int | None, trace: str = "") -> Appended:
        check_size(subject, data)
        log = self.log(subjects.parse_event(subject).partition)
        appended = log.append(subject, data, msg_id, expected_last, trace)
        if not appended.duplicate:
            self._republish(subject, appended.seq, data)
        return appended

    def _republish(self, subject: str, seq: int, data: bytes) -> None:
        if self._drop_live:
            self._drop_live -= 1
            return
        conversation, _, lane = subject.replace("ab.evt.", "ab.live.", 1).rpartition(".")
        loop = asyncio.get_running_loop()
        for follower in self.followers.get(f"{conversation}.*", ()):
            loop.call_soon(follower, seq, lane, data)


class Reached(Protocol):
    """The connection that a callback belongs to."""

    @property
    def connected(self) -> bool: ...


class Callback:
    """A callback in a table of the core, until it is closed or while its connection is cut."""

    def __init__(
        self, reached: Reached, table: dict[str, list[Callback]], key: str, callback: Callable[..., None]
    ) -> None:
        self._reached = reached
        self._table = table
        self._key = key
        self._callback: Callable[..., None] | None = callback
        table.setdefault(key, []).append(self)

    @property
    def reachable(self) -> bool:
        return self._callback is not None and self._reached.connected

    def close(self) -> None:
        if self._callback is not None:
            self._callback = None
            self._table[self._key].remove(self)
            if not self._table[self._key]:
                del self._table[self._key]

    def __call__(self, *args: object) -> None:
        if self.reachable and self._callback is not None:
            self._callback(*args)


def check_size(subject: str, data: bytes) -> None:
    if len(data) > PAYLOAD_BYTES_MAX:
        raise TooLarge(f"{len(data)} bytes on {subject}: the broker takes {PAYLOAD_BYTES_MAX}")
