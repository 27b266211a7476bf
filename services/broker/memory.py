"""The broker in one process: for tests, scripts, and agents run as a library.

It obeys the rules of JetStream on one node: fences before duplicates, redelivery after `ack_wait`, live messages at most
once and after they are stored, bounded reads. Connections share a `MemoryCore` and see each other's messages; a test can
make the core forget (`forget_before`), lose live messages (`drop_live`), and cut a connection (`interrupt`, `restore`).
Nothing survives the process.
"""

from __future__ import annotations

import asyncio
import bisect
import time
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import msgspec

from schemas import subjects
from schemas.commands import Control, DeadLetter, RunCommand
from schemas.errors import AnabranchError, Fenced, NotFound, TooLarge, Unavailable
from schemas.seal import Seal, SealMessage, SealReference
from services.broker.memory_queue import MemoryDelivery, MemoryQueue
from services.broker.port import (
    READ_BYTES_MAX,
    READ_MESSAGES_MAX,
    Appended,
    Batch,
    Bounds,
    OnResult,
    Record,
    Subscription,
)

PAYLOAD_BYTES_MAX = 1024 * 1024 - 512
"""As a server with its default max_payload takes it."""

DUPLICATE_WINDOW_S = 120.0
COMMANDS_DUPLICATE_WINDOW_S = 3600.0

_encode = msgspec.json.Encoder().encode


class _Window:
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


class _Log:
    """The log of one partition."""

    def __init__(self) -> None:
        self.first = 1
        self.last = 0
        self.ids = _Window(DUPLICATE_WINDOW_S)
        self._conversations: dict[str, list[Record]] = {}

    def append(self, subject: str, data: bytes, msg_id: str, expected_last: int | None) -> Appended:
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
        self._conversations.setdefault(conversation, []).append(Record(self.last, lane, data))
        self.ids.add(msg_id, self.last)
        return Appended(self.last, False)

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
        self.logs = [_Log() for _ in range(partitions)]
        self.commands = MemoryQueue(ack_wait_s)
        self.command_ids = _Window(COMMANDS_DUPLICATE_WINDOW_S)
        self.seals = MemoryQueue(ack_wait_s)
        self.seal_ids = _Window(DUPLICATE_WINDOW_S)
        self.controls: dict[str, list[_Callback]] = {}
        self.followers: dict[str, list[_Callback]] = {}
        self.objects: dict[str, bytes] = {}
        self.dead: dict[int, DeadLetter] = {}
        self.dead_last = 0
        self._drop_live = 0

    def log(self, partition: int) -> _Log:
        if not 0 <= partition < len(self.logs):
            raise NotFound(f"there is no partition {partition}", code="stream_not_found")
        return self.logs[partition]

    def forget_before(self, partition: int, seq: int) -> None:
        """As retention does: `seq` is the first sequence that is still there."""
        log = self.log(partition)
        log.first = max(log.first, min(seq, log.last + 1))

    def drop_live(self, count: int) -> None:
        """Do not deliver the next `count` live messages to anybody."""
        self._drop_live += count

    def append(self, subject: str, data: bytes, msg_id: str, expected_last: int | None) -> Appended:
        _check_size(subject, data)
        appended = self.log(subjects.parse_event(subject).partition).append(subject, data, msg_id, expected_last)
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


class _Callback:
    """A callback in a table of the core, until it is closed or while its connection is cut."""

    def __init__(
        self, broker: MemoryBroker, table: dict[str, list[_Callback]], key: str, callback: Callable[..., None]
    ) -> None:
        self._broker = broker
        self._table = table
        self._key = key
        self._callback: Callable[..., None] | None = callback
        table.setdefault(key, []).append(self)

    @property
    def reachable(self) -> bool:
        return self._callback is not None and self._broker.connected

    def close(self) -> None:
        if self._callback is not None:
            self._callback = None
            self._table[self._key].remove(self)
            if not self._table[self._key]:
                del self._table[self._key]

    def __call__(self, *args: object) -> None:
        if self.reachable and self._callback is not None:
            self._callback(*args)


class MemoryAppender:
    """Implements `Appender`: what is sent is stored, and answered, in the loop's next turn."""

    def __init__(self, broker: MemoryBroker, core: MemoryCore, on_result: OnResult) -> None:
        self._broker = broker
        self._core = core
        self._on_result = on_result
        self._closed = False

    def send(self, key: Hashable, subject: str, data: bytes, *, msg_id: str, expected_last: int) -> None:
        asyncio.get_running_loop().call_soon(self._append, key, subject, data, msg_id, expected_last)

    def _append(self, key: Hashable, subject: str, data: bytes, msg_id: str, expected_last: int) -> None:
        result: Appended | AnabranchError
        try:
            self._broker.check()
            if self._closed:
                raise Unavailable("the appender was closed")
            result = self._core.append(subject, data, msg_id, expected_last)
        except AnabranchError as error:
            result = error
        self._on_result(key, result)

    def close(self) -> None:
        self._closed = True


class _Hook(NamedTuple):
    hooks: list[Callable[[], None]]
    callback: Callable[[], None]

    def close(self) -> None:
        if self.callback in self.hooks:
            self.hooks.remove(self.callback)


