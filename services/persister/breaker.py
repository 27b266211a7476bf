"""How often to ask an archive that does not answer. Pure: it says how long to wait and knows no clock."""

from __future__ import annotations

FIRST_S = 0.1
LONGEST_S = 10.0
"""Seals wait in their queue meanwhile and nobody sees a delay: only the database's recovery must not be disturbed."""

FAILURES_MAX = 3
"""After this many failures in a row the breaker opens."""


class Breaker:
    """Closed: the archive is believed to answer. Open: no batch is sent before it has answered a small question."""

    def __init__(self) -> None:
        self.failures = 0

    @property
    def open(self) -> bool:
        return self.failures >= FAILURES_MAX

    def succeeded(self) -> None:
        self.failures = 0

    def failed(self, chance: float) -> float:
        """Note a failure; returns the pause in s before the next try. `chance` in [0, 1) spreads persisters apart."""
        doublings = min(self.failures, 16)  # beyond LONGEST_S, and far from what a float cannot hold
        self.failures += 1
        return min(FIRST_S * 2.0**doublings, LONGEST_S) * (0.5 + chance)
