"""What a worker reads from the environment."""

from __future__ import annotations

from typing import Annotated

import msgspec

from services.agent_worker.attempt import Limits
from services.agent_worker.pacing import Pacing
from services.agent_worker.turn import Retry

DRAIN_S_MAX = 300.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`slots`: runs at once. `ack_wait_s` must be that of the command queue (`admin apply`). `drain_s`: how long runs may go
    on after SIGTERM before they are left to another worker. `frame_*`: see `pacing.Pacing`; in ms and characters.
    """

    nats_url: str = "nats://127.0.0.1:4222"
    slots: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 8
    ack_wait_s: Annotated[float, msgspec.Meta(ge=0.5)] = 30.0
    run_deadline_s: Annotated[float, msgspec.Meta(gt=0)] = 900.0
    attempts_max: Annotated[int, msgspec.Meta(ge=1)] = 3
    drain_s: Annotated[float, msgspec.Meta(ge=0, le=DRAIN_S_MAX)] = 20.0
    model_tries: Annotated[int, msgspec.Meta(ge=1, le=10)] = 5
    frame_spacing_ms: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 16.0
    frame_spacing_ms_max: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 50.0
    frame_chars_max: Annotated[int, msgspec.Meta(ge=1)] = 4_000

    @property
    def pacing(self) -> Pacing:
        return Pacing(
            spacing_s=self.frame_spacing_ms / 1000,
            spacing_s_max=self.frame_spacing_ms_max / 1000,
            chars_max=self.frame_chars_max,
        )

    @property
    def limits(self) -> Limits:
        return Limits(
            ack_wait_s=self.ack_wait_s,
            deadline_s=self.run_deadline_s,
            attempts_max=self.attempts_max,
            retry=Retry(tries=self.model_tries),
        )
