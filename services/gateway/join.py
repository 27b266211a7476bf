"""Join: history read from the log and what came live meanwhile become one sequence, nothing missing, nothing twice.

Pure. Whoever drives it subscribes to the live subject *first* and gives every live record to `live`; then reads the log with
`ask` and `answer` until `caught_up`, and takes `rest`. That no event is missing in what comes out is proved by the lanes'
numbers, in the fold; this object's part is order, repeats, and knowing when history has met the present.
"""

from __future__ import annotations

from services.broker.port import Batch, Record

LIVE_BYTES_MAX = 4 * 1024 * 1024
"""What may be buffered while history is read. Beyond it the buffer is forgotten and history read further instead."""


class Join:
    """`position` is the sequence up to which records have been given out; `needed` one that history must reach."""

    def __init__(self, after: int, *, needed: int = 0, live_bytes_max: int = LIVE_BYTES_MAX) -> None:
        self._live: dict[int, Record] = {}
        self._live_bytes = 0
        self._live_bytes_max = live_bytes_max
        self._highest = needed
        self.begin(after)

    def begin(self, after: int) -> None:
        """History starts (again) after `after`. What is buffered stays: it is either in history too or comes after it."""
        self.position = after
        self.needed = self._highest
        self.caught_up = False

    def need(self, seq: int) -> None:
        """The log is known to hold a record at `seq`."""
        self._highest = max(self._highest, seq)

    def live(self, record: Record) -> None:
        """Buffer what came live: in any order, any number of times."""
        self._highest = max(self._highest, record.seq)
        if record.seq <= self.position or record.seq in self._live:
            return
        self._live[record.seq] = record
        self._live_bytes += len(record.data)
        if self._live_bytes > self._live_bytes_max:
            self._live.clear()
            self._live_bytes = 0
            self.needed = self._highest

    def ask(self) -> int:
        """The sequence to read the log after, now. The copy of the log that answers must know all that was seen live by
        now, else it is stale; what comes live while it answers is taken from the buffer, so a busy lane cannot hold this up.
        """
        self.needed = self._highest
        return self.position

    def answer(self, batch: Batch) -> list[Record]:
        """What the log said: the records that come next."""
        fresh: list[Record] = []
        for record in batch.records:
            if record.seq > self.position:
                self.position = record.seq
                fresh.append(record)
        self.caught_up = batch.pending == 0 and max(self.position, batch.last_seq) >= self.needed
        return fresh

    def give_up_before(self, first: int) -> None:
        """The log holds nothing before `first` any more: what was needed from there cannot be had."""
        if self.needed < first:
            self._highest = self.needed = 0
            self.caught_up = True

    def rest(self) -> list[Record]:
        """Once caught up: what came live after the last answer, in order. It has come at most once, so it proves nothing:
        its numbers must be checked against the lanes like those of any live record.
        """
        return [self._live[seq] for seq in sorted(self._live) if seq > self.position]
