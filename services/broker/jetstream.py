"""The broker on NATS JetStream: the port, put together from its parts.

`connect` for a service, `provision` once when a deployment starts. What is stored where: deploy/streams.yaml; how a connection
lives: connection.py; the hot path of the worker: appender.py; reads: direct.py; work queues: pull.py.
"""

from __future__ import annotations

import asyncio
import calendar
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache, partial

import msgspec
import structlog

from schemas import subjects
from schemas.commands import AgentCard, Control, DeadLetter, RunCommand
from schemas.errors import NotFound, Unavailable
from schemas.seal import SEAL_BYTES_MAX, ConversationDeletion, Seal, SealMessage, SealReference
from services.broker import api, direct, forgetting, objects, streams
from services.broker.appender import JetStreamAppender
from services.broker.connection import Connection
from services.broker.credentials import NO_CREDENTIALS, Credentials
from services.broker.listening import Listener
from services.broker.port import READ_MESSAGES_MAX, Appended, Batch, Bounds, OnResult, Record, Subscription
from services.broker.provision import PROVISION_S, carry_out, patiently
from services.broker.pull import PULL_S_MAX, JetStreamDelivery, pull

START_S = 10.0
"""How long a service waits for the broker when it starts."""

CONTROL_S = 1.0
"""How long the process that runs a run may take to confirm a control message."""

log = structlog.get_logger()

_encode = msgspec.json.Encoder().encode
_control = msgspec.json.Decoder(Control)
_card = msgspec.json.Decoder(AgentCard)
_dead = msgspec.json.Decoder(DeadLetter)


async def connect(
    url: str,
    name: str,
    *,
    credentials: Credentials = NO_CREDENTIALS,
    replay_mirror: bool = False,
    deadline_s: float = START_S,
) -> JetStreamBroker:
    """Connect to one of the servers in `url` (comma-separated). `name`: of the service, also the prefix of its inboxes, so
    that permissions can keep services apart. `replay_mirror`: reads go to the mirrors (`Deployment.mirror`), and to the
    primary, which has the same sequences, of a partition whose mirror nobody serves (503) or that lacks what
    it is known to have; a silent one makes a read Unavailable.

    Raises:
        Unavailable: no server answered within `deadline_s`; the message is one line that says where and why.
        Invalid: a file of the credentials cannot be read.
    """
    connection = await Connection.open(url, name, deadline_s, credentials)
    open_replay = partial(Connection.open, url, f"{name}_replay", deadline_s, credentials)
    return JetStreamBroker(connection, open_replay, replay_mirror)


async def provision(
    url: str, layout: streams.Layout, *, name: str = "provision", deadline_s: float = PROVISION_S
) -> list[str]:
    """Make the server have the layout, as `provision.carry_out`; returns what the last try changed.

    Raises:
        Conflict: a change would lose something.
        Unavailable: the broker has not done it within `deadline_s`.
    """
    connection = await Connection.open(url, name, START_S)
    try:
        return await patiently(lambda: carry_out(connection, layout), deadline_s)
    finally:
        await connection.close()


