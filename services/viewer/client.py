"""The viewer's side of the protocol, without IO: feed it what the gateway says, take what to show and what to send.

One `Client` is one conversation. It keeps the fold and the cursor of what it has *seen*; after a cut it asks for exactly
the rest. What it cannot be sure of it asks for again: a hole between `prev` and its cursor is a new subscription from the
cursor, a log that does not fit its fold is a new subscription from a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from schemas import cursor, wire
from schemas.errors import FoldError, Invalid
from schemas.events import Frame
from schemas.fold import Fold
from schemas.transcript import Interrupt, RunState, Transcript

RESYNCS_MAX = 3
"""New subscriptions in a row because something did not fit, before the viewer gives up: the next would not fit either."""

SEND_TRIES_MAX = 6
SEND_RETRY_S = 0.5
"""What the gateway cannot take just now is sent again after 0.5 s, 1 s, … 8 s; a person's message 5 times, so 15 s."""

Link = Literal["connecting", "catching up", "live", "lagging", "gap", "reconnecting", "failed"]


Request = wire.Send | wire.Cancel | wire.Resolve
"""What the gateway acknowledges by its id; repeating one changes nothing."""


class Outgoing(NamedTuple):
    """A message for the gateway, to be sent after `delay_s` seconds."""

    message: wire.AnyClientMessage
    delay_s: float = 0.0


class Changes(NamedTuple):
    """Ids of what differs since the last look. `reset`: everything may differ, there is another fold."""

    reset: bool
    items: frozenset[str]
    runs: frozenset[str]


Observer = Callable[[Fold, Frame | None, frozenset[str]], None]
"""Is shown the fold after every frame, with the ids of the items that the frame changed; no frame: it is another fold."""


