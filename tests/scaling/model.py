# ruff: noqa: RUF001 (a multiplication sign is what is meant)
"""The arithmetic of docs/scaling.md. Pure: what a run costs, and from how many runs on something is full.

A run-second is one second of one run that goes on. Costs are for three copies of everything, in one cluster.
"""

from __future__ import annotations

import math

import msgspec

from tests.scaling.inputs import Inputs

GIB = 1024**3
KIB = 1024
COPIES = 3
BEATS = 3
"""Heartbeats of a run in one `ack_wait`."""

LOOKS = 2
"""Requests with which a gateway looks at a silent conversation: the log, and the leader about the lane `in`."""

DAY_S = 86_400


class Model:
    """Per run-second, unless a name says otherwise."""

    def __init__(self, inputs: Inputs) -> None:
        self.i = inputs

    # --- what a run does

    @property
    def tokens(self) -> float:
        return self.i.tokens_s * self.i.speaking

    @property
    def frames(self) -> float:
        """A lane sends at most one frame in `spacing_ms`, with what has come meanwhile."""
        return self.i.speaking * min(self.i.tokens_s, 1000 / self.i.spacing_ms)

    @property
    def log_bytes(self) -> float:
        """Adjacent tokens of one frame are one event: each further one costs its text alone."""
        return self.frames * self.i.frame_bytes + (self.tokens - self.frames) * self.i.token_bytes

    @property
    def starts(self) -> float:
        return 1 / self.i.run_s

    @property
    def beats(self) -> float:
        return BEATS / self.i.ack_wait_s

    @property
    def looks(self) -> float:
        """Requests about the silent conversations that somebody keeps open."""
        return self.i.idle * LOOKS / self.i.idle_check_s

    # --- CPU, in µs

    @property
    def worker_us(self) -> float:
        return self.tokens * self.i.worker_us

    @property
    def gateway_us(self) -> float:
        return self.frames * (self.i.gateway_us + max(self.i.watching - 1, 0) * self.i.another_us)

    @property
    def append_us(self) -> float:
        """Of all nodes together, as everything about the broker."""
        return COPIES * self.frames * self.i.append_us

    @property
    def queue_us(self) -> float:
        """Of `AB_COMMANDS` alone."""
        commands = self.starts * (self.i.publish_us + self.i.fetch_us + self.i.ack_us)
        return COPIES * (commands + self.beats * self.i.beat_us)

    @property
    def inputs_us(self) -> float:
        """With each heartbeat a worker reads the lane `in`."""
        return COPIES * self.beats * self.i.leader_us

    @property
    def looks_us(self) -> float:
        return COPIES * self.looks / LOOKS * (self.i.look_us + self.i.leader_us)

    @property
    def persister_us(self) -> float:
        return self.starts * self.i.persister_ms * 1000

    @property
    def database_us(self) -> float:
        return self.starts * self.i.database_ms * 1000

    @property
    def broker_us(self) -> float:
        return self.append_us + self.queue_us + self.inputs_us + self.looks_us

    # --- memory of one node, in bytes for each run that goes on

    @property
    def ids_bytes(self) -> float:
        """Each node of three remembers the message ids of all streams; a mirror remembers none."""
        return self.frames * self.i.duplicate_s * self.i.duplicate_kb * KIB

    @property
    def watched_bytes(self) -> float:
        return (min(self.i.watching, 1) + self.i.idle) * self.i.watched_kb * KIB

    # --- what a number of runs needs

    def cores(self, us: float, runs: float) -> float:
        """Cores busy to `load`, for `us` per run-second."""
        return runs * us / 1e6 / self.i.load

    def nodes(self, runs: float) -> int:
        """Of `node_cores`. A stream is on three of them."""
        return max(COPIES, math.ceil(self.cores(self.broker_us, runs) / self.i.node_cores))

    def clusters(self, runs: float) -> int:
        """By nodes; by what more nodes do not divide: the one queue of commands, and the conversations watched, which every
        node of a cluster knows (in half of its memory).
        """
        by_memory = runs * self.watched_bytes / (self.i.node_memory_gib * GIB / 2)
        return math.ceil(max(self.nodes(runs) / self.i.cluster_nodes, self.cores(self.queue_us, runs), by_memory))

    def slots(self, runs: float) -> int:
        """Partitions."""
        return math.ceil(runs * self.frames / self.i.partition_frames_s)

    def worker_pods(self, runs: float) -> int:
        return max(math.ceil(runs / self.i.slots), math.ceil(self.cores(self.worker_us, runs)))

    def gateway_pods(self, runs: float) -> int:
        """A process has one core; the autoscaler's bounds are whichever is reached first."""
        by_viewers = runs * (self.i.watching + self.i.idle) / self.i.viewers
        return math.ceil(max(by_viewers, self.cores(self.gateway_us, runs)))

    def persister_pods(self, runs: float) -> int:
        return math.ceil(self.cores(self.persister_us, runs))

    def databases(self, runs: float) -> int:
        return math.ceil(self.cores(self.database_us, runs) / self.i.database_cores)

    def log_kept_s(self, runs: float) -> float:
        """How far back the log goes, as configured."""
        return min(self.i.partitions * self.i.log_gib * GIB / (runs * self.log_bytes), self.i.log_age_s)

    def archived_bytes_day(self, runs: float) -> float:
        return runs * self.starts * self.i.run_kb * KIB * DAY_S

    @property
    def conversation_kb(self) -> float:
        return self.i.runs_per_conversation * self.i.run_kb


