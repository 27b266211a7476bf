"""Pacing: when the events that wait on a lane become a frame. Pure: the clock is an argument, in seconds.

A lane has credit for frames, as a token bucket: one more every `spacing`, at most `burst` in store. An idle lane, and one at
50 events/s however unevenly they come, always has credit, and its events leave at once; a busy lane runs out, and then what
collects in `spacing` leaves together. `spacing` grows with the number of active lanes of the process, so that all of them
together stay near `frames_per_s` (docs/benchmarks.md): a fixed one would lift the median of a few lanes from 0.3 to 16 ms.
"""

from __future__ import annotations

import msgspec


class Pacing(msgspec.Struct, frozen=True, kw_only=True):
    """`spacing_s`: 16 ms is 62 frames/s, above the 50 events/s of one model stream (never held up), and makes frames of two
    events or more from 125 events/s on. `burst`: frames a lane may send at once after a pause. `frames_per_s`: what one
    process can publish at half a core. `spacing_s_max`: what nobody notices. `chars_max`: this much text waits no longer.
    """

    spacing_s: float = 0.016
    burst: int = 4
    frames_per_s: float = 8_000.0
    spacing_s_max: float = 0.050
    chars_max: int = 4_000

    def spacing(self, lanes: int) -> float:
        """Seconds between two frames of a busy lane while `lanes` are active in this process."""
        return max(self.spacing_s, min(lanes / self.frames_per_s, self.spacing_s_max))


_ROUNDING_S = 1e-9


class Credit:
    """What one lane may send. `_full` is the time at which its bucket is full again (the GCRA form of a token bucket)."""

    __slots__ = ("_full",)

    def __init__(self) -> None:
        self._full = float("-inf")

    def allows(self, now: float, spacing: float, burst: int) -> bool:
        """Whether a frame may leave at `now`."""
        return self._full - (burst - 1) * spacing <= now + _ROUNDING_S

    def spend(self, now: float, spacing: float, burst: int) -> None:
        """A frame leaves at `now`. One that could not wait (`chars_max`) costs no more than an empty bucket."""
        self._full = min(max(self._full, now) + spacing, now + burst * spacing)
