"""The broker as the services see it: a log of lanes, two work queues, control messages and an object store.

Two implementations obey it and pass one contract suite (tests/broker): `jetstream.py`, and `memory.py`, which lives in one
process and is what a library user or a unit test runs on. Everything awaited here may raise `Unavailable`; whoever wrote
something then does not know whether it was stored, and repeats it with the same `msg_id`.

`trace` is a W3C traceparent, or empty: it travels beside a message, and whoever reads the message continues that trace.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from schemas.commands import AgentCard, Control, DeadLetter, RunCommand
from schemas.errors import AnabranchError
from schemas.seal import ConversationDeletion, SealMessage

READ_MESSAGES_MAX = 100
READ_BYTES_MAX = 512 * 1024
"""Bounds of one read of the log: a larger batch holds up the writers of the stream (reads and writes share a lock)."""


AGENTS_AGE_S = 600.0
"""How long an announced agent is known: over a restart of all workers; an agent that was taken out is gone after it."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One stored message of the log. `seq` is its stream sequence, `lane` the last token of its subject. `trace` is there only
    where the message was read by itself (`last_message`, `next_message`).

    Out of the garbage collector's sight (it cannot be part of a cycle): a gateway keeps a million of them in its rings, and
    each full collection that walked them would stop it for 0.4 s.
    """

    seq: int
    lane: str
    data: bytes
    trace: str = ""


class Appended(NamedTuple):
    """`duplicate`: a message of the same `msg_id` was there already, and `seq` is the one it has."""

    seq: int
    duplicate: bool


class Batch(NamedTuple):
    """Consecutive matching records. `pending`: how many matched beyond them in the serving copy of the stream, which can be
    behind what was seen live. `last_seq`: up to where the answer is surely whole: its last record, or `after` if it has none.
    """

    records: Sequence[Record]
    pending: int
    last_seq: int


class Bounds(NamedTuple):
    """What the stream of a partition holds at this moment. `first` is 1 in a new, empty stream; `epoch` identifies the
    stream's creation.
    """

    epoch: str
    first: int
    last: int


class Subscription(Protocol):
    def close(self) -> None:
        """Stop at once: no callback comes after this returns."""


class Appender(Protocol):
    """The hot path of a worker: many appends in flight, one per lane, results by callback.

    `send` never blocks. For every `send` exactly one call of the `on_result` given to `Broker.appender` follows, from the
    event loop and not from inside `send`: with `Appended`, or with `Fenced`, `Unavailable` (time-out, no quorum, not
    connected: outcome unknown) or another AnabranchError.
    """

    def send(self, key: Hashable, subject: str, data: bytes, *, msg_id: str, expected_last: int) -> None:
        """Append `data` if the last sequence on `subject` is `expected_last` (0: nothing there).

        `key` comes back with the result; only one send per key may be in flight.
        """

    def close(self) -> None: ...


OnResult = Callable[[Hashable, "Appended | AnabranchError"], None]


class Delivery(Protocol):
    """A message of a work queue, held by this consumer until it is acknowledged or its `ack_wait` runs out."""

    @property
    def data(self) -> bytes: ...

    @property
    def subject(self) -> str: ...

    @property
    def attempt(self) -> int:
        """How often it has been delivered, from 1."""

    @property
    def trace(self) -> str: ...

    async def ack(self) -> None:
        """Remove it from the queue; returns once the server has confirmed."""

    async def nak(self, delay_s: float = 0.0) -> None:
        """Give it back, to be delivered again after the delay."""

    async def in_progress(self) -> None:
        """Start its `ack_wait` again."""


class Broker(Protocol):
    """A connection to the broker. Start with `connect` of the implementation's module, end with `close`."""

    # --- life

    @property
    def connected(self) -> bool:
        """Whether the broker answered lately. A watchdog checks: a dead read loop must not look alive."""

    async def close(self) -> None: ...

    def on_reconnect(self, callback: Callable[[], None]) -> Subscription:
        """Be told when the connection is back: live messages may have been missed meanwhile."""

    # --- the log

    async def append(
        self, subject: str, data: bytes, *, msg_id: str, expected_last: int | None = None, trace: str = ""
    ) -> Appended:
        """Append to the log, if the last sequence on this exact subject is `expected_last` (None: whatever it is).

        A repeat of a `msg_id` that is stored: with the same, now stale `expected_last` either Fenced (one server) or a
        duplicate (a cluster); with none, a duplicate.

        Raises:
            Fenced: the last sequence is another one. After an unclear first try the caller compares `last_message` first.
            TooLarge: the message is over the broker's payload limit; nothing was sent.
            Overloaded: the stream is full.
        """

    def appender(self, on_result: OnResult) -> Appender: ...

    async def last_message(self, partition: int, subject: str) -> Record | None:
        """The last message on an exact subject, from the leader (never stale). None if there is none."""

    async def next_message(self, partition: int, subject: str, after: int) -> Record | None:
        """The first message on an exact subject with a sequence above `after`, from the leader. None if there is none."""

    async def read(
        self, partition: int, subject: str, after: int, *, messages: int = READ_MESSAGES_MAX, holds: int = 0
    ) -> Batch:
        """Records on `subject` (which may end in `*`) with a sequence above `after`, at most `messages` and about
        READ_BYTES_MAX bytes of them. Served by a copy of the stream where there is one: may be stale. `holds`: a sequence on
        `subject` that the log is known to have; a mirror that does not have it yet is passed over for the primary.
        """

    async def bounds(self, partition: int) -> Bounds:
        """Asked of the server each time. Raises NotFound if the stream does not exist."""

    async def follow(self, subject: str, on_message: Callable[[int, str, bytes], None]) -> Subscription:
        """Call `on_message(seq, lane, data)`, synchronously, for every message stored on the conversation's lanes from
        now on (`schemas.subjects.live`). At most once: who follows checks for gaps, also right after this returns, since in
        a cluster the stream's leader may learn of the subscription later than the server that confirms it.
        """

    # --- commands: one queue, shared by all workers

    async def publish_command(self, command: RunCommand, *, trace: str = "") -> None:
        """Idempotent by the command's run within the queue's duplicate window (an hour)."""

    async def fetch_command(self, timeout_s: float) -> Delivery | None: ...

    # --- seals: one queue, shared by all persisters

    async def publish_seal(self, message: SealMessage, msg_id: str, *, trace: str = "") -> None:
        """A seal above SEAL_BYTES_MAX goes to the object store and is referenced."""

    async def fetch_seals(self, limit: int, timeout_s: float) -> Sequence[Delivery]:
        """At least one delivery, or none after the time-out. `data` is a SealMessage as JSON, and a SealReference only if what
        it refers to is gone or damaged.
        """

    # --- control: straight to the process that runs a run

    async def control(self, run: str, message: Control) -> bool:
        """Tell whoever runs `run`; False if nobody does just now (the `in` lane is the record)."""

    async def on_control(self, run: str, callback: Callable[[Control], None]) -> Subscription: ...

    # --- agents: what workers say that they run

    async def announce_agents(self, cards: Sequence[AgentCard]) -> None:
        """Say that the agents can be asked for; it holds for AGENTS_AGE_S, so whoever runs them says it again."""

    async def agents(self) -> Sequence[AgentCard]:
        """Those that were announced lately, by name. May be a moment behind."""

    # --- objects: content too large for a message

    async def put_object(self, name: str, data: bytes) -> None: ...

    async def get_object(self, name: str) -> bytes:
        """Raises NotFound."""

    # --- deletion

    async def forget(self, deletion: ConversationDeletion) -> None:
        """Remove what is stored of a deleted conversation: its log before `seq` (all copies of it), commands, dead letters, and
        the objects in `refs`. Repeating it changes nothing. It holds up the writers of its partition for a tenth of a second.
        """

    # --- dead letters

    async def publish_dead(self, letter: DeadLetter) -> None: ...

    async def dead_letters(self, limit: int = 100) -> Sequence[tuple[int, DeadLetter]]:
        """The oldest dead letters with their sequences."""

    async def drop_dead(self, seq: int) -> None:
        """Raises NotFound."""
