"""The closed union of everything that can happen in a conversation, and the frame that carries it.

One lane (see `schemas.subjects`) is one numbered sequence of events; a frame is the events of a lane that were ready
together, stored atomically as one JetStream message. Adjacent deltas are merged *before* they are numbered.

Evolution: fields are added last and with a default, a type is never reused, and a reader meets a type it does not know as
`Unknown`, carries it through unchanged and ignores it in the fold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from schemas.errors import Invalid
from schemas.subjects import IN_LANE

FRAME_BYTES_MAX = 64 * 1024
"""A frame in the log stays under this, so that a replayed batch has a bound and no publish stalls a connection."""

CONTENT_BYTES_MAX = 256 * 1024
"""Artifact content above this is stored in the object store and referenced."""

Multitask = Literal["enqueue", "reject", "interrupt"]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every event has. Its identity is (lane, n); `ns` and `dt` are given where they differ from the frame's."""

    ns: str = ""
    dt: int = 0


# --- user: on the `in` lane -------------------------------------------------------------------------------------------


class ConversationCreated(Event, frozen=True, tag="conversation.created"):
    title: str = ""


class ConversationRenamed(Event, frozen=True, tag="conversation.renamed"):
    title: str


class ConversationDeleted(Event, frozen=True, tag="conversation.deleted"):
    """The last event of a conversation: no run is active and nothing may be appended. What lies before it is being removed."""


class UserMessage(Event, frozen=True, tag="user.message"):
    """`id` is the client's, or made by the gateway; the frame's `run` is the run that answers it."""

    id: str
    text: str
    agent: str
    multitask: Multitask = "enqueue"


# --- run --------------------------------------------------------------------------------------------------------------


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens of one model. `reasoning` is a part of `output` and `cached` a part of `input`, never an addition."""

    model: str
    input: int = 0
    output: int = 0
    reasoning: int = 0
    cached: int = 0


class Counts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    messages: int = 0
    tool_calls: int = 0
    agents: int = 0
    artifacts: int = 0


class RunQueued(Event, frozen=True, tag="run.queued"):
    """Follows its `user.message` in the same frame. `after` is the run before it in the conversation, if any. `external`: who
    queued it runs it as well (`open_run`), and no worker is to.
    """

    agent: str
    message: str
    after: str = ""
    external: bool = False


class RunStarted(Event, frozen=True, tag="run.started"):
    """The claim: fenced, so that of two workers one wins. An attempt above 1 is a takeover."""

    agent: str
    worker: str = ""
    model: str = ""


class RunWaiting(Event, frozen=True, tag="run.waiting"):
    interrupts: list[str]


class RunRetrying(Event, frozen=True, tag="run.retrying"):
    """`cause`: `worker_lost` or `worker_drained` (a takeover follows), or the code of the error that is tried again after
    `delay_ms`.
    """

    cause: str
    message: str = ""
    delay_ms: int = 0


class RunCancelling(Event, frozen=True, tag="run.cancelling"):
    """On the `in` lane, with the frame's `run` naming the run: the record of a cancel request."""

    by: str = "user"
    reason: str = ""
    superseded_by: str = ""


class RunCompleted(Event, frozen=True, tag="run.completed"):
    usage: list[Usage] = []
    counts: Counts = Counts()
    duration_ms: int = 0


class RunFailed(Event, frozen=True, tag="run.failed"):
    code: str
    message: str
    retryable: bool = False
    hint: str = ""
    usage: list[Usage] = []
    duration_ms: int = 0


class RunCancelled(Event, frozen=True, tag="run.cancelled"):
    by: str = "user"
    reason: str = ""
    usage: list[Usage] = []
    duration_ms: int = 0


class RunSuperseded(Event, frozen=True, tag="run.superseded"):
    by: str
    usage: list[Usage] = []
    duration_ms: int = 0


# --- agent: the namespace is its identity -----------------------------------------------------------------------------


