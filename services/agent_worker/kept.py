"""What earlier attempts of a run finished. Pure.

After a takeover the agent's code runs again from the top, and the run context *returns* what is here instead of doing it
again: in each namespace and kind in the order it was done. An agent that does the same things in the same order (code that
decides by what models and tools said does) continues where the lost worker was; where it does something else, that is done.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from schemas import events as ev
from schemas.ids import item_id
from schemas.transcript import Agent, AnyItem, Artifact, Interrupt, LogEntry, Message, Plan, Source, Step, ToolCall

I = TypeVar("I", bound=AnyItem)  # noqa: E741 -- an item

_ITEM_ID = re.compile(r"^([a-z]+)\d+-(\d+)\Z")

CANCELLED = "cancelled"
"""The code of tool calls and agents that were broken off: not a result, so not kept."""


class Ids:
    """Makes the ids of one run, each kind counted on its own, above every id that earlier attempts used."""

    def __init__(self, ordinal: int, used: Mapping[str, int] | None = None) -> None:
        self._ordinal = ordinal
        self._counts = dict(used or {})

    def next(self, kind: str) -> str:
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        return item_id(self._ordinal, kind, count)


class KeptCall(NamedTuple):
    """A tool call that a kept message asked for. `args` is None if they were no JSON object; `done` is its item, if it came
    to an end.
    """

    name: str
    args: dict[str, Any] | None
    done: ToolCall | None


class Kept:
    """Empty for a first attempt. Each method hands a thing out once; None: it was not finished, do it."""

    def __init__(self, items: Iterable[AnyItem] = (), frames: Sequence[ev.Frame] = ()) -> None:
        """`items` are the run's as the fold has them, `frames` those of its lane."""
        self._queues: dict[tuple[Any, ...], deque[Any]] = {}
        self._agents: dict[str, Agent] = {}
        self._plans: dict[str, Plan] = {}
        self._artifacts: dict[str, Artifact] = {}
        self._calls: dict[str, ToolCall] = {}
        self._asked = asked_calls(frames)
        self._states = _state_updates(frames)
        self._reasoned = _torn_reasoning(frames)
        self.used_ids = used_ids(frames)
        self.unanswered: list[Interrupt] = []
        """Questions that the lost worker asked and nobody has answered: they are asked again, under ids of their own."""
        self.add(items)

    def add(self, items: Iterable[AnyItem]) -> None:
        for item in items:
            self._keep(item)

    def _keep(self, item: AnyItem) -> None:
        match item:
            case Message(role="assistant", status="done"):
                self._queue(item, "message", item.ns)
            case ToolCall() if item.status == "done" or (item.error and item.error.code != CANCELLED):
                self._calls[item.id] = item
                self._queue(item, "tool", item.ns, item.name, _canonical(item.args))
            case Step(status="done"):
                self._queue(item, "step", item.ns, item.name)
            case Agent() if item.status in {"done", "failed"}:
                self._agents[item.ns] = item
            case Artifact() if item.versions[0].status == "final":
                self._artifacts[item.id] = item
                self._queue(item, "artifact", item.ns, item.kind, item.name)
            case Interrupt(status="done"):
                self._queue(item, "interrupt", item.ns, item.kind, item.prompt)
            case Interrupt(status="open"):
                self.unanswered.append(item)
            case Source():
                self._queue(item, "source", item.ns, item.url, item.quote)
            case LogEntry():
                self._queue(item, "log", item.ns, item.level, item.text)
            case Plan():
                self._plans[item.ns] = item

    def _queue(self, item: AnyItem, *key: Any) -> None:
        self._queues.setdefault(key, deque()).append(item)

    def _take(self, kind: type[I], *key: Any) -> I | None:
        queue = self._queues.get(key)
        return queue.popleft() if queue else None

    # --- what the run context asks

    def message(self, ns: str) -> Message | None:
        return self._take(Message, "message", ns)

    def reasoning(self, ns: str) -> int:
        """How many spans of reasoning stand before a message that was torn, and is now said again."""
        return self._reasoned.pop(ns, 0)

    def calls_of(self, message: Message) -> list[KeptCall]:
        """What a kept message asked for, whether or not it came to it: under the id it was asked with, or under another if
        a later attempt performed it.
        """
        done = {item.id: item for item in self._calls.values() if item.message == message.id}
        found: list[KeptCall] = []
        for asked in self._asked.get(message.id, []):
            same = (item.id for item in done.values() if _same_call(item, asked))
            item_id = asked.id if asked.id in done else next(same, "")
            found.append(KeptCall(asked.name, asked.args, done.pop(item_id, None)))
        return found

    def tool(self, ns: str, name: str, args: dict[str, Any]) -> ToolCall | None:
        """A call that ended, well or badly."""
        return self._take(ToolCall, "tool", ns, name, _canonical(args))

    def call(self, item: str) -> ToolCall | None:
        """The call of this id that ended; it is then not handed out by `tool` any more."""
        done = self._calls.get(item)
        if done is not None:
            queue = self._queues[("tool", done.ns, done.name, _canonical(done.args))]
            if done in queue:
                queue.remove(done)
        return done

    def step(self, ns: str, name: str) -> Step | None:
        return self._take(Step, "step", ns, name)

    def agent(self, ns: str) -> Agent | None:
        """The agent that ended in this namespace, which then cannot be opened again."""
        return self._agents.get(ns)

    def artifact(self, ns: str, kind: str, name: str) -> Artifact | None:
        return self._take(Artifact, "artifact", ns, kind, name)

    def versions_of(self, artifact: str) -> int:
        """How many versions of an artifact are final."""
        kept = self._artifacts.get(artifact)
        return sum(version.status == "final" for version in kept.versions) if kept else 0

    def interrupt(self, ns: str, kind: str, prompt: str) -> Interrupt | None:
        return self._take(Interrupt, "interrupt", ns, kind, prompt)

    def source(self, ns: str, url: str, quote: str) -> Source | None:
        return self._take(Source, "source", ns, url, quote)

    def log(self, ns: str, level: str, text: str) -> LogEntry | None:
        return self._take(LogEntry, "log", ns, level, text)

    def plan(self, ns: str) -> Plan | None:
        """The plan of a namespace: not handed out once, but continued under its id."""
        return self._plans.get(ns)

    def state_update(self, ns: str) -> bool:
        """Whether this update of the namespace's state is in the log already: applied twice, a patch would add twice."""
        left = self._states[ns]
        self._states[ns] = max(left - 1, 0)
        return left > 0


