"""The broker in one process: for tests, scripts, and agents run as a library.

It obeys the rules of JetStream on one node: fences before duplicates, redelivery after `ack_wait`, live messages at most
once and after they are stored, bounded reads. Connections share a `MemoryCore` and see each other's messages; a test can
make the core forget (`forget_before`), lose live messages (`drop_live`), and cut a connection (`interrupt`, `restore`).
Nothing survives the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import msgspec

from schemas import subjects
from schemas.commands import AgentCard, Control, DeadLetter, RunCommand
from schemas.errors import AnabranchError, NotFound, Unavailable
from schemas.seal import ConversationDeletion, Seal, SealMessage, SealReference
from services.broker import port
from services.broker.memory_core import Callback, MemoryCore, Window, check_size
from services.broker.memory_queue import MemoryDelivery, MemoryQueue
from services.broker.port import Appended, Batch, Bounds, OnResult, Record, Subscription

__all__ = ["MemoryBroker", "MemoryCore"]

_encode = msgspec.json.Encoder().encode


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

    async def append(
        self, subject: str, data: bytes, *, msg_id: str, expected_last: int | None = None, trace: str = ""
    ) -> Appended:
        self.check()
        return self.core.append(subject, data, msg_id, expected_last, trace)

    def appender(self, on_result: OnResult) -> MemoryAppender:
        return MemoryAppender(self, self.core, on_result)

    async def last_message(self, partition: int, subject: str) -> Record | None:
        self.check()
        return self.core.log(partition).last_on(subject)

    async def next_message(self, partition: int, subject: str, after: int) -> Record | None:
        self.check()
        return next(iter(self.core.log(partition).after(subject, after)), None)

    async def read(
        self, partition: int, subject: str, after: int, *, messages: int = port.READ_MESSAGES_MAX, holds: int = 0
    ) -> Batch:
        self.check()
        found = self.core.log(partition).after(subject, after)
        room = port.READ_BYTES_MAX
        records: list[Record] = []
        for record in found[: min(messages, port.READ_MESSAGES_MAX)]:
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
        return self._keep(Callback(self, self.core.followers, subject, on_message))

    def _keep(self, callback: Callback) -> Subscription:
        self._open.append(callback)
        return callback

    # --- commands and seals

    async def publish_command(self, command: RunCommand, *, trace: str = "") -> None:
        subject = subjects.command(command.agent, command.tenant, command.conversation)
        self._put(self.core.commands, self.core.command_ids, subject, _encode(command), command.run, trace)

    async def fetch_command(self, timeout_s: float) -> MemoryDelivery | None:
        self.check()
        found = await self.core.commands.fetch(1, timeout_s)
        return found[0] if found else None

    async def publish_seal(self, message: SealMessage, msg_id: str, *, trace: str = "") -> None:
        if isinstance(message, SealReference):
            raise TypeError("a reference is made by the broker, not by the caller")
        run = message.run.id if isinstance(message, Seal) else "-"
        subject = subjects.seal(message.tenant, message.conversation, run)
        self._put(self.core.seals, self.core.seal_ids, subject, _encode(message), msg_id, trace, bounded=False)

    async def fetch_seals(self, limit: int, timeout_s: float) -> Sequence[MemoryDelivery]:
        self.check()
        return await self.core.seals.fetch(limit, timeout_s)

    def _put(  # noqa: PLR0917 -- what a message consists of
        self,
        queue: MemoryQueue,
        ids: Window,
        subject: str,
        data: bytes,
        msg_id: str,
        trace: str,
        *,
        bounded: bool = True,
    ) -> None:
        self.check()
        if bounded:
            check_size(subject, data)
        if ids.find(msg_id) is None:
            ids.add(msg_id, queue.put(subject, data, trace))

    # --- control

    async def control(self, run: str, message: Control) -> bool:
        self.check()
        listening = [callback for callback in self.core.controls.get(run, ()) if callback.reachable]
        for callback in listening:
            asyncio.get_running_loop().call_soon(callback, message)
        return bool(listening)

    async def on_control(self, run: str, callback: Callable[[Control], None]) -> Subscription:
        self.check()
        return self._keep(Callback(self, self.core.controls, run, callback))

    # --- agents

    async def announce_agents(self, cards: Sequence[AgentCard]) -> None:
        self.check()
        for card in cards:
            self.core.announce(card)

    async def agents(self) -> Sequence[AgentCard]:
        self.check()
        return self.core.announced()

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

    # --- deletion

    async def forget(self, deletion: ConversationDeletion) -> None:
        self.check()
        self.core.forget(deletion)

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