class Limit(msgspec.Struct, frozen=True):
    """`runs` at once, from which on `what` is full."""

    runs: float
    what: str
    then: str


def limits(inputs: Inputs) -> list[Limit]:
    """What breaks in the overlay `production`, first things first."""
    model, i = Model(inputs), inputs
    log = i.partitions * i.log_gib * GIB / model.log_bytes
    found = [
        Limit(
            i.load * 1e6 * COPIES * i.node_requests / model.broker_us,
            f"the {i.node_requests:g} core that each of three brokers requests",
            f"nodes of {i.node_cores:g} cores, and more of them",
        ),
        Limit(
            log / i.log_s,
            f"{i.log_s / 3600:g} h of log in {i.partitions:g} × {i.log_gib:g} GiB (`AnabranchLogShort`)",
            "larger volumes and `ANABRANCH_EVENTS_BYTES`; frames further apart",
        ),
        Limit(
            i.workers * i.slots,
            f"{i.workers:g} workers × {i.slots:g} slots",
            "`maxReplicaCount`, more slots each",
        ),
        Limit(
            i.node_gib * GIB / 2 / (model.ids_bytes + model.watched_bytes),
            f"half of a broker's {i.node_gib:g} GiB: message ids of {i.duplicate_s:g} s, watched conversations",
            "memory; streams on more than three nodes; frames further apart",
        ),
        Limit(
            log / i.deadline_s,
            f"the log is shorter than the longest run ({i.deadline_s:g} s): no takeover",
            "as for its hours, above",
        ),
        Limit(
            i.partitions * i.partition_frames_s / model.frames,
            f"{i.partitions:g} leaders × {i.partition_frames_s:,.0f} frames/s",
            "more partitions: old conversations stay where they are",
        ),
        Limit(
            i.held,
            f"`max_ack_pending` of `AB_COMMANDS.workers`: run {i.held + 1:,.0f} waits, with workers idle",
            "raise it, up to what the queue's one leader carries",
        ),
        Limit(
            i.gateways * i.viewers / (i.watching + i.idle),
            f"{i.gateways:g} gateways × {i.viewers:,.0f} viewers",
            "`maxReplicas`; nothing is shared by gateways but the broker",
        ),
        Limit(
            i.gateways * i.load * 1e6 / model.gateway_us,
            f"{i.gateways:g} gateways × {i.load:g} core",
            "the same; frames further apart",
        ),
        Limit(
            i.persisters * i.load * 1e6 / model.persister_us,
            f"{i.persisters:g} persisters",
            "`maxReplicaCount`: they share one queue",
        ),
        Limit(
            i.database_cores * i.load * 1e6 / model.database_us,
            f"one PostgreSQL primary of {i.database_cores:g} cores, its CPU alone",
            "a database per cell; one statement for many seals (not written)",
        ),
        Limit(
            i.load * 1e6 / model.queue_us,
            "`AB_COMMANDS`: one stream, one consumer, one leader, counted as one core",
            "a cell; or a queue per partition (not written)",
        ),
    ]
    return sorted(found, key=lambda limit: limit.runs)