class Cause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What spawned an agent. A page nests on this edge."""

    kind: Literal["tool", "handoff", "code"]
    id: str = ""


class AgentStarted(Event, frozen=True, tag="agent.started"):
    name: str
    description: str = ""
    parent: str = ""
    cause: Cause | None = None


class AgentFinished(Event, frozen=True, tag="agent.finished"):
    result: str = ""


class AgentFailed(Event, frozen=True, tag="agent.failed"):
    code: str
    message: str


# --- step and plan ----------------------------------------------------------------------------------------------------


class StepStarted(Event, frozen=True, tag="step.started"):
    id: str
    name: str


class StepFinished(Event, frozen=True, tag="step.finished"):
    id: str


class PlanItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    text: str
    status: Literal["pending", "active", "done", "dropped"] = "pending"


class PlanUpdated(Event, frozen=True, tag="plan.updated"):
    id: str
    items: list[PlanItem]


# --- text: a delta carries `at`, the number of characters (Unicode code points) before it -----------------------------


class MessageStarted(Event, frozen=True, tag="message.started"):
    id: str
    model: str = ""


class MessageDelta(Event, frozen=True, tag="message.delta"):
    id: str
    at: int
    text: str


class MessageEnded(Event, frozen=True, tag="message.ended"):
    """`finish`: `stop`, `length`, `tool_calls`, `content_filter`, or `interrupted` when what produced it broke off."""

    id: str
    finish: str = "stop"


class ReasoningStarted(Event, frozen=True, tag="reasoning.started"):
    id: str
    summary: bool = False


class ReasoningDelta(Event, frozen=True, tag="reasoning.delta"):
    id: str
    at: int
    text: str


class ReasoningEnded(Event, frozen=True, tag="reasoning.ended"):
    id: str


# --- tool -------------------------------------------------------------------------------------------------------------


class ToolStarted(Event, frozen=True, tag="tool.started"):
    """`message` is the message that asked for it, if one did."""

    id: str
    name: str
    title: str = ""
    message: str = ""


class ToolArgsDelta(Event, frozen=True, tag="tool.args.delta"):
    id: str
    at: int
    text: str


class ToolArgs(Event, frozen=True, tag="tool.args"):
    """The arguments, whole: closes what `tool.args.delta` streamed."""

    id: str
    args: dict[str, Any]


class ToolProgress(Event, frozen=True, tag="tool.progress"):
    id: str
    step: str = ""
    percent: int = 0
    text: str = ""


class ToolResult(Event, frozen=True, tag="tool.result"):
    id: str
    result: Any = None


class ToolFailed(Event, frozen=True, tag="tool.failed"):
    id: str
    code: str
    message: str
    retryable: bool = False


# --- people -----------------------------------------------------------------------------------------------------------


class InterruptRequested(Event, frozen=True, tag="interrupt.requested"):
    """`kind`: `approval` (of `tool` with `args`, which may be edited), `choice` (of `options`) or `input`."""

    id: str
    kind: Literal["approval", "choice", "input"]
    prompt: str
    tool: str = ""
    args: dict[str, Any] = {}
    options: list[str] = []
    expires: int = 0


class InterruptResolved(Event, frozen=True, tag="interrupt.resolved"):
    """On the `in` lane when a person answers; on the run's lane, with decision `expired`, when nobody did."""

    id: str
    decision: Literal["approved", "denied", "answered", "expired"]
    value: Any = None
    by: str = "user"


# --- artifact ---------------------------------------------------------------------------------------------------------


class ArtifactCreated(Event, frozen=True, tag="artifact.created"):
    """Opens version `version` of an artifact; a second version has the same id. `kind`: table, chart, report, code, …"""

    id: str
    kind: str
    name: str
    media_type: str
    version: int = 1
    message: str = ""


class ArtifactDelta(Event, frozen=True, tag="artifact.delta"):
    id: str
    at: int
    text: str


class ArtifactFinal(Event, frozen=True, tag="artifact.final"):
    """`digest` is the SHA-256 in hex and `size` the bytes of the content, which is either the deltas' text (neither
    `content` nor `ref`), `content`, or under the name `ref` in the object store.
    """

    id: str
    version: int
    digest: str
    size: int
    content: str | None = None
    ref: str = ""


