"""State: what a channel knows of its conversation at a cursor, and the rule by which it takes in one more record. Pure."""

from __future__ import annotations

from collections.abc import Collection

from schemas.codec import decode_frame
from schemas.cursor import Cursor
from schemas.errors import FoldError, Invalid
from schemas.events import Frame
from schemas.fold import Fold
from schemas.subjects import IN_LANE
from schemas.transcript import Transcript
from services.broker.port import Record
from services.gateway.ring import Ring


class State:
    """Everything of the conversation at or before `seq` of the stream `epoch` is in `fold`, and the newest of it in `ring`.

    `tolerant`: for a log that has lost its head or contradicts itself. What does not fit is passed over, so that the
    conversation can still be watched; without it a FoldError or Invalid says so, and the state must be built again.

    `beyond`: see `Fold`. `lane` is that of the last record, empty if there is none.
    """

    __slots__ = ("_since", "epoch", "fold", "lane", "ring", "seq", "tolerant")

    def __init__(
        self,
        base: Transcript,
        cursor: Cursor,
        *,
        ring_bytes_max: int,
        tolerant: bool = False,
        beyond: Collection[str] = (),
    ) -> None:
        self.fold = Fold(base, dense=not tolerant, beyond=beyond)
        self.epoch = cursor.epoch
        self.seq = cursor.seq
        self._since = cursor.seq
        self.lane = ""
        self.ring = Ring(cursor.seq, ring_bytes_max)
        self.tolerant = tolerant

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.epoch, self.seq)

    def vouches_for(self, record: Record) -> bool:
        """Whether a record of the log, not newer than the state, is known to be a frame: it was folded."""
        return record.seq > self._since and not self.tolerant

    def has_records_after(self, seq: int) -> bool:
        """Whether the log must have records between `seq` and the ring's floor."""
        return self.ring.evicted or any(max(run.seq, run.end_seq) > seq for run in self.fold.runs.values())

    def last_of(self, lane: str) -> int:
        """The number of the lane's last event here."""
        if lane == IN_LANE:
            return self.fold.input_last
        run = self.fold.runs.get(lane)
        return 0 if run is None else run.last

    def continues(self, frame: Frame) -> bool:
        """Whether a frame that came live goes on in the lane of the last one, by the next number. What was lost before a
        change of lane no number shows, so it is for the log to say.
        """
        return frame.in_lane == self.lane and frame.n <= self.last_of(self.lane) + 1

    def take(self, frame: Frame, record: Record) -> bool:
        """Take in the frame of the record that follows in the log; False if it changed nothing. Raises FoldError."""
        try:
            changed = self.fold.apply(frame)
        except FoldError:
            if not self.tolerant:
                raise
            changed = False
        self.seq = record.seq
        self.lane = record.lane
        self.ring.append(record)
        return changed

    def read(self, record: Record) -> Frame | None:
        """`take` for a record just read from the log: its frame, or None if it changed nothing.

        Raises:
            FoldError, Invalid: it does not fit, or is no frame.
        """
        try:
            frame = decode_frame(record.data, record.seq)
        except Invalid:
            if not self.tolerant:
                raise
            self.seq = record.seq
            self.ring.append(record)  # or who reads up to `seq` would never get there
            return None
        return frame if self.take(frame, record) else None
