"""What a persister counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SEALS = Counter("anabranch_seals_total", "Messages of the seal stream by what became of them.", ["outcome"])
BATCH_S = Histogram("anabranch_archive_batch_seconds", "Time of one transaction of the archive.")
ARCHIVE_DOWN = Gauge("anabranch_archive_down", "1 while the archive does not answer and the breaker is open.")