# --- other ------------------------------------------------------------------------------------------------------------


class SourceAdded(Event, frozen=True, tag="source.added"):
    id: str
    url: str
    title: str = ""
    quote: str = ""
    message: str = ""


class UsageUpdated(Event, frozen=True, tag="usage.updated"):
    """What one model call used: an increment."""

    usage: Usage


class StateSnapshot(Event, frozen=True, tag="state.snapshot"):
    state: Any


class StateDelta(Event, frozen=True, tag="state.delta"):
    """`patch`: RFC 6902 operations on the state of this namespace."""

    patch: list[dict[str, Any]]


class Log(Event, frozen=True, tag="log"):
    id: str
    level: Literal["debug", "info", "warning", "error"]
    text: str


KnownEvent = (
    ConversationCreated
    | ConversationRenamed
    | ConversationDeleted
    | UserMessage
    | RunQueued
    | RunStarted
    | RunWaiting
    | RunRetrying
    | RunCancelling
    | RunCompleted
    | RunFailed
    | RunCancelled
    | RunSuperseded
    | AgentStarted
    | AgentFinished
    | AgentFailed
    | StepStarted
    | StepFinished
    | PlanUpdated
    | MessageStarted
    | MessageDelta
    | MessageEnded
    | ReasoningStarted
    | ReasoningDelta
    | ReasoningEnded
    | ToolStarted
    | ToolArgsDelta
    | ToolArgs
    | ToolProgress
    | ToolResult
    | ToolFailed
    | InterruptRequested
    | InterruptResolved
    | ArtifactCreated
    | ArtifactDelta
    | ArtifactFinal
    | SourceAdded
    | UsageUpdated
    | StateSnapshot
    | StateDelta
    | Log
)

TextDelta = MessageDelta | ReasoningDelta | ToolArgsDelta | ArtifactDelta
TEXT_DELTAS = (MessageDelta, ReasoningDelta, ToolArgsDelta, ArtifactDelta)

RunEnd = RunCompleted | RunFailed | RunCancelled | RunSuperseded
RUN_ENDS = (RunCompleted, RunFailed, RunCancelled, RunSuperseded)


class Unknown:
    """An event of a type this reader does not know, kept as the JSON it came as."""

    __slots__ = ("dt", "ns", "raw", "type")

    def __init__(self, raw: bytes) -> None:
        fields = msgspec.json.decode(raw)
        if not isinstance(fields, dict) or not isinstance(fields.get("type"), str):
            raise Invalid("an event has no type", code="invalid_event")
        self.raw = raw
        self.type: str = fields["type"]
        self.ns = str(fields.get("ns", ""))
        self.dt = int(fields.get("dt", 0))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown) and msgspec.json.decode(self.raw) == msgspec.json.decode(other.raw)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Unknown({self.raw!r})"


AnyEvent = KnownEvent | Unknown

if TYPE_CHECKING:
    Events = list[AnyEvent]
else:
    Events = list[KnownEvent]  # what msgspec decodes into; `schemas.codec` puts the Unknown in by hand


class Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Consecutive events of one lane, stored together.

    `n` is the number of the first event; events are numbered densely from 1 per lane over all attempts, which is the proof
    that nothing is missing. `count` is how many numbers the frame stands for where that is not `len(events)`: deltas merged
    after numbering (a viewer that lags) or events left out by a filter. `seq` is the frame's stream sequence; the log itself
    cannot contain it, readers fill it in. `ts` is in ms since the Unix epoch; no reader trusts it for order.
    """

    run: str
    n: int
    ts: int
    ns: str = "main"
    attempt: int = 1
    lane: str = ""
    seq: int = 0
    count: int = 0
    v: int = 1
    events: Events

    @property
    def last(self) -> int:
        """The number of the last event that the frame stands for."""
        return self.n + (self.count or len(self.events)) - 1

    @property
    def in_lane(self) -> str:
        """The name of the frame's lane: its run, unless it says otherwise."""
        return self.lane or self.run

    @property
    def is_input(self) -> bool:
        return self.lane == IN_LANE
