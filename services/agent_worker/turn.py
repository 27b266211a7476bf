"""Turn: one attempt of a run, as all the namespaces of it share it. The agent-facing side is `run.Run`.

Everything an agent does becomes events here, synchronously, so that a cancelled agent can close what it had open while it
unwinds. What is still open when the run ends is closed by `close_open`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple, Protocol

import msgspec

from schemas import events as ev
from schemas import subjects
from schemas.codec import encode_frame
from schemas.commands import RunCommand
from schemas.errors import AnabranchError, Overloaded, TooLarge
from services.agent_worker.kept import CANCELLED, Ids, Kept
from services.agent_worker.metrics import RunCounts
from services.agent_worker.models.port import Model
from services.agent_worker.patience import patiently
from services.broker.port import Broker
from services.runtime import now_ms

EVENT_BYTES_MAX = 48 * 1024
"""One event, encoded: with the frame's envelope it stays under FRAME_BYTES_MAX. Texts are streamed as deltas instead."""

RESULT_BYTES_MAX = 32 * 1024
"""A tool's result above this is stored in the object store; the event has a preview of PREVIEW_CHARS and the reference."""

PREVIEW_CHARS = 2_000

NOTE_CHARS_MAX = 4_000
"""Longer texts of progress, logs, quotes, descriptions and results of agents are cut: they are for people to glance at."""


class Sink(Protocol):
    """Where events go: a `publisher.LaneWriter`."""

    @property
    def full(self) -> bool: ...

    @property
    def crowded(self) -> bool: ...

    def emit(self, event: ev.AnyEvent, size: int = 1) -> None: ...

    async def room(self) -> None: ...

    async def flush(self) -> None: ...


Decided = Callable[[str], Awaitable["Answer"]]
"""What the log, read anew, says about an interrupt."""


