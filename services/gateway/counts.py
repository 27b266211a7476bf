"""What a gateway counts of its viewers: plain numbers, added once for all who share a feed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from schemas.events import Frame
from services.metrics import QUICK_S, SIZES, Distribution, Distributions, Metrics, Tally

CaughtUpBy = Literal["tail", "replay", "snapshot", "recovery"]


class Counts:
    """`streams` are open: responses of server-sent events. `frames` and `bytes` are what was delivered to all viewers;
    `events` those pushed to the ones who are level.
    """

    def __init__(self) -> None:
        self.streams = 0
        self.frames = 0
        self.events = 0
        self.bytes = 0
        self.delay_s = Distribution(QUICK_S)
        self.fallen_behind = 0
        self.caught_up_s = Distributions(QUICK_S)
        self.replayed_bytes = Distributions(SIZES)
        self.gaps = Tally("retention", "epoch", "lost")
        self.rebuilt = Tally("retention", "epoch", "lost")
        self.join_s = Distribution(QUICK_S)
        self.closed = Tally()

    def pushed(self, viewers: int, frames: Sequence[Frame], size: int) -> None:
        """A message of `size` bytes with these frames went to each of the viewers who are level."""
        self.frames += viewers * len(frames)
        self.events += viewers * sum([len(frame.events) for frame in frames])
        self.bytes += viewers * size

    def register(self, metrics: Metrics) -> None:
        metrics.counter("anabranch_delivered_frames", "Frames sent to viewers, to each of them.", lambda: self.frames)
        metrics.counter("anabranch_delivered_bytes", "Bytes sent to viewers, snapshots too.", lambda: self.bytes)
        metrics.counter("anabranch_pushed_events", "Events pushed to viewers who are level.", lambda: self.events)
        metrics.distribution(
            "anabranch_delivery_delay_seconds",
            "From an event at its worker to the push to all viewers who are level, by two clocks.",
            self.delay_s,
        )
        metrics.counter(
            "anabranch_viewers_fallen_behind", "Viewers that read too slowly to stay level.", lambda: self.fallen_behind
        )
        metrics.distributions(
            "anabranch_caught_up_seconds",
            "From a subscription, or from falling behind (recovery), to being level with the log.",
            ["by"],
            self.caught_up_s,
        )
        metrics.distributions(
            "anabranch_replayed_bytes", "Bytes sent on a WebSocket until then.", ["by"], self.replayed_bytes
        )
        metrics.tally("anabranch_gaps", "Gaps that viewers were told of, by reason.", ["reason"], self.gaps)
        metrics.tally(
            "anabranch_conversations_rebuilt",
            "Conversations read anew from the log, by reason.",
            ["reason"],
            self.rebuilt,
        )
        metrics.distribution("anabranch_join_seconds", "Time to open a conversation that was not watched.", self.join_s)
        metrics.tally(
            "anabranch_websockets_closed", "WebSockets closed by this gateway, by reason.", ["reason"], self.closed
        )
