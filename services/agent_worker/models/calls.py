"""Tool calls as they stream in: fragments of JSON that become arguments, or a reason why they did not."""

from __future__ import annotations

from typing import Any

import msgspec

from services.agent_worker.models.port import ModelEvent, ToolArgsDelta, ToolCallDone, ToolCallStarted
from services.agent_worker.models.text_split import WholeCharacters


class CallStream:
    """One call. It is announced when its name is known; argument text that comes before waits for it."""

    def __init__(self, call: str, upstream_id: str = "") -> None:
        self.call = call
        self.upstream_id = upstream_id
        self.name = ""
        self.text = ""
        self._characters = WholeCharacters()

    def feed(self, name: str, text: str) -> list[ModelEvent]:
        """A fragment. A repeated name is not another name."""
        text = self._characters.feed(text)
        events: list[ModelEvent] = []
        if name and not self.name:
            self.name = name
            events.append(ToolCallStarted(self.call, name))
            text, self.text = self.text + text, ""
        self.text += text
        if self.name and text:
            events.append(ToolArgsDelta(self.call, text))
        return events

    @property
    def whole(self) -> bool:
        """The text so far is a JSON object: another fragment can only belong to another call."""
        return bool(self.text) and parse_args(self.text)[0] is not None

    def done(self, *, cut: bool = False) -> list[ModelEvent]:
        """The end. `cut`: the output limit was reached, which is then the reason for arguments that break off."""
        args, error = parse_args(self.text)
        if error and cut:
            error = "the output limit was reached before the arguments were complete: use shorter ones"
        if self.name:
            return [ToolCallDone(self.call, self.name, args, error)]
        return [
            ToolCallStarted(self.call, "unnamed"),
            ToolCallDone(self.call, "unnamed", None, "the call names no tool"),
        ]


def parse_args(text: str) -> tuple[dict[str, Any] | None, str]:
    """The arguments, or None and why not. No text at all is a call without arguments."""
    if not text.strip():
        return {}, ""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return None, f"the arguments are not JSON: {error}"
    if not isinstance(value, dict):
        return None, f"the arguments are {type(value).__name__}, not a JSON object"
    return value, ""