class Answer(NamedTuple):
    """What a person decided; `value` is the choice, the input, or the edited arguments. `expired`: nobody did in time."""

    decision: str
    value: Any = None
    by: str = ""


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often a model call that failed before it said anything is tried again, and how long it waits: `pause_s` at first,
    then twice as long each time, or what the upstream asked for if that is at most `pause_s_max`. Altogether that is 7.5 s: a
    local model that died is back by then.
    """

    tries: int = 5
    pause_s: float = 0.5
    pause_s_max: float = 20.0


class Turn:
    """`versions` counts those of each artifact that this attempt has come to; `answers` are what it waits for."""

    def __init__(
        self,
        command: RunCommand,
        sink: Sink,
        broker: Broker,
        *,
        kept: Kept,
        decided: Decided,
        model: Model | None = None,
        retry: Retry | None = None,
        counts: RunCounts | None = None,
    ) -> None:
        self.command = command
        self.sink = sink
        self.broker = broker
        self.kept = kept
        self._decided = decided
        self.model = model
        self.retry = retry or Retry()
        self.counts = counts or RunCounts()
        self._has_answered = False
        self.ids = Ids(command.ordinal, kept.used_ids)
        self.invocations: Counter[tuple[str, str]] = Counter()
        self.versions: Counter[str] = Counter()
        self.answers: dict[str, asyncio.Future[Answer]] = {}
        self.ended = False
        self._open: dict[tuple[str, str], Callable[[], ev.AnyEvent]] = {}

    # --- events

    def emit(self, event: ev.AnyEvent) -> None:
        """Publish an event, which names its namespace. After the run's end it is dropped: the agent is being stopped.

        Raises:
            TooLarge: encoded it is over EVENT_BYTES_MAX.
        """
        if self.ended:
            return
        if isinstance(event, ev.TEXT_DELTAS):
            self.sink.emit(event)
        else:
            size = check_size(event)
            self._track(event)
            self.sink.emit(event, size)

    def check_crowd(self) -> None:
        """To be called before what is emitted without ever awaiting `room`. Raises Overloaded: too much waits already."""
        if self.sink.crowded:
            raise Overloaded(
                "too much waits to be published: the log does not keep up, or a loop publishes without an await",
                code="too_much_unpublished",
            )

    async def room(self) -> None:
        """To be awaited now and then while much is emitted: holds back the source while the log does not keep up."""
        if self.sink.full:
            await self.sink.room()

    def close_open(self) -> None:
        """Close what agents have left open, the last opened first. (Steps and artifacts have no closing event that would be
        true; the run's end closes them as interrupted.)
        """
        for closing in reversed(list(self._open.values())):
            self.emit(closing())

    def _track(self, event: ev.AnyEvent) -> None:
        ns = event.ns
        match event:
            case ev.MessageStarted(id=id):
                self._answers()
                self._open["item", id] = lambda: ev.MessageEnded(id=id, finish="interrupted", ns=ns)
            case ev.ReasoningStarted(id=id):
                self._open["item", id] = lambda: ev.ReasoningEnded(id=id, ns=ns)
            case ev.ToolStarted(id=id):
                self._open["item", id] = lambda: ev.ToolFailed(id=id, code=CANCELLED, message=BROKEN_OFF, ns=ns)
            case ev.AgentStarted():
                self._open["agent", ns] = lambda: ev.AgentFailed(code=CANCELLED, message=BROKEN_OFF, ns=ns)
            case ev.MessageEnded(id=id) | ev.ReasoningEnded(id=id) | ev.ToolResult(id=id) | ev.ToolFailed(id=id):
                self._open.pop(("item", id), None)
            case ev.AgentFinished() | ev.AgentFailed():
                self._open.pop(("agent", ns), None)

    def _answers(self) -> None:
        """A message begins: for the attempt's first, count how long who sent the question has waited."""
        if not self._has_answered:
            self._has_answered = True
            self.counts.answered_s.observe((now_ms() - self.command.sent) / 1000)

    # --- people

    async def ask(self, request: ev.InterruptRequested, timeout_s: float) -> Answer:
        """Publish a request and wait for its answer. Which of an answer and the expiry was first, the log decides."""
        ns = request.ns
        expires = now_ms() + int(timeout_s * 1000)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.answers[request.id] = answer
        try:
            self.emit(msgspec.structs.replace(request, expires=expires))
            self.emit(ev.RunWaiting(interrupts=list(self.answers), ns=ns))
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            self.emit(ev.InterruptResolved(id=request.id, decision="expired", by="timeout", ns=ns))
            await self.sink.flush()
            return await self._decided(request.id)
        finally:
            del self.answers[request.id]
            if self.answers:  # an answer makes the run a running one; it still waits for the others
                self.emit(ev.RunWaiting(interrupts=list(self.answers), ns=ns))

    def answer(self, event: ev.InterruptResolved) -> None:
        """An answer has come on the `in` lane."""
        waiting = self.answers.get(event.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(Answer(event.decision, event.value, event.by))

    # --- objects

    async def put_object(self, data: bytes) -> str:
        """Store content under the name of its digest, so that a repeat stores the same; returns the name."""
        digest = hashlib.sha256(data).hexdigest()
        name = subjects.object_name(self.command.tenant, self.command.conversation, digest)
        await patiently(lambda: self.broker.put_object(name, data))
        return name

    async def result_of(self, value: Any) -> Any:
        """A tool's result as its event carries it: as it is, or stored and referenced. What only looks like a reference is
        stored as well, so that whatever is recorded as one is ours: a tool cannot name somebody else's object.
        """
        data = msgspec.json.encode(value)
        if len(data) <= RESULT_BYTES_MAX and _reference(value) is None:
            return value
        preview = value if isinstance(value, str) else data.decode()
        return {"ref": await self.put_object(data), "bytes": len(data), "preview": preview[:PREVIEW_CHARS]}

    async def result_from(self, recorded: Any) -> Any:
        """What `result_of` was given."""
        name = _reference(recorded)
        if name is None:
            return recorded
        return msgspec.json.decode(await patiently(lambda: self.broker.get_object(name)))


def _reference(result: Any) -> str | None:
    """The name of the object that a recorded result stands for, if it is one."""
    match result:
        case {"ref": str(name), "bytes": int(), "preview": str()}:
            return name
    return None


BROKEN_OFF = "The run ended before this did."


def check_size(event: ev.AnyEvent) -> int:
    """The bytes of an event, encoded. Raises TooLarge."""
    size = len(encode_frame(event))
    if size > EVENT_BYTES_MAX:
        kind = event.type if isinstance(event, ev.Unknown) else type(event).__struct_config__.tag
        raise TooLarge(f"an event {kind} of {size} bytes; the limit is {EVENT_BYTES_MAX}")
    return size


def note(text: str) -> str:
    """The text, cut to NOTE_CHARS_MAX."""
    return text if len(text) <= NOTE_CHARS_MAX else text[: NOTE_CHARS_MAX - 1] + "…"


def error_of(error: BaseException, what: str) -> tuple[str, str, bool]:
    """(code, message, retryable) of a failure, safe to show: only what we wrote ourselves is quoted, of a foreign
    exception just its kind. A group is as its first error that we raised.
    """
    for leaf in leaves(error):
        if isinstance(leaf, AnabranchError):
            return leaf.code, note(leaf.message), leaf.retryable
    leaf = next(leaves(error))
    return "agent_error", f"{what} failed with {type(leaf).__name__}; the log of the worker has the details.", False


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in a tree of exception groups."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error