class _Asked(msgspec.Struct):
    id: str
    name: str
    args: dict[str, Any] | None = None


def asked_calls(frames: Iterable[ev.Frame]) -> dict[str, list[_Asked]]:
    """The tool calls that each message asked for, by the message's id.

    Read from the frames, because the fold forgets the calls that a lost worker left open. Only those before the message's
    end count: what a later attempt opens for the same message is the same call again.
    """
    asked: dict[str, list[_Asked]] = {}
    by_id: dict[str, _Asked] = {}
    ended: set[str] = set()
    for frame in frames:
        for event in frame.events:
            match event:
                case ev.ToolStarted() if event.message and event.message not in ended:
                    by_id[event.id] = call = _Asked(event.id, event.name)
                    asked.setdefault(event.message, []).append(call)
                case ev.ToolArgs() if event.id in by_id:
                    by_id[event.id].args = event.args
                case ev.MessageEnded():
                    ended.add(event.id)
    return asked


def used_ids(frames: Iterable[ev.Frame]) -> dict[str, int]:
    """The highest count of each kind of id in the frames, of things that were dropped too."""
    highest: dict[str, int] = {}
    for frame in frames:
        for event in frame.events:
            found = _ITEM_ID.match(getattr(event, "id", ""))
            if found is not None:
                highest[found[1]] = max(highest.get(found[1], 0), int(found[2]))
    return highest


def _state_updates(frames: Iterable[ev.Frame]) -> Counter[str]:
    return Counter(
        event.ns or frame.ns
        for frame in frames
        for event in frame.events
        if isinstance(event, ev.StateSnapshot | ev.StateDelta)
    )


def _torn_reasoning(frames: Iterable[ev.Frame]) -> Counter[str]:
    """Spans of reasoning since the last message that ended, by namespace."""
    spans: Counter[str] = Counter()
    for frame in frames:
        for event in frame.events:
            if isinstance(event, ev.ReasoningEnded):
                spans[event.ns or frame.ns] += 1
            elif isinstance(event, ev.MessageEnded):
                spans[event.ns or frame.ns] = 0
    return spans


def _same_call(item: ToolCall, asked: _Asked) -> bool:
    return item.name == asked.name and _canonical(item.args) == _canonical(asked.args)


def _canonical(args: Any) -> bytes:
    return msgspec.json.encode(args, order="sorted")
