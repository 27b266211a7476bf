# ruff: noqa: RUF001 (a multiplication sign is what is meant)
"""Inputs of the model of docs/scaling.md: each has a unit and says where it comes from.

`Source.quote` is what stands in `Source.file`, with the number in it: a figure that is measured anew, or a limit that is
changed there, turns a test red until it is changed here, too. What has no source is assumed: that is what a reader changes first.
"""

from __future__ import annotations

import re
from typing import Annotated, get_type_hints

import msgspec

BENCHMARKS = "docs/benchmarks.md"
STREAMS = "deploy/streams.yaml"
AUTOSCALING = "deploy/kubernetes/components/autoscaling"
BROKER = "deploy/kubernetes/components/nats-cluster/nats.yaml"


class Source(msgspec.Struct, frozen=True):
    unit: str
    file: str = ""
    quote: str = ""

    @property
    def kind(self) -> str:
        if not self.file:
            return "assumed"
        return "measured" if self.file == BENCHMARKS else "configured"

    def says(self, value: float) -> bool:
        """Whether `value` is a number of the quote."""
        return value in {
            float(number.replace(",", "").replace("_", "")) for number in re.findall(r"\d[\d,_]*(?:\.\d+)?", self.quote)
        }


PROSE = {
    "400": Source("", BENCHMARKS, "400 runs × 100 tokens/s"),
    "1,000": Source("", BENCHMARKS, "1,000 conversations × 20 frames/s"),
    "20,108": Source("", BENCHMARKS, "20,108/s sustained"),
    "20,000": Source("", "services/gateway/hub.py", "channels_max: int = 20_000"),
    "50": Source("", "services/persister/settings.py", '"ANABRANCH_PERSISTER_BATCH"})] = 50'),
    "29,900": Source("", BENCHMARKS, "29,900 messages/s of 250 B into one stream of three copies"),
    "4,572": Source(
        "", BENCHMARKS, "400 runs, as fast as they can | 6,285; 27, 279 | 667; 857, 1,288 | 8,053; 31, 241 | 4,572;"
    ),
    "1,024": Source("", "docs/settings.md", "streams of the log, 1 to 1024"),
    "0.11": Source("", BENCHMARKS, "syncs take 0.11 ms"),
}
"""Numbers of the page's sentences that no table has."""


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    # --- assumed: what people and agents do, what machines are bought
    tokens_s: Annotated[float, Source("tokens/s of a model that speaks")] = 50
    speaking: Annotated[float, Source("of a run's time, in which a model speaks")] = 0.5
    token_bytes: Annotated[float, Source("B of text a token")] = 5
    run_s: Annotated[float, Source("s from start to end of a run")] = 60
    runs_per_conversation: Annotated[float, Source("runs a conversation has in the end")] = 10
    watching: Annotated[float, Source("viewers of a conversation whose run goes on")] = 1
    idle: Annotated[float, Source("open pages without a run, for each run that goes on")] = 4
    log_s: Annotated[float, Source("s of log that shall be kept")] = 7200
    load: Annotated[float, Source("of a core, planned: the rest is for peaks and failures")] = 0.6
    node_cores: Annotated[float, Source("cores of a broker's node")] = 8
    node_memory_gib: Annotated[float, Source("GiB of memory of such a node")] = 32
    cluster_nodes: Annotated[float, Source("nodes in one cluster of brokers, at most")] = 9
    database_cores: Annotated[float, Source("cores of a PostgreSQL primary")] = 16
    partition_frames_s: Annotated[float, Source("frames/s that one leader is given, of 29,900 that one took")] = 10_000

    # --- measured
    worker_us: Annotated[
        float, Source("µs CPU of a worker per token, one a frame", BENCHMARKS, "alone in its frame: 39 µs")
    ] = 39
    append_us: Annotated[
        float, Source("µs CPU of each of three nodes per frame", BENCHMARKS, "a frame appended | 74 µs |")
    ] = 74
    frame_bytes: Annotated[
        float, Source("B of log per frame of one token", BENCHMARKS, "a frame in the log | 255 B |")
    ] = 255
    publish_us: Annotated[float, Source("µs per command published", BENCHMARKS, "a command published | 45 µs |")] = 45
    fetch_us: Annotated[float, Source("µs per command fetched", BENCHMARKS, "a command fetched | 73 µs |")] = 73
    ack_us: Annotated[float, Source("µs per command acknowledged", BENCHMARKS, "a command acknowledged | 50 µs |")] = 50
    beat_us: Annotated[float, Source("µs per heartbeat", BENCHMARKS, "a heartbeat of a run | 3.3 µs |")] = 3.3
    leader_us: Annotated[
        float, Source("µs per last message asked of a leader", BENCHMARKS, "asked of the leader | 19 µs |")
    ] = 19
    look_us: Annotated[float, Source("µs per look into the log", BENCHMARKS, "that finds nothing | 8 µs |")] = 8
    watched_kb: Annotated[
        float, Source("KB of each node per conversation watched", BENCHMARKS, "a conversation watched | 1.1 KB |")
    ] = 1.1
    gateway_us: Annotated[
        float, Source("µs CPU of a gateway per frame, first viewer", BENCHMARKS, "gateway CPU per frame | 25 µs")
    ] = 25
    another_us: Annotated[float, Source("… and each further viewer", BENCHMARKS, "1,000 viewers: 7.5 µs per frame")] = (
        7.5
    )
    viewer_kb: Annotated[
        float, Source("KB of a gateway per idle viewer", BENCHMARKS, "43 KB with a conversation of its own")
    ] = 43
    persister_ms: Annotated[float, Source("ms CPU of a persister per seal", BENCHMARKS, "persister 5.6 ms")] = 5.6
    database_ms: Annotated[float, Source("ms CPU of PostgreSQL per seal", BENCHMARKS, "PostgreSQL 1.8 ms")] = 1.8
    run_kb: Annotated[float, Source("KB in PostgreSQL per run", BENCHMARKS, "and 22.4 KB in")] = 22.4

    # --- configured: the profile and overlay `production`
    partitions: Annotated[float, Source("partitions", STREAMS, "partitions: 16")] = 16
    log_gib: Annotated[float, Source("GiB of log per partition", STREAMS, "events_bytes: 2GiB")] = 2
    log_age_s: Annotated[float, Source("s of log at most", STREAMS, "events_age_s: 86400 #")] = 86_400
    duplicate_s: Annotated[float, Source("s a message id is remembered", STREAMS, "duplicate_window_s: 120 #")] = 120
    duplicate_kb: Annotated[float, Source("KB of memory per message id", STREAMS, "0.2 KB of memory for each")] = 0.2
    ack_wait_s: Annotated[float, Source("s; a run beats thrice in it", STREAMS, "ack_wait_s: 30 #")] = 30
    held: Annotated[float, Source("commands held at once", STREAMS, "max_ack_pending: 10000 # above")] = 10_000
    node_requests: Annotated[
        float, Source("cores of a broker's node, requested", BROKER, 'requests: {cpu: "1", memory')
    ] = 1
    node_gib: Annotated[float, Source("GiB of memory of a node", BROKER, "limits: {memory: 4Gi}")] = 4
    spacing_ms: Annotated[
        float,
        Source("ms between two frames of a run, at least", "docs/settings.md", "`ANABRANCH_FRAME_SPACING_MS` | `16.0`"),
    ] = 16
    idle_check_s: Annotated[
        float,
        Source("s between two looks at a silent conversation", "services/gateway/hub.py", "check_idle_s: float = 30.0"),
    ] = 30
    slots: Annotated[
        float, Source("runs of a worker", "deploy/kubernetes/base/worker.yaml", 'value: "32" # the autoscaler')
    ] = 32
    workers: Annotated[float, Source("workers, at most", f"{AUTOSCALING}/worker.yaml", "maxReplicaCount: 50")] = 50
    gateways: Annotated[float, Source("gateways, at most", f"{AUTOSCALING}/gateway.yaml", "maxReplicas: 30")] = 30
    gateway_gib: Annotated[
        float, Source("GiB of memory of a gateway", "deploy/kubernetes/base/gateway.yaml", "limits: {memory: 1Gi}")
    ] = 1
    viewers: Annotated[float, Source("viewers of a gateway", f"{AUTOSCALING}/gateway.yaml", 'averageValue: "3000"')] = (
        3000
    )
    persisters: Annotated[
        float, Source("persisters, at most", f"{AUTOSCALING}/persister.yaml", "maxReplicaCount: 8 ")
    ] = 8
    deadline_s: Annotated[
        float, Source("s that a run may last", "docs/settings.md", "`ANABRANCH_RUN_DEADLINE_S` | `900.0`")
    ] = 900


def sources() -> dict[str, Source]:
    """By the name of the input."""
    hints = get_type_hints(Inputs, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}
