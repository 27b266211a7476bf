"""Transcript: what a conversation *is* at a cursor. Everything that shows, stores or checks one uses these shapes.

Items stand in the chronological order of the log (the order in which they were opened) and have one shape, live and
historical. The structs are mutable because the fold works in place; whoever receives a transcript from
`Fold.snapshot` owns a copy.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from schemas.errors import ErrorBody
from schemas.events import Cause, Counts, PlanItem, Usage

ItemStatus = Literal["open", "done", "failed", "interrupted"]
"""`open`: still being written. `interrupted`: what wrote it broke off, and it was closed as it stood."""

RunStatus = Literal["queued", "running", "waiting", "cancelling", "completed", "failed", "cancelled", "superseded"]
ENDED: frozenset[str] = frozenset({"completed", "failed", "cancelled", "superseded"})


class Item(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="type"):
    """`id` is unique in the conversation. `seq` is the stream sequence of the frame that opened the item; `started` and
    `ended` are in ms since the epoch, `ended` 0 while it is open.
    """

    id: str
    run: str
    ns: str = "main"
    seq: int = 0
    started: int = 0
    ended: int = 0
    status: ItemStatus = "open"


class Message(Item, kw_only=True, omit_defaults=True, tag="message"):
    """`artifacts` are the ids of those made as part of this message."""

    role: Literal["user", "assistant"]
    content: str = ""
    model: str = ""
    finish: str = ""
    artifacts: list[str] = []


class Reasoning(Item, kw_only=True, omit_defaults=True, tag="reasoning"):
    content: str = ""
    summary: bool = False


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    step: str = ""
    percent: int = 0
    text: str = ""


class ToolCall(Item, kw_only=True, omit_defaults=True, tag="tool"):
    """`args_text` is what has streamed of the arguments; empty once `args` is known."""

    name: str
    title: str = ""
    message: str = ""
    args_text: str = ""
    args: dict[str, Any] | None = None
    progress: Progress | None = None
    result: Any = None
    error: ErrorBody | None = None


class Agent(Item, kw_only=True, omit_defaults=True, tag="agent"):
    """Its `ns` is its identity: one item per run and namespace. `id` is `run/ns`, `parent` the namespace above."""

    name: str
    description: str = ""
    parent: str = ""
    cause: Cause | None = None
    result: str = ""
    error: ErrorBody | None = None


class Step(Item, kw_only=True, omit_defaults=True, tag="step"):
    name: str


class Plan(Item, kw_only=True, omit_defaults=True, tag="plan"):
    items: list[PlanItem]


class ArtifactVersion(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`content` is the text, also while it grows; None when the bytes are under `ref` in the object store."""

    version: int
    status: Literal["intermediate", "final"] = "intermediate"
    content: str | None = ""
    digest: str = ""
    size: int = 0
    ref: str = ""


class Artifact(Item, kw_only=True, omit_defaults=True, tag="artifact"):
    kind: str
    name: str
    media_type: str
    message: str = ""
    versions: list[ArtifactVersion]


class Interrupt(Item, kw_only=True, omit_defaults=True, tag="interrupt"):
    """`decision` is empty while it waits for an answer."""

    kind: Literal["approval", "choice", "input"]
    prompt: str
    tool: str = ""
    args: dict[str, Any] = {}
    options: list[str] = []
    expires: int = 0
    decision: str = ""
    value: Any = None
    by: str = ""


class Source(Item, kw_only=True, omit_defaults=True, tag="source"):
    url: str
    title: str = ""
    quote: str = ""
    message: str = ""


class LogEntry(Item, kw_only=True, omit_defaults=True, tag="log"):
    level: str
    text: str


class State(Item, kw_only=True, omit_defaults=True, tag="state"):
    """The shared state of one namespace of a run, kept current by `state.snapshot` and `state.delta`."""

    value: Any = None


AnyItem = Message | Reasoning | ToolCall | Agent | Step | Plan | Artifact | Interrupt | Source | LogEntry | State


class RunState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A run as viewers see it. `last` is the number of its lane's last event, `seq` and `end_seq` the stream sequences
    of its `user.message` and of its last event; `after` is the run before it; `message` the user message it answers.
    """

    id: str
    agent: str
    status: RunStatus = "queued"
    message: str = ""
    after: str = ""
    attempt: int = 0
    last: int = 0
    seq: int = 0
    end_seq: int = 0
    queued: int = 0
    started: int = 0
    ended: int = 0
    model: str = ""
    retrying: str = ""
    usage: list[Usage] = []
    counts: Counts = Counts()
    error: ErrorBody | None = None
    by: str = ""

    @property
    def over(self) -> bool:
        return self.status in ENDED

    @property
    def taken_back(self) -> bool:
        """Cancelled before any agent had read its message: later runs do not hear of it either."""
        return self.status == "cancelled" and not self.started


class Transcript(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`input_last` is the number of the last event on the `in` lane; `created` in ms, 0 if that has left the log."""

    conversation: str
    title: str = ""
    created: int = 0
    input_last: int = 0
    runs: list[RunState] = []
    items: list[AnyItem] = []
