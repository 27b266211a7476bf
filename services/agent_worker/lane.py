"""One lane as its only writer sees it: what waits, what is in flight, what is stored. Pure: it decides, the publisher sends.

At most one frame is in flight. It is fenced by the sequence of the frame before it and repeated with the same message id
until its fate is known, so the lane is a chain without gap or repeat whatever happens to the connection.

Bytes are saved where no reader misses them: adjacent deltas of one text become one before they are numbered; a frame names
the namespace that most of its events have; a delta carries no time of its own (the fold uses none, and a frame spans
milliseconds), any other event carries `dt` in steps of DT_STEP_MS.
"""

from __future__ import annotations

import enum
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from schemas import events as ev
from schemas.codec import encode_frame
from schemas.errors import AnabranchError, Fenced, Unavailable
from schemas.merge import merge_deltas
from services.broker.port import Record

DT_STEP_MS = 10
"""Times inside a frame are exact to this: finer than anybody sees, and most events of a frame then need none."""

DELTA_CHARS_MAX = 10_000
"""A longer text becomes several deltas. At 6 bytes a character, JSON's worst, each still fits a frame."""

ENVELOPE_BYTES_MAX = 512
"""What a frame needs beside its events."""

BUFFER_EVENTS_MAX = 2_000
BUFFER_CHARS_MAX = 256 * 1024
"""With more waiting than this the lane is full and holds back its source: a broker outage must not fill the memory.
Characters are those of a delta's text, and of any other event's JSON.
"""

CROWDED = 8
"""So many times as much as makes it full, and a source that never waits is refused: an outage, or a loop without an await."""

RETRY_PAUSE_S = 0.1
RETRY_PAUSE_S_MAX = 2.0
"""The pause before a frame is sent again doubles from one to the other, with jitter."""

_DELTAS = frozenset(ev.TEXT_DELTAS)

_set: Callable[[Any, str, Any], None] = msgspec.structs.force_setattr
"""An event is frozen for everybody but the lane it was given to."""


class Sending(NamedTuple):
    """One append, as the broker port takes it."""

    data: bytes
    msg_id: str
    expected_last: int


class Verdict(enum.Enum):
    """What follows from a failed append. COMPARE: read the lane's last message and call `Lane.compared`."""

    RETRY = enum.auto()
    COMPARE = enum.auto()
    LOST = enum.auto()


class _Flight:
    """The frame that is on its way. `upto`: how many of all events ever added are stored once it is."""

    __slots__ = ("frame", "pause", "sending", "since", "unclear", "upto")

    def __init__(self, frame: ev.Frame, sending: Sending, upto: int, since: float) -> None:
        self.frame = frame
        self.sending = sending
        self.upto = upto
        self.since = since
        self.pause = RETRY_PAUSE_S
        self.unclear = False


