"""Rate: a token bucket. Pure: the caller brings the clock."""

from __future__ import annotations


class Bucket:
    """Allows `burst` at once and `per_s` a second in the long run. `now` is in seconds of any clock that only goes forward."""

    __slots__ = ("_burst", "_per_s", "_then", "_tokens")

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = burst
        self._then = now

    def take(self, now: float) -> bool:
        """Whether one more is allowed now."""
        self._tokens = min(self._burst, self._tokens + (now - self._then) * self._per_s)
        self._then = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
