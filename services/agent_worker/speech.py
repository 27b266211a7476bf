"""Speech: what a model says, as events. Pure: fed with the model port's events, it emits ours into a sink.

One call of a model is one message, which also stands where the model only asks for tools: they refer to it, and after a
takeover it is what says that this call was made. Spans of reasoning come before and between as items of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from schemas import events as ev
from services.agent_worker.kept import CANCELLED, Ids
from services.agent_worker.models import port

ARGUMENTS = "tool_arguments"
"""The code of a tool call whose arguments were no JSON object, or did not fit."""

Emit = Callable[[ev.AnyEvent], None]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that a model asked for; `run.call` performs it. `call` is the upstream's id, which the result must name;
    `id` is ours. `args` is None, with `error`, when what the model wrote is no JSON object. `kept`: an earlier attempt
    published the request.
    """

    call: str
    id: str
    name: str
    args: dict[str, Any] | None
    error: str = ""
    message: str = ""
    kept: bool = False


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one `say`. `id` is the message's."""

    id: str
    text: str
    finish: str
    calls: tuple[Asked, ...] = ()
    carry: tuple[dict[str, Any], ...] = ()

    @property
    def message(self) -> port.AssistantMessage:
        """It, as the next request to the model repeats it."""
        calls = tuple(
            port.ToolCall(asked.call, asked.name, msgspec.json.encode(asked.args or {}).decode())
            for asked in self.calls
        )
        return port.AssistantMessage(self.text, calls, self.carry)


class _Call:
    __slots__ = ("asked", "chars", "id", "name")

    def __init__(self, item_id: str, name: str) -> None:
        self.id = item_id
        self.name = name
        self.chars = 0
        self.asked: Asked | None = None


class Speech:
    """One message in the making, in namespace `ns`. `reasoned`: how many spans of reasoning a lost worker has published for
    this very message; so many are passed over now.
    """

    def __init__(self, emit: Emit, ids: Ids, ns: str, model: str, *, reasoned: int = 0) -> None:
        self._emit = emit
        self._ids = ids
        self._ns = ns
        self._model = model
        self._message = ""
        self._chunks: list[str] = []
        self._chars = 0
        self._reasoning = ""
        self._reasoning_chars = 0
        self._summary = False
        self._passed_over = False
        self._reasoned = reasoned
        self._calls: dict[str, _Call] = {}
        self.begun = False
        """Whether anything of it has been published: if not, the call can be repeated unseen."""
        self.said: Said | None = None
        """Set once the model has finished."""

    def feed(self, event: port.ModelEvent) -> None:
        match event:
            case port.TextDelta():
                self._text(event.text)
            case port.ReasoningDelta():
                self._reason(event)
            case port.ToolCallStarted():
                self._call(event)
            case port.ToolArgsDelta():
                call = self._calls[event.call]
                self._emit(ev.ToolArgsDelta(id=call.id, at=call.chars, text=event.text, ns=self._ns))
                call.chars += len(event.text)
            case port.ToolCallDone():
                self._call_done(event)
            case port.Finished():
                self._finish(event)

    def break_off(self) -> None:
        """The stream ended before it was finished: close what is open."""
        self._end_reasoning()
        if self.said is not None:
            return
        if self._message:
            self._emit(ev.MessageEnded(id=self._message, finish="interrupted", ns=self._ns))
        for call in self._calls.values():
            self._emit(ev.ToolFailed(id=call.id, code=CANCELLED, message="The model broke off.", ns=self._ns))

    # --- one kind each

    def _open(self) -> None:
        self._end_reasoning()
        if not self._message:
            self.begun = True
            self._message = self._ids.next("m")
            self._emit(ev.MessageStarted(id=self._message, model=self._model, ns=self._ns))

    def _text(self, text: str) -> None:
        if self._reasoning or self._passed_over or not self._message:
            self._open()
        self._emit(ev.MessageDelta(id=self._message, at=self._chars, text=text, ns=self._ns))
        self._chars += len(text)
        self._chunks.append(text)

    def _reason(self, event: port.ReasoningDelta) -> None:
        if (self._reasoning or self._passed_over) and self._summary != event.summary:
            self._end_reasoning()
        if self._reasoned and not self._reasoning:
            self._passed_over = True
            self._summary = event.summary
            return
        if not self._reasoning:
            self.begun = True
            self._reasoning = self._ids.next("r")
            self._reasoning_chars = 0
            self._summary = event.summary
            self._emit(ev.ReasoningStarted(id=self._reasoning, summary=event.summary, ns=self._ns))
        self._emit(ev.ReasoningDelta(id=self._reasoning, at=self._reasoning_chars, text=event.text, ns=self._ns))
        self._reasoning_chars += len(event.text)

    def _end_reasoning(self) -> None:
        if self._passed_over:
            self._passed_over = False
            self._reasoned -= 1
        if self._reasoning:
            self._emit(ev.ReasoningEnded(id=self._reasoning, ns=self._ns))
            self._reasoning = ""

    def _call(self, event: port.ToolCallStarted) -> None:
        self._open()
        call = self._calls[event.call] = _Call(self._ids.next("t"), event.name)
        self._emit(ev.ToolStarted(id=call.id, name=event.name, message=self._message, ns=self._ns))

    def _call_done(self, event: port.ToolCallDone) -> None:
        call = self._calls[event.call]
        call.asked = Asked(
            call=event.call, id=call.id, name=event.name, args=event.args, error=event.error, message=self._message
        )
        if event.args is not None:
            self._emit(ev.ToolArgs(id=call.id, args=event.args, ns=self._ns))

    def _finish(self, event: port.Finished) -> None:
        self._open()
        self._emit(ev.MessageEnded(id=self._message, finish=event.finish, ns=self._ns))
        if event.usage.model:
            self._emit(ev.UsageUpdated(usage=event.usage, ns=self._ns))
        calls = tuple(call.asked for call in self._calls.values() if call.asked is not None)
        for asked in calls:  # not before the message has ended: if it is torn, nothing of it may stay
            if asked.args is None:
                self._emit(ev.ToolFailed(id=asked.id, code=ARGUMENTS, message=asked.error, ns=self._ns))
        self.said = Said(
            id=self._message, text="".join(self._chunks), finish=event.finish, calls=calls, carry=event.carry
        )