class Lane:
    """The lane of one attempt of a run. `last_n` and `last_seq`: its last event's number and frame's sequence so far.

    `retry_s`: how long one frame is repeated before the lane is given up; below the broker's duplicate window.
    """

    def __init__(self, run: str, attempt: int, *, last_n: int = 0, last_seq: int = 0, retry_s: float = 60.0) -> None:
        self.run = run
        self.attempt = attempt
        self.last_n = last_n
        self.last_seq = last_seq
        self.chars = 0
        self.added = 0
        self.stored_count = 0
        self.retry_at = 0.0
        self._retry_s = retry_s
        self._buffer: list[ev.AnyEvent] = []
        self._sizes: deque[int] = deque()
        """Of what waits and is no delta, in order: neither merging nor cutting deltas changes it."""
        self._ts = 0
        self._flight: _Flight | None = None

    # --- what waits

    def add(self, event: ev.AnyEvent, ts: int, size: int = 1) -> None:
        """Queue an event that happened at `ts` (ms) and names its namespace. It belongs to the lane from now on. `size`, of
        one that is no delta: the characters of its JSON.
        """
        buffer = self._buffer
        if not buffer:
            self._ts = ts
        if type(event) in _DELTAS:
            self.chars += len(event.text)  # type: ignore[union-attr]
        else:
            self.chars += size
            self._sizes.append(size)
            dt = (ts - self._ts) // DT_STEP_MS * DT_STEP_MS
            if dt > 0:
                _set(event, "dt", dt)
        buffer.append(event)
        self.added += 1

    @property
    def waiting(self) -> bool:
        return bool(self._buffer)

    @property
    def in_flight(self) -> bool:
        return self._flight is not None

    @property
    def settled(self) -> bool:
        """Whether everything added so far is stored."""
        return self.stored_count == self.added

    @property
    def full(self) -> bool:
        return self.chars >= BUFFER_CHARS_MAX or len(self._buffer) >= BUFFER_EVENTS_MAX

    @property
    def crowded(self) -> bool:
        return self.chars >= CROWDED * BUFFER_CHARS_MAX or len(self._buffer) >= CROWDED * BUFFER_EVENTS_MAX

    # --- what is sent

    def cut(self, now: float) -> Sending:
        """Make the next frame of what waits, as much as fits. Only while something waits and nothing is in flight."""
        frame, data, rest = self._fitting(merge_deltas(self._buffer))
        self._buffer = rest
        if rest:
            self.chars -= sum(
                len(e.text) if isinstance(e, ev.TEXT_DELTAS) else self._sizes.popleft() for e in frame.events
            )
        else:
            self.chars = 0
            self._sizes.clear()
        sending = Sending(data, f"{self.run}:{self.attempt}:{frame.n}", self.last_seq)
        upto = self.stored_count if rest else self.added
        self._flight = _Flight(frame, sending, upto, now)
        return sending

    def again(self) -> Sending:
        """The frame in flight, to be sent once more."""
        assert self._flight is not None
        return self._flight.sending

    def _fitting(self, events: list[ev.AnyEvent]) -> tuple[ev.Frame, bytes, list[ev.AnyEvent]]:
        """The frame of as many events as FRAME_BYTES_MAX allows, its encoding, and the events left over."""
        if self.chars <= DELTA_CHARS_MAX:  # nearly always: encode once and look
            frame = self._frame(events)
            data = encode_frame(frame)
            if len(data) <= ev.FRAME_BYTES_MAX:
                return frame, data, []
            for event in events:
                _set(event, "ns", event.ns or frame.ns)
        events = split_deltas(events)
        taken = fitting_count(events, ev.FRAME_BYTES_MAX - ENVELOPE_BYTES_MAX)
        frame = self._frame(events[:taken])
        return frame, encode_frame(frame), events[taken:]

    def _frame(self, events: list[ev.AnyEvent]) -> ev.Frame:
        ns = events[0].ns
        if any(event.ns != ns for event in events):
            ns = Counter(event.ns for event in events).most_common(1)[0][0]
        for event in events:
            if event.ns == ns:
                _set(event, "ns", "")
        return ev.Frame(run=self.run, attempt=self.attempt, n=self.last_n + 1, ts=self._ts, ns=ns, events=events)

    # --- what came of it

    def stored(self, seq: int) -> ev.Frame:
        """The frame in flight was stored at `seq`: returned as a reader of the log would see it."""
        flight = self._flight
        assert flight is not None
        self._flight = None
        frame = flight.frame
        self.last_n = frame.last
        self.last_seq = seq
        self.stored_count = flight.upto
        _set(frame, "seq", seq)
        return frame

    def failed(self, error: AnabranchError, now: float, jitter: float) -> Verdict:
        """The append of the frame in flight failed; `jitter` is random in 0.5…1.5. After RETRY, `retry_at` says when."""
        flight = self._flight
        assert flight is not None
        match error:
            case Unavailable() if now - flight.since < self._retry_s:
                flight.unclear = True
                self.retry_at = now + flight.pause * jitter
                flight.pause = min(flight.pause * 2, RETRY_PAUSE_S_MAX)
                return Verdict.RETRY
            case Fenced() if flight.unclear:  # perhaps fenced by ourselves: an earlier try was stored after all
                return Verdict.COMPARE
        return Verdict.LOST

    def compared(self, last: Record | None) -> ev.Frame | None:
        """`last` is the lane's last message, read from the leader: ours, and so stored, or the lane is somebody else's.

        Compared is the whole content, which names run, attempt and number.
        """
        assert self._flight is not None
        if last is None or last.data != self._flight.sending.data:
            return None
        return self.stored(last.seq)


def split_deltas(events: list[ev.AnyEvent]) -> list[ev.AnyEvent]:
    """The events with every delta longer than DELTA_CHARS_MAX cut into several."""
    cut: list[ev.AnyEvent] = []
    for event in events:
        if isinstance(event, ev.TEXT_DELTAS) and len(event.text) > DELTA_CHARS_MAX:
            for start in range(0, len(event.text), DELTA_CHARS_MAX):
                text = event.text[start : start + DELTA_CHARS_MAX]
                cut.append(type(event)(id=event.id, at=event.at + start, text=text, ns=event.ns, dt=event.dt))
        else:
            cut.append(event)
    return cut


def fitting_count(events: list[ev.AnyEvent], room: int) -> int:
    """How many of the first events fit `room` bytes, at least one: a lone event is never too large (`turn.check_size`)."""
    for count, event in enumerate(events):
        room -= len(encode_frame(event)) + 1
        if room < 0:
            return max(count, 1)
    return len(events)
