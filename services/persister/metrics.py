"""What a persister counts: seals on their way into the archive."""

from __future__ import annotations

from collections.abc import Callable

from services.metrics import COUNTS, QUICK_S, SLOW_S, Distribution, Metrics, Tally


class Counts:
    def __init__(self) -> None:
        self.seals = Tally("written", "returned", "dead")
        self.commit_s = Distribution(QUICK_S)
        self.batch = Distribution(COUNTS)
        self.behind_s = Distribution(SLOW_S)
        self.failures = 0

    def register(self, metrics: Metrics, archive_down: Callable[[], bool]) -> None:
        metrics.tally(
            "anabranch_seals",
            "Messages of the seal stream by what became of them: written, dead (put aside), returned (comes again).",
            ["outcome"],
            self.seals,
        )
        metrics.distribution(
            "anabranch_archive_commit_seconds", "Time of one transaction of the archive.", self.commit_s
        )
        metrics.distribution("anabranch_archive_batch_seals", "Messages in one transaction.", self.batch)
        metrics.distribution(
            "anabranch_archive_behind_seconds", "From the end of a run to its commit in the archive.", self.behind_s
        )
        metrics.counter(
            "anabranch_archive_failures", "Transactions that the archive did not take.", lambda: self.failures
        )
        metrics.gauge("anabranch_archive_down", "1 while the archive is not believed to answer.", archive_down)
