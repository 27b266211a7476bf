"""What a worker counts: frames on their way into the log, runs, and what runs ask of models and tools."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from schemas import events as ev
from services.agent_worker.lane import Lane
from services.metrics import QUICK_S, SLOW_S, Distribution, Distributions, Metrics, Tally


class PublishCounts:
    """The hot path: what the publisher adds up for every frame."""

    __slots__ = ("bytes", "events", "frames", "lost", "retries", "seconds")

    def __init__(self) -> None:
        self.frames = 0
        self.events = 0
        self.bytes = 0
        self.retries = 0
        self.seconds = Distribution(QUICK_S)
        self.lost = Tally("fenced", "unavailable")

    def stored(self, events: int, seconds: float) -> None:
        self.frames += 1
        self.events += events
        self.seconds.observe(seconds)

    def register(self, metrics: Metrics) -> None:
        metrics.counter("anabranch_frames_published", "Frames stored in the log.", lambda: self.frames)
        metrics.counter("anabranch_events_published", "Events stored in the log.", lambda: self.events)
        metrics.counter("anabranch_frame_bytes", "Bytes of frames sent, repeats not counted.", lambda: self.bytes)
        metrics.counter("anabranch_publish_retries", "Frames sent again for want of an answer.", lambda: self.retries)
        metrics.distribution(
            "anabranch_publish_seconds", "From sending a frame to its acknowledgement, repeats included.", self.seconds
        )
        metrics.tally("anabranch_lanes_lost", "Lanes given up, by the code of the reason.", ["code"], self.lost)


class RunCounts:
    """What happens once or a few times in a run. `agents`: the names that are labels; any other counts as `unknown`, since a
    client may send what it likes.
    """

    def __init__(self, agents: Collection[str] = ()) -> None:
        self._agents = frozenset(agents)
        self.queued_s = Distribution(SLOW_S)
        self.takeovers = 0
        self.attempts_lost = Tally()
        self.commands_dead = 0
        self.ended = Tally()
        self.failed = Tally("worker_lost", "agent_error")
        self.run_s = Distributions(SLOW_S)
        self.answered_s = Distribution(SLOW_S)
        self.model_calls = Tally()
        self.model_errors = Tally()
        self.model_s = Distribution(SLOW_S)
        self.model_first_s = Distribution(SLOW_S)
        self.tokens = Tally()
        self.tool_calls = Tally()
        self.tool_s = Distribution(SLOW_S)

    def claimed(self, attempt: int, waited_s: float) -> None:
        """An attempt has the run. `waited_s`: since its message was stored."""
        if attempt > 1:
            self.takeovers += 1
        else:
            self.queued_s.observe(waited_s)

    def over(self, agent: str, end: ev.RunEnd) -> None:
        """The run's last event is stored."""
        agent = agent if agent in self._agents else "unknown"
        outcome = str(type(end).__struct_config__.tag).removeprefix("run.")
        self.ended.add(agent, outcome)
        self.run_s.observe(end.duration_ms / 1000, agent)
        if isinstance(end, ev.RunFailed):
            self.failed.add(end.code)
        for usage in end.usage:
            self.tokens.add(usage.model, "input", count=usage.input)
            self.tokens.add(usage.model, "output", count=usage.output)

    def register(self, metrics: Metrics) -> None:
        metrics.distribution(
            "anabranch_run_queued_seconds", "From a stored message to its first attempt.", self.queued_s
        )
        metrics.counter(
            "anabranch_takeovers", "Runs begun by another worker and gone on with here.", lambda: self.takeovers
        )
        metrics.tally(
            "anabranch_attempts_lost",
            "Attempts that ended before their run, by the code of the reason.",
            ["code"],
            self.attempts_lost,
        )
        metrics.counter("anabranch_commands_dead", "Commands put aside as dead letters.", lambda: self.commands_dead)
        metrics.tally("anabranch_runs", "Runs that ended here.", ["agent", "outcome"], self.ended)
        metrics.tally("anabranch_runs_failed", "Failed runs by code.", ["code"], self.failed)
        metrics.distributions(
            "anabranch_run_seconds", "From the first attempt's start to the end.", ["agent"], self.run_s
        )
        metrics.distribution(
            "anabranch_run_first_message_seconds",
            "From a stored message to the first one of its answer.",
            self.answered_s,
        )
        metrics.tally("anabranch_model_calls", "Calls of a model.", ["model", "outcome"], self.model_calls)
        metrics.tally("anabranch_model_errors", "Calls of a model that failed, by code.", ["code"], self.model_errors)
        metrics.distribution("anabranch_model_seconds", "From asking a model to the end of its answer.", self.model_s)
        metrics.distribution(
            "anabranch_model_first_token_seconds", "From asking a model to the first it says.", self.model_first_s
        )
        metrics.tally("anabranch_model_tokens", "Tokens of ended runs.", ["model", "direction"], self.tokens)
        metrics.tally("anabranch_tool_calls", "Calls of tools.", ["tool", "outcome"], self.tool_calls)
        metrics.distribution("anabranch_tool_seconds", "How long tools took.", self.tool_s)


def register_lanes(metrics: Metrics, slots: int, lanes: Callable[[], Iterable[Lane]]) -> None:
    """Export how full the worker is. `lanes`: those of the runs that go on now."""

    def count(of: Callable[[Lane], int]) -> Callable[[], float]:
        return lambda: sum(map(of, lanes()))

    metrics.gauge("anabranch_slots", "Runs that this worker may run at once.", lambda: slots)
    metrics.gauge("anabranch_lanes_open", "Runs that go on in this worker.", count(lambda _: 1))
    metrics.gauge("anabranch_lanes_in_flight", "Lanes with a frame on its way.", count(lambda lane: lane.in_flight))
    metrics.gauge("anabranch_lanes_full", "Lanes that hold back their source.", count(lambda lane: lane.full))
    metrics.gauge(
        "anabranch_lane_events_waiting",
        "Events that are not stored yet.",
        count(lambda lane: lane.added - lane.stored_count),
    )
