"""The Responses API, normalised: its events in, the events of the port out. Pure.

Identity is the item's id, or its place where an upstream gives no id; numbering (`output_index`, `sequence_number`) is not
relied upon, because llama.cpp sends none.
"""

from __future__ import annotations

from typing import Any

from schemas.events import Usage
from services.agent_worker.models.calls import CallStream
from services.agent_worker.models.failures import failure
from services.agent_worker.models.port import (
    Disconnected,
    Finish,
    Finished,
    ModelEvent,
    ReasoningDelta,
    TextDelta,
    UpstreamFailed,
)
from services.agent_worker.models.text_split import WholeCharacters

INCOMPLETE: dict[str, Finish] = {"max_output_tokens": "length", "content_filter": "content_filter"}
PARAGRAPH = "\n\n"
"""Between two messages, or two parts of a summary, that the port shows as one text."""


class ResponsesStream:
    """`call_prefix` makes the ids of calls to which the upstream gives none; it differs from turn to turn."""

    def __init__(self, model: str, call_prefix: str) -> None:
        self._model = model
        self._call_prefix = call_prefix
        self._text = _Parts()
        self._thought = _Parts()
        self._calls: dict[str, CallStream] = {}
        self._done: set[str] = set()
        self._carry: list[dict[str, Any]] = []
        self._finished: Finished | None = None

    def feed(self, event: dict[str, Any]) -> list[ModelEvent]:
        """One event, as the JSON it came as. What it does not know it passes over.

        Raises:
            ModelError: the upstream says that it failed.
        """
        match event.get("type"):
            case "response.output_text.delta" | "response.refusal.delta":
                return self._said(event, event.get("delta"))
            case "response.output_text.done" if not self._text.has(_place(event)):
                return self._said(event, event.get("text"))
            case "response.reasoning_text.delta":
                return self._reasoned(event, "content_index", summary=False)
            case "response.reasoning_summary_text.delta":
                return self._reasoned(event, "summary_index", summary=True)
            case "response.output_item.added":
                return self._item_added(event.get("item") or {}, event)
            case "response.function_call_arguments.delta":
                call = self._calls.get(_key(event, event.get("item_id")))
                return call.feed("", event.get("delta") or "") if call else []
            case "response.output_item.done":
                return self._item_done(event.get("item") or {}, event)
            case "response.completed" | "response.incomplete":
                return self._ended(event.get("response") or {})
            case "response.failed":
                problem = (event.get("response") or {}).get("error") or {}
                raise failure(problem.get("code") or "", problem.get("message") or "the response failed")
            case "error":
                raise failure(event.get("code") or "", event.get("message") or "the stream failed")
        return []

    def finish(self) -> list[ModelEvent]:
        """The upstream's stream is over. Raises Disconnected if it was cut before its last event."""
        if self._finished is None:
            raise Disconnected(f"{self._model}: the stream broke off")
        return [self._finished]

    def _said(self, event: dict[str, Any], text: str | None) -> list[ModelEvent]:
        said = self._text.feed(_place(event), text or "")
        return [TextDelta(said)] if said else []

    def _reasoned(self, event: dict[str, Any], index: str, *, summary: bool) -> list[ModelEvent]:
        text = self._thought.feed((event.get("item_id"), event.get(index)), event.get("delta") or "")
        return [ReasoningDelta(text, summary)] if text else []

    def _item_added(self, item: dict[str, Any], event: dict[str, Any]) -> list[ModelEvent]:
        if item.get("type") != "function_call":
            return []
        call = CallStream(item.get("call_id") or f"{self._call_prefix}{len(self._calls) + 1}")
        self._calls[_key(event, item.get("id"))] = call
        return call.feed(item.get("name") or "", item.get("arguments") or "")

    def _item_done(self, item: dict[str, Any], event: dict[str, Any]) -> list[ModelEvent]:
        if item.get("type") == "reasoning" and item.get("encrypted_content"):
            self._carry.append(
                {key: item[key] for key in ("type", "id", "summary", "encrypted_content") if key in item}
            )
        if item.get("type") != "function_call":
            return []
        key = _key(event, item.get("id"))
        events = [] if key in self._calls else self._item_added(item, event)
        if key in self._done:
            return events
        self._done.add(key)
        call, whole = self._calls[key], item.get("arguments") or ""
        if whole.startswith(call.text):
            events += call.feed("", whole[len(call.text) :])
        return [*events, *call.done(cut=item.get("status") == "incomplete")]

    def _ended(self, response: dict[str, Any]) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        reason = (response.get("incomplete_details") or {}).get("reason")
        for key, call in self._calls.items():
            if key not in self._done:
                events += call.done(cut=reason == "max_output_tokens")
        finish: Finish = "stop"
        if response.get("status") == "incomplete":
            finish = INCOMPLETE.get(reason or "", "length")
        if response.get("status") in {"failed", "cancelled"}:
            raise UpstreamFailed(f"{self._model}: the response was {response['status']}")
        finish = "tool_calls" if self._calls else finish
        self._finished = Finished(finish, _usage(self._model, response.get("usage") or {}), tuple(self._carry))
        return events


class _Parts:
    """Several texts shown as one: a new part starts a new paragraph."""

    def __init__(self) -> None:
        self._characters = WholeCharacters()
        self._seen: set[Any] = set()
        self._last: Any = None

    def has(self, place: Any) -> bool:
        return place in self._seen

    def feed(self, place: Any, text: str) -> str:
        text = self._characters.feed(text)
        if not text:
            return ""
        between = PARAGRAPH if self._seen and place != self._last else ""
        self._seen.add(place)
        self._last = place
        return between + text


def _place(event: dict[str, Any]) -> tuple[Any, Any]:
    return event.get("item_id"), event.get("content_index")


def _key(event: dict[str, Any], item_id: str | None) -> str:
    return item_id or f"at {event.get('output_index')}"


def _usage(model: str, usage: dict[str, Any]) -> Usage:
    return Usage(
        model=model,
        input=usage.get("input_tokens") or 0,
        output=usage.get("output_tokens") or 0,
        reasoning=(usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0,
        cached=(usage.get("input_tokens_details") or {}).get("cached_tokens") or 0,
    )
