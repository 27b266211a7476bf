"""Ring: the newest records of one conversation, as stored, bounded in bytes: what most catch-ups are served from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from services.broker.port import Record


def _seq(record: Record) -> int:
    return record.seq


class Ring:
    """Everything of the conversation after `floor` is here; a record at `floor` was, if `evicted`. The newest record always
    is, however large.
    """

    __slots__ = ("_bytes", "_bytes_max", "_records", "_start", "evicted", "floor")

    def __init__(self, floor: int, bytes_max: int) -> None:
        self.floor = floor
        self.evicted = False
        self._records: list[Record] = []
        self._start = 0
        self._bytes = 0
        self._bytes_max = bytes_max

    def append(self, record: Record) -> None:
        self._records.append(record)
        self._bytes += len(record.data)
        if self._bytes > self._bytes_max:
            self._evict()

    def _evict(self) -> None:
        records = self._records
        self.evicted = True
        while self._bytes > self._bytes_max and self._start < len(records) - 1:
            self.floor = records[self._start].seq
            self._bytes -= len(records[self._start].data)
            self._start += 1
        if self._start * 2 > len(records):  # moves each record once per halving: constant on average
            del records[: self._start]
            self._start = 0

    def after(self, seq: int, *, records_max: int, bytes_max: int) -> Sequence[Record]:
        """The first records after `seq`, which must not be below `floor`: one, and more within both limits."""
        first = self._index(seq)
        records = self._records[first : first + records_max]
        size = 0
        for index, record in enumerate(records):
            size += len(record.data)
            if index and size > bytes_max:
                return records[:index]
        return records

    def bytes_after(self, seq: int) -> int:
        """How many bytes the records after `seq` have, which must not be below `floor`."""
        return sum(len(record.data) for record in self._records[self._index(seq) :])

    def _index(self, seq: int) -> int:
        return bisect_right(self._records, seq, lo=self._start, key=_seq)
