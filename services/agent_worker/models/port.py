"""The model port: one request in, a stream of events out, whatever the upstream speaks.

A stream is zero or more deltas and exactly one `Finished` at its end; a stream that cannot end so raises a `ModelError`.
Text and reasoning deltas are never empty. Every tool call is `ToolCallStarted`, its `ToolArgsDelta`s, `ToolCallDone`, in
this order and before `Finished`; several calls may overlap. Nobody above this port sees a difference between upstreams.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Literal, Protocol

import msgspec

from schemas.errors import AnabranchError
from schemas.events import Usage

Finish = Literal["stop", "length", "tool_calls", "content_filter"]

# --- what a model says ------------------------------------------------------------------------------------------------


class TextDelta(msgspec.Struct, frozen=True):
    text: str


class ReasoningDelta(msgspec.Struct, frozen=True):
    """`summary`: it is the model's summary of its reasoning, not the reasoning itself."""

    text: str
    summary: bool = False


class ToolCallStarted(msgspec.Struct, frozen=True):
    """`call` is the upstream's id of the call, or one made up here: unique within the stream, never empty."""

    call: str
    name: str


class ToolArgsDelta(msgspec.Struct, frozen=True):
    call: str
    text: str


class ToolCallDone(msgspec.Struct, frozen=True):
    """`args` is None, and `error` says why in words a model can act on, when they are no JSON object."""

    call: str
    name: str
    args: dict[str, Any] | None
    error: str = ""


class Finished(msgspec.Struct, frozen=True):
    """`finish` is `tool_calls` exactly when the stream had one. `carry` goes into the next request's `AssistantMessage`
    unread: what this upstream wants to see again with its calls (encrypted reasoning). Losing it is allowed.
    """

    finish: Finish
    usage: Usage
    carry: tuple[dict[str, Any], ...] = ()


ModelEvent = TextDelta | ReasoningDelta | ToolCallStarted | ToolArgsDelta | ToolCallDone | Finished

# --- what it is asked -------------------------------------------------------------------------------------------------


class SystemMessage(msgspec.Struct, frozen=True):
    text: str


class UserMessage(msgspec.Struct, frozen=True):
    text: str


class ToolCall(msgspec.Struct, frozen=True):
    """A call that the model made earlier. `args` is the JSON text of the arguments."""

    call: str
    name: str
    args: str


class AssistantMessage(msgspec.Struct, frozen=True):
    text: str
    calls: tuple[ToolCall, ...] = ()
    carry: tuple[dict[str, Any], ...] = ()


class ToolMessage(msgspec.Struct, frozen=True):
    """The result of `call`, or its error, as text."""

    call: str
    text: str


ModelMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage


class ToolSpec(msgspec.Struct, frozen=True):
    """`schema` is a JSON Schema of type object."""

    name: str
    description: str
    schema: dict[str, Any]


class ModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`max_tokens` bounds the output, reasoning included; 0 leaves it to the upstream."""

    messages: tuple[ModelMessage, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_tokens: int = 0


class Model(Protocol):
    """`name` goes into messages and usage. `chooses_tools`: it can be trusted to decide which tool to call, and when.
    `context_tokens` is how much it can hold, question and answer together.
    """

    name: str
    chooses_tools: bool
    context_tokens: int

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Ask. Closing the generator cancels the upstream call. Raises ModelError, before or between events."""
        ...

    async def close(self) -> None:
        """Let go of connections; streams that still run break off."""
        ...


# --- what goes wrong --------------------------------------------------------------------------------------------------


class ModelError(AnabranchError):
    """The upstream failed in a way that has no name of its own below."""

    code = "model_failed"
    http_status = 502


class RateLimited(ModelError):
    """`retry_after_s` is what the upstream asked for, 0 if it did not say."""

    code = "model_rate_limited"
    retryable = True
    http_status = 429

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ContextTooLong(ModelError):
    """The request does not fit the model's context window; a shorter one may."""

    code = "model_context_too_long"


class Unauthorized(ModelError):
    """The upstream refuses our key, or our key this model."""

    code = "model_unauthorized"


class Rejected(ModelError):
    """The upstream refuses the request as it is: an unknown model, a parameter or a schema it does not take."""

    code = "model_rejected"


class UpstreamFailed(ModelError):
    """5xx, an error inside the stream, or bytes that are not the protocol."""

    code = "model_upstream_failed"
    retryable = True


class UpstreamTimeout(ModelError):
    code = "model_timeout"
    retryable = True


class Disconnected(ModelError):
    """No connection, or it was cut before the stream's end."""

    code = "model_disconnected"
    retryable = True