class MemoryBroker:
    """Implements `Broker`. Without a core it makes one, which others can share: `MemoryBroker(first.core)`."""

    def __init__(self, core: MemoryCore | None = None) -> None:
        self.core = core if core is not None else MemoryCore()
        self._connected = True
        self._hooks: list[Callable[[], None]] = []
        self._open: list[Subscription] = []

    # --- life

    @property
    def connected(self) -> bool:
        return self._connected

    def check(self) -> None:
        """Raises Unavailable while the connection is cut, or after `close`."""
        if not self._connected:
            raise Unavailable("not connected to the broker", code="broker_unavailable")

    def interrupt(self) -> None:
        """Cut this connection: calls raise Unavailable, and live messages are missed."""
        self._connected = False

    def restore(self) -> None:
        self._connected = True
        for callback in list(self._hooks):
            callback()

    async def close(self) -> None:
        self._connected = False
        for subscription in self._open:
            subscription.close()
        self._open.clear()

    def on_reconnect(self, callback: Callable[[], None]) -> Subscription:
        self._hooks.append(callback)
        return _Hook(self._hooks, callback)

    # --- the log

    async def append(self, subject: str, data: bytes, *, msg_id: str, expected_last: int | None = None) -> Appended:
        self.check()
        return self.core.append(subject, data, msg_id, expected_last)

    def appender(self, on_result: OnResult) -> MemoryAppender:
        return MemoryAppender(self, self.core, on_result)

    async def last_message(self, partition: int, subject: str) -> Record | None:
        self.check()
        return self.core.log(partition).last_on(subject)

    async def next_message(self, partition: int, subject: str, after: int) -> Record | None:
        self.check()
        return next(iter(self.core.log(partition).after(subject, after)), None)

    async def read(self, partition: int, subject: str, after: int, *, messages: int = READ_MESSAGES_MAX) -> Batch:
        self.check()
        found = self.core.log(partition).after(subject, after)
        room = READ_BYTES_MAX
        records: list[Record] = []
        for record in found[: min(messages, READ_MESSAGES_MAX)]:
            if room < 0:
                break
            records.append(record)
            room -= len(record.data)
        return Batch(records, len(found) - len(records), records[-1].seq if records else after)

    async def bounds(self, partition: int) -> Bounds:
        self.check()
        log = self.core.log(partition)
        return Bounds(self.core.epoch, log.first, log.last)

    async def follow(self, subject: str, on_message: Callable[[int, str, bytes], None]) -> Subscription:
        self.check()
        return self._keep(_Callback(self, self.core.followers, subject, on_message))

    def _keep(self, callback: _Callback) -> Subscription:
        self._open.append(callback)
        return callback

    # --- commands and seals

    async def publish_command(self, command: RunCommand) -> None:
        subject = subjects.command(command.agent, command.tenant, command.conversation)
        self._put(self.core.commands, self.core.command_ids, subject, _encode(command), command.run)

    async def fetch_command(self, timeout_s: float) -> MemoryDelivery | None:
        self.check()
        found = await self.core.commands.fetch(1, timeout_s)
        return found[0] if found else None

    async def publish_seal(self, message: SealMessage, msg_id: str) -> None:
        if isinstance(message, SealReference):
            raise TypeError("a reference is made by the broker, not by the caller")
        run = message.run.id if isinstance(message, Seal) else "-"
        subject = subjects.seal(message.tenant, message.conversation, run)
        self._put(self.core.seals, self.core.seal_ids, subject, _encode(message), msg_id, bounded=False)

    async def fetch_seals(self, limit: int, timeout_s: float) -> Sequence[MemoryDelivery]:
        self.check()
        return await self.core.seals.fetch(limit, timeout_s)

    def _put(
        self, queue: MemoryQueue, ids: _Window, subject: str, data: bytes, msg_id: str, *, bounded: bool = True
    ) -> None:
        self.check()
        if bounded:
            _check_size(subject, data)
        if ids.find(msg_id) is None:
            ids.add(msg_id, queue.put(subject, data))

    # --- control

    async def control(self, run: str, message: Control) -> bool:
        self.check()
        listening = [callback for callback in self.core.controls.get(run, ()) if callback.reachable]
        for callback in listening:
            asyncio.get_running_loop().call_soon(callback, message)
        return bool(listening)

    async def on_control(self, run: str, callback: Callable[[Control], None]) -> Subscription:
        self.check()
        return self._keep(_Callback(self, self.core.controls, run, callback))

    # --- objects

    async def put_object(self, name: str, data: bytes) -> None:
        self.check()
        self.core.objects[name] = bytes(data)

    async def get_object(self, name: str) -> bytes:
        self.check()
        try:
            return self.core.objects[name]
        except KeyError:
            raise NotFound(f"there is no object {name!r}", code="object_not_found") from None

    # --- dead letters

    async def publish_dead(self, letter: DeadLetter) -> None:
        self.check()
        subjects.dead(
            letter.kind, letter.tenant, letter.conversation, letter.run
        )  # raises Invalid as the server's would
        self.core.dead_last += 1
        self.core.dead[self.core.dead_last] = letter

    async def dead_letters(self, limit: int = 100) -> Sequence[tuple[int, DeadLetter]]:
        self.check()
        return list(self.core.dead.items())[:limit]

    async def drop_dead(self, seq: int) -> None:
        self.check()
        if self.core.dead.pop(seq, None) is None:
            raise NotFound(f"there is no dead letter {seq}")


def _check_size(subject: str, data: bytes) -> None:
    if len(data) > PAYLOAD_BYTES_MAX:
        raise TooLarge(f"{len(data)} bytes on {subject}: the broker takes {PAYLOAD_BYTES_MAX}")
