"""State: what a channel knows of its conversation at a cursor, and the rule by which it takes in one more record. Pure."""

from __future__ import annotations

from schemas.codec import decode_frame
from schemas.cursor import Cursor
from schemas.errors import FoldError, Invalid
from schemas.events import Frame
from schemas.fold import Fold
from schemas.transcript import Transcript
from services.broker.port import Record
from services.gateway.ring import Ring


class State:
    """Everything of the conversation at or before `seq` of the stream `epoch` is in `fold`, and the newest of it in `ring`.

    `tolerant`: for a log that has lost its head or contradicts itself. What does not fit is passed over, so that the
    conversation can still be watched; without it a FoldError or Invalid says so, and the state must be built again.
    """

    __slots__ = ("epoch", "fold", "ring", "seq", "tolerant")

    def __init__(self, base: Transcript, cursor: Cursor, *, ring_bytes_max: int, tolerant: bool = False) -> None:
        self.fold = Fold(base, dense=not tolerant)
        self.epoch = cursor.epoch
        self.seq = cursor.seq
        self.ring = Ring(cursor.seq, ring_bytes_max)
        self.tolerant = tolerant

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.epoch, self.seq)

    def continues(self, frame: Frame) -> bool:
        """Whether nothing of the frame's lane is missing before it. For a run's first frame its message must be there: a
        message that was lost on the way would otherwise be noticed by nobody.
        """
        if frame.is_input:
            return frame.n <= self.fold.input_last + 1
        run = self.fold.runs.get(frame.run)
        return run is not None and frame.n <= run.last + 1

    def take(self, frame: Frame, record: Record) -> bool:
        """Take in the frame of the record that follows in the log; False if it changed nothing. Raises FoldError."""
        try:
            changed = self.fold.apply(frame)
        except FoldError:
            if not self.tolerant:
                raise
            changed = False
        self.seq = record.seq
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
            return None
        return frame if self.take(frame, record) else None