class Client:
    def __init__(self, conversation: str, after: str = "", observe: Observer | None = None) -> None:
        """`after` is a cursor from an earlier visit: only what came after it will be seen. Raises Invalid."""
        if after:
            cursor.parse(after)
        self.conversation = conversation
        self.cursor = after
        self.link: Link = "connecting"
        self.failure = ""
        """Why this can go no further; empty while it can."""
        self.fold = Fold(Transcript(conversation=conversation), dense=not after)
        self.answers: dict[str, str] = {}
        """The run that answers each message sent from here, by the message's id, once the gateway has told."""
        self.refused: set[str] = set()
        """Ids of requests that the gateway will not take."""
        self._partial = bool(after)  # the fold lacks what came before `after`
        self._subscription = 0
        self._resyncs = 0
        self._refusals = 0
        self._pending: dict[str, Request] = {}
        self._tries: dict[str, int] = {}
        self._notices: list[str] = []
        self._observe = observe
        self._reset = False
        self._items_changed: set[str] = set()
        self._runs_changed: set[str] = set()

    # --- what to show

    @property
    def unsent(self) -> list[wire.Send]:
        """Messages that the gateway has not acknowledged yet."""
        return [request for request in self._pending.values() if isinstance(request, wire.Send)]

    def take_changes(self) -> Changes:
        changes = Changes(self._reset, frozenset(self._items_changed), frozenset(self._runs_changed))
        self._reset = False
        self._items_changed.clear()
        self._runs_changed.clear()
        return changes

    def take_notices(self) -> list[str]:
        """What a person should be told once: requests that were refused."""
        notices, self._notices = self._notices, []
        return notices

    def outcome(self, message_id: str) -> RunState | None:
        """The run that answered a message sent from here, once it is over."""
        run = self.fold.runs.get(self.answers.get(message_id, ""))
        return run if run is not None and run.over else None

    # --- what to send

    def send(self, message_id: str, text: str, agent: str) -> list[Outgoing]:
        """A person's message."""
        return self._request(
            message_id, wire.Send(conversation=self.conversation, id=message_id, text=text, agent=agent)
        )

    def cancel(self, run: str) -> list[Outgoing]:
        return self._request(run, wire.Cancel(conversation=self.conversation, run=run))

    def resolve(self, interrupt: Interrupt, text: str) -> list[Outgoing]:
        """A person's answer to what a run asks. An approval is given by `y` or `yes` and denied by anything else."""
        decision: Literal["approved", "denied", "answered"] = "answered"
        value = None
        if interrupt.kind == "approval":
            decision = "approved" if text.strip().lower() in {"y", "yes"} else "denied"
        else:
            value = _choice(interrupt.options, text.strip())
        answer = wire.Resolve(conversation=self.conversation, interrupt=interrupt.id, decision=decision, value=value)
        return self._request(interrupt.id, answer)

    def _request(self, ref: str, request: Request) -> list[Outgoing]:
        """Requests are kept, and sent again on every new connection, until the gateway has acknowledged them."""
        self._pending[ref] = request
        return [Outgoing(request)]

    # --- the life of connections

    def opened(self) -> list[Outgoing]:
        """A connection is there: take up the conversation where it was left, then what was not acknowledged."""
        self.link = "catching up"
        return [*self._subscribe(), *(Outgoing(message) for message in self._pending.values())]

    def lost(self) -> None:
        """The connection is gone."""
        if not self.failure:
            self.link = "reconnecting"

    def fail(self, why: str) -> None:
        self.failure = self.failure or why
        self.link = "failed"

    def receive(self, message: wire.AnyServerMessage) -> list[Outgoing]:
        """Take one message in; returns what to send because of it."""
        match message:
            case wire.Ack():
                if self._pending.pop(message.ref, None) is not None and message.run:
                    self.answers[message.ref] = message.run
            case wire.Error():
                return self._refused(message)
            case wire.Subscribed() | wire.Snapshot() | wire.Events() | wire.CaughtUp() | wire.Gap() | wire.Lagging():
                if message.sub == self._sub:  # else it is of a subscription that was given up
                    return self._follow(message)
        return []

    # --- inside

    @property
    def _sub(self) -> str:
        return f"s{self._subscription}"

    def _subscribe(self, mode: wire.Mode | None = None) -> list[Outgoing]:
        """A new subscription under a new name, so that what is still on its way for the old one cannot be confused."""
        self._subscription += 1
        after = "" if mode == "snapshot" else self.cursor
        # who came with a cursor alone wants the rest, and not the whole in a snapshot
        mode = mode or ("replay" if self._partial else "auto")
        return [Outgoing(wire.Subscribe(conversation=self.conversation, sub=self._sub, after=after, mode=mode))]

    def _follow(
        self,
        message: wire.Subscribed | wire.Snapshot | wire.Events | wire.CaughtUp | wire.Gap | wire.Lagging,
    ) -> list[Outgoing]:
        match message:
            case wire.Subscribed():
                if message.mode == "replay":  # else the cursor is that of a snapshot which is not here yet
                    self.cursor = self.cursor or message.cursor
            case wire.Snapshot():
                self.fold = Fold(message.transcript)
                self.cursor = message.cursor
                self._partial = False
                self._reset = True
                self._changed(None)
            case wire.Events():
                return self._take(message)
            case wire.CaughtUp():
                self.cursor = _later(self.cursor, message.cursor)
                self.link = "live"
                self._resyncs = self._refusals = 0
            case wire.Gap():
                self.link = "gap"
            case wire.Lagging():
                self.link = "lagging"
        return []

    def _take(self, message: wire.Events) -> list[Outgoing]:
        if not _reaches(message.prev, self.cursor):
            return self._resync(None)
        seen = cursor.parse(self.cursor).seq if self.cursor else 0
        try:
            for frame in message.frames:
                if frame.seq > seen and self.fold.apply(frame):
                    self._changed(frame)
        except FoldError:
            return self._resync("snapshot")
        self.cursor = message.cursor
        return []

    def _changed(self, frame: Frame | None) -> None:
        items = frozenset(self.fold.changed)
        self.fold.changed.clear()
        self._items_changed |= items
        if frame is not None:
            self._runs_changed.add(frame.run)
        if self._observe is not None:
            self._observe(self.fold, frame, items)

    def _resync(self, mode: wire.Mode | None) -> list[Outgoing]:
        self._resyncs += 1
        if self._resyncs > RESYNCS_MAX:
            self.fail("what the gateway sends does not fit together; this is a bug of one of the two")
            return []
        self.link = "gap"
        old = self._sub
        return [Outgoing(wire.Unsubscribe(sub=old)), *self._subscribe(mode)]

    def _refused(self, error: wire.Error) -> list[Outgoing]:
        request = self._pending.get(error.ref)
        if request is not None:
            tries = self._tries[error.ref] = self._tries.get(error.ref, 0) + 1
            if error.retryable and tries < SEND_TRIES_MAX:
                return [Outgoing(request, SEND_RETRY_S * 2 ** (tries - 1))]
            del self._pending[error.ref]
            self.refused.add(error.ref)
        elif error.code == "cursor_from_future" and not self._partial:
            return self._resync("snapshot")  # the log lost its end; what is there now is the truth
        elif error.ref in {self._sub, self.conversation} and not error.retryable:
            self.fail(error.message)
            return []
        elif error.ref in {self._sub, self.conversation}:
            self._refusals += 1
            delay_s = SEND_RETRY_S * 2 ** min(self._refusals - 1, SEND_TRIES_MAX - 2)
            return [Outgoing(again.message, delay_s) for again in self._subscribe()]
        self._notices.append(error.message)
        return []


def _choice(options: list[str], text: str) -> str:
    """An option may be named by its number, from 1."""
    return options[int(text) - 1] if text.isdecimal() and 0 < int(text) <= len(options) else text


def _reaches(prev: str, here: str) -> bool:
    """Whether events that follow `prev` leave nothing out for who has seen everything up to `here`."""
    if not prev or prev == here:
        return True
    try:
        there, mine = cursor.parse(prev), cursor.parse(here)
    except Invalid:
        return False
    return there.epoch == mine.epoch and there.seq <= mine.seq


def _later(here: str, there: str) -> str:
    """The later of two cursors of one epoch; `there` if they cannot be compared."""
    try:
        mine, other = cursor.parse(here), cursor.parse(there)
    except Invalid:
        return there or here
    return here if mine.epoch == other.epoch and mine.seq > other.seq else there