class JetStreamBroker:
    """Implements `Broker`. Made by `connect`."""

    def __init__(
        self, connection: Connection, open_replay: Callable[[], Awaitable[Connection]], replay_mirror: bool
    ) -> None:
        self._connection = connection
        self._open_replay = open_replay
        self._opening = asyncio.Lock()
        self._replay: Connection | None = None
        self._replay_mirror = replay_mirror

    # --- life

    @property
    def connected(self) -> bool:
        return self._connection.connected

    async def close(self) -> None:
        if self._replay is not None:
            await self._replay.close()
        await self._connection.close()

    def on_reconnect(self, callback: Callable[[], None]) -> Subscription:
        return self._connection.on_regained(callback)

    # --- the log

    async def append(
        self, subject: str, data: bytes, *, msg_id: str, expected_last: int | None = None, trace: str = ""
    ) -> Appended:
        headers = _headers(msg_id, trace)
        if expected_last is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(expected_last)
        ack = await api.store(self._connection, subject, data, headers)
        return Appended(ack.seq, ack.duplicate)

    def appender(self, on_result: OnResult) -> JetStreamAppender:
        return JetStreamAppender(self._connection, on_result)

    async def last_message(self, partition: int, subject: str) -> Record | None:
        message = await direct.last_message(self._connection, subjects.events_stream(partition), subject)
        return None if message is None else direct.record_of(message)

    async def next_message(self, partition: int, subject: str, after: int) -> Record | None:
        message = await direct.next_message(self._connection, subjects.events_stream(partition), subject, after)
        return None if message is None else direct.record_of(message)

    async def read(
        self, partition: int, subject: str, after: int, *, messages: int = READ_MESSAGES_MAX, holds: int = 0
    ) -> Batch:
        connection = await self._replay_connection()
        if self._replay_mirror:
            with contextlib.suppress(direct.Unserved):
                mirror = subjects.replay_stream(partition)
                batch = await direct.read(connection, mirror, subject, after, messages)
                if batch.pending or batch.last_seq >= holds:
                    return batch
        return await direct.read(connection, subjects.events_stream(partition), subject, after, messages)

    async def _replay_connection(self) -> Connection:
        """A connection of its own, because a batch comes without flow control and would delay what is live."""
        async with self._opening:
            if self._replay is None:
                self._replay = await self._open_replay()
            return self._replay

    async def bounds(self, partition: int) -> Bounds:
        answer = await api.call(self._connection, f"STREAM.INFO.{subjects.events_stream(partition)}")
        if answer.state is None:
            raise Unavailable(f"the state of partition {partition} is not known now")
        return Bounds(epoch_of(answer.created), max(answer.state.first_seq, 1), answer.state.last_seq)

    async def follow(self, subject: str, on_message: Callable[[int, str, bytes], None]) -> Subscription:
        def on_live(live: bytes, _reply: bytes, data: bytes, headers: bytes | None) -> None:
            on_message(int(api.header(headers, b"Nats-Sequence")), live[live.rindex(b".") + 1 :].decode(), data)

        listener = await self._connection.listen(subject, on_live)
        await self._confirmed(listener)
        return listener

    async def _confirmed(self, listener: Listener) -> None:
        """Wait until the server has the subscription, or take it back."""
        try:
            await self._connection.confirm()
        except BaseException:
            listener.close()
            raise

    # --- commands

    async def publish_command(self, command: RunCommand, *, trace: str = "") -> None:
        subject = subjects.command(command.agent, command.tenant, command.conversation)
        await api.store(self._connection, subject, _encode(command), _headers(command.run, trace))

    async def fetch_command(self, timeout_s: float) -> JetStreamDelivery | None:
        found = await self._fetch(subjects.COMMANDS, streams.WORKERS, timeout_s)
        return found[0] if found else None

    async def _fetch(self, stream: str, consumer: str, timeout_s: float) -> list[JetStreamDelivery]:
        """One message, or none after the time-out."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while (left_s := deadline - loop.time()) > 0:
            found = await pull(self._connection, stream, consumer, limit=1, expires_s=min(left_s, PULL_S_MAX))
            if found:
                return found
        return []

    # --- seals

    async def publish_seal(self, message: SealMessage, msg_id: str, *, trace: str = "") -> None:
        run = message.run.id if isinstance(message, Seal) else "-"
        if isinstance(message, SealReference):
            raise TypeError("a reference is made here, not by the caller")
        subject = subjects.seal(message.tenant, message.conversation, run)
        data = await self._outside(_encode(message), msg_id)
        await api.store(self._connection, subject, data, _headers(msg_id, trace))

    async def fetch_seals(self, limit: int, timeout_s: float) -> Sequence[JetStreamDelivery]:
        fetch = partial(pull, self._connection, subjects.SEALS, streams.PERSISTERS)
        found = await fetch(limit=limit, expires_s=0)
        if not found:
            found = await self._fetch(subjects.SEALS, streams.PERSISTERS, timeout_s)
        for delivery in found:
            delivery.data = await self._inside(delivery.data)
        return found

    async def _outside(self, data: bytes, name: str) -> bytes:
        """`data`, or the reference to it in the object store if it is over SEAL_BYTES_MAX."""
        if len(data) <= SEAL_BYTES_MAX:
            return data
        await objects.put(self._connection, streams.SEALED, name, data)
        return _encode(SealReference(ref=name))

    async def _inside(self, data: bytes) -> bytes:
        """What `data` refers to, or itself. A reference to what is gone or damaged stays one: it must not hold up others."""
        with contextlib.suppress(msgspec.DecodeError):
            reference = msgspec.json.decode(data, type=SealReference)
            try:
                return await objects.get(self._connection, streams.SEALED, reference.ref)
            except (NotFound, Unavailable) as error:
                if error.code not in {"object_not_found", "object_damaged"}:
                    raise
                log.error("a sealed run cannot be read from the object store", ref=reference.ref, code=error.code)
        return data

    # --- control

    async def control(self, run: str, message: Control) -> bool:
        try:
            reply = await self._connection.request(subjects.control(run), _encode(message), timeout_s=CONTROL_S)
        except Unavailable:
            if not self._connection.connected:
                raise
            return False  # it ended as we asked
        return api.status(reply.headers) != 503

    async def on_control(self, run: str, callback: Callable[[Control], None]) -> Subscription:
        def on_message(_subject: bytes, reply: bytes, data: bytes, _headers: bytes | None) -> None:
            self._connection.post(reply.decode(), b"")
            callback(_control.decode(data))

        listener = await self._connection.listen(subjects.control(run), on_message)
        await self._confirmed(listener)
        return listener

    # --- agents

    async def announce_agents(self, cards: Sequence[AgentCard]) -> None:
        for card in cards:
            await api.store(self._connection, subjects.agent(card.name), _encode(card), {})

    async def agents(self) -> Sequence[AgentCard]:
        found: dict[str, AgentCard] = {}
        pending, after = 1, 0
        while pending:
            batch = await direct.read(self._connection, subjects.AGENTS, subjects.ALL_AGENTS, after, READ_MESSAGES_MAX)
            for card in map(_card.decode, (record.data for record in batch.records)):
                found[card.name] = card
            pending, after = batch.pending, batch.last_seq
        return [found[name] for name in sorted(found)]

    # --- objects

    async def put_object(self, name: str, data: bytes) -> None:
        await objects.put(self._connection, streams.OBJECTS, name, data)

    async def get_object(self, name: str) -> bytes:
        return await objects.get(self._connection, streams.OBJECTS, name)

    # --- deletion

    async def forget(self, deletion: ConversationDeletion) -> None:
        if (await self.bounds(deletion.partition)).epoch == deletion.epoch:
            await forgetting.forget_log(self._connection, deletion)
        await forgetting.forget_rest(self._connection, deletion)

    # --- dead letters

    async def publish_dead(self, letter: DeadLetter) -> None:
        subject = subjects.dead(letter.kind, letter.tenant, letter.conversation, letter.run)
        data = await self._outside(letter.data, f"dead.{letter.kind}.{letter.run}.{letter.ts}")
        await api.store(self._connection, subject, _encode(msgspec.structs.replace(letter, data=data)), {})

    async def dead_letters(self, limit: int = 100) -> Sequence[tuple[int, DeadLetter]]:
        found: list[tuple[int, DeadLetter]] = []
        seq = 0
        while len(found) < limit:
            message = await direct.next_message(self._connection, subjects.DEAD, "ab.dead.>", seq)
            if message is None:
                break
            seq = message.seq
            letter = _dead.decode(message.data)
            found.append((seq, msgspec.structs.replace(letter, data=await self._inside(letter.data))))
        return found

    async def drop_dead(self, seq: int) -> None:
        await api.call(self._connection, f"STREAM.MSG.DELETE.{subjects.DEAD}", {"seq": seq})


def _headers(msg_id: str, trace: str) -> dict[str, str]:
    headers = {"Nats-Msg-Id": msg_id}
    if trace:
        headers[api.TRACE] = trace
    return headers


_CREATED = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$")


@lru_cache(maxsize=64)
def epoch_of(created: str) -> str:
    """The time of a stream's creation, RFC 3339 with up to nine decimals, as nanoseconds since 1970 in hex."""
    found = _CREATED.match(created)
    if found is None:
        raise Unavailable(f"{created!r} is not the time of a stream's creation")
    seconds = calendar.timegm(time.strptime(found[1], "%Y-%m-%dT%H:%M:%S"))
    return f"{seconds * 10**9 + int((found[2] or '0').ljust(9, '0')):x}"
