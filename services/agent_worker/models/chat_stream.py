"""Chat completions, normalised: the chunks of any upstream in, the events of the port out. Pure.

OpenAI, vLLM, SGLang, Ollama, LMDeploy, llama.cpp and the proxies in front of them speak dialects of one protocol. What they
do differently has a test each in tests/agent_worker/models/test_chat_stream.py, whose name says what it is.
"""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.events import Usage
from services.agent_worker.models.calls import CallStream
from services.agent_worker.models.port import Disconnected, Finish, Finished, ModelEvent, ReasoningDelta, TextDelta
from services.agent_worker.models.text_split import Piece, ThinkSplitter, WholeCharacters

FINISHES: dict[str, Finish] = {
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
"""Everything else (`stop`, `eos`, `end_turn`, `tool_calls`, …) is a stop; whether tools were called, the calls say."""


class ChatStream:
    """`call_prefix` makes the ids of calls to which the upstream gives none; it differs from turn to turn."""

    def __init__(self, model: str, call_prefix: str) -> None:
        self._model = model
        self._call_prefix = call_prefix
        self._splitter = ThinkSplitter()
        self._text = WholeCharacters()
        self._thought = WholeCharacters()
        self._calls: list[CallStream] = []
        self._by_index: dict[int, CallStream] = {}
        self._usage = Usage(model=model)
        self._finish = ""

    def feed(self, chunk: dict[str, Any]) -> list[ModelEvent]:
        """One chunk, as the JSON it came as."""
        if usage := chunk.get("usage"):
            self._usage = _usage(self._model, usage)
        choice = next(iter(chunk.get("choices") or ()), None)
        if not choice:
            return []
        self._finish = choice.get("finish_reason") or self._finish
        delta = choice.get("delta") or {}
        events: list[ModelEvent] = []
        # Both names at once carry the same text twice (vLLM between two versions).
        if thought := self._thought.feed(delta.get("reasoning_content") or delta.get("reasoning") or ""):
            events.append(ReasoningDelta(thought))
        events += _events(self._splitter.feed(self._text.feed(delta.get("content") or delta.get("refusal") or "")))
        for fragment in delta.get("tool_calls") or ():
            events += self._feed_call(fragment)
        return events

    def finish(self) -> list[ModelEvent]:
        """The upstream's stream is over.

        Raises:
            Disconnected: it never said why it ended: it was cut.
        """
        if not self._finish:
            raise Disconnected(f"{self._model}: the stream broke off")
        events = _events(self._splitter.flush())
        finish = FINISHES.get(self._finish, "stop")
        for call in self._calls:
            events += call.done(cut=finish == "length")
        return [*events, Finished("tool_calls" if self._calls else finish, self._usage)]

    def _feed_call(self, fragment: dict[str, Any]) -> list[ModelEvent]:
        function = fragment.get("function") or {}
        name = function.get("name") or ""
        args = function.get("arguments") or ""
        text = args if isinstance(args, str) else msgspec.json.encode(args).decode()
        call = self._call_of(fragment.get("index"), fragment.get("id") or "", name)
        return call.feed(name, text)

    def _call_of(self, index: int | None, upstream_id: str, name: str) -> CallStream:
        """The call that a fragment belongs to, by index where there is a true one, else by id, else by sense."""
        known = self._by_index.get(index) if index is not None else None
        if known is None and index is None:
            known = self._without_index(upstream_id, name)
        if known is None or _begins_another(known, upstream_id, name):
            known = self._opened(upstream_id)
            if index is not None:
                self._by_index[index] = known
        return known

    def _without_index(self, upstream_id: str, name: str) -> CallStream | None:
        if upstream_id:
            same = next((call for call in self._calls if call.upstream_id == upstream_id), None)
            if same is not None or name:
                return same
        return self._calls[-1] if self._calls else None

    def _opened(self, upstream_id: str) -> CallStream:
        taken = {call.call for call in self._calls}
        fresh = (
            upstream_id if upstream_id and upstream_id not in taken else f"{self._call_prefix}{len(self._calls) + 1}"
        )
        call = CallStream(fresh, upstream_id)
        self._calls.append(call)
        return call


def _begins_another(known: CallStream, upstream_id: str, name: str) -> bool:
    """A fragment with an index that is taken begins another call where it has a name and either another id or, without
    ids, nothing left to add: some upstreams number every call 0, some send an empty id or the name again and again.
    """
    if not name or not known.name:
        return False
    if upstream_id and known.upstream_id:
        return upstream_id != known.upstream_id
    return known.whole


def _events(pieces: list[Piece]) -> list[ModelEvent]:
    return [TextDelta(text) if kind == "text" else ReasoningDelta(text) for kind, text in pieces]


def _usage(model: str, usage: dict[str, Any]) -> Usage:
    return Usage(
        model=model,
        input=usage.get("prompt_tokens") or 0,
        output=usage.get("completion_tokens") or 0,
        reasoning=(usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0,
        cached=(usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
    )
