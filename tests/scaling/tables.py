"""The tables of docs/scaling.md, by the name that stands before each: `<!-- table: name -->`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

import msgspec

from tests.scaling.inputs import Inputs, sources
from tests.scaling.model import COPIES, GIB, KIB, Model, limits

RUNS = {"10⁴": 1e4, "10⁶": 1e6, "10⁸": 1e8}
FAR_MS = 250
SPACINGS_MS = [16, 100, FAR_MS, 1000]


def tables(inputs: Inputs) -> dict[str, str]:
    """As Markdown."""
    makers = (_assumed, _sourced, _costs, _spacing, _nodes, _limits, _runs)
    return {maker.__name__.lstrip("_"): maker(inputs) for maker in makers}


def short(value: float) -> str:
    """Three digits that matter."""
    if value >= 999.5:
        digits = len(f"{value:.0f}") - 3
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _assumed(inputs: Inputs) -> str:
    """Two in a row."""
    cells = [
        [f"`{name}`", f"{getattr(inputs, name):,g}", source.unit]
        for name, source in sources().items()
        if source.kind == "assumed"
    ]
    half = (len(cells) + 1) // 2
    rows = [left + right for left, right in itertools.zip_longest(cells[:half], cells[half:], fillvalue=[""] * 3)]
    return _table(["assumed", "", "", "assumed", "", ""], rows)


def _sourced(inputs: Inputs) -> str:
    """A row for each kind: a row for each input would be a third of the page."""
    found: dict[str, list[str]] = {"measured": [], "configured": []}
    for name, source in sources().items():
        if source.file:
            found[source.kind].append(f"`{name}` **{getattr(inputs, name):,g}** {source.unit}")
    return _table(["", "input"], [[kind, " · ".join(entries)] for kind, entries in found.items()])


def _costs(inputs: Inputs) -> str:
    model = Model(inputs)
    rows = [
        ("frames", short(model.frames), "frames/s"),
        ("log, one copy", short(model.log_bytes / 1024), "KiB/s"),
        ("worker", short(model.worker_us), "µs CPU"),
        ("brokers: frames stored three times, mirrored, republished", short(model.append_us), "µs CPU of all nodes"),
        ("brokers: command, heartbeats, input", short(model.queue_us + model.inputs_us), "µs CPU of all nodes"),
        (f"brokers: looks at {inputs.idle:g} silent conversations", short(model.looks_us), "µs CPU of all nodes"),
        (f"gateway: {inputs.watching:g} viewer who watches it", short(model.gateway_us), "µs CPU"),
        ("a further viewer of the same conversation", short(model.frames * inputs.another_us), "µs CPU"),
        ("an open page", short(inputs.viewer_kb), "KB of a gateway"),
        ("message ids remembered", short(model.ids_bytes / 1024), "KiB of each node, for each run that goes on"),
        ("persister", short(model.persister_us), "µs CPU"),
        ("PostgreSQL", short(model.database_us), "µs CPU"),
        (
            f"a stored conversation of {inputs.runs_per_conversation:g} runs",
            short(model.conversation_kb),
            "KB of PostgreSQL, for good",
        ),
    ]
    return _table(["a run-second, or what is named", "", "unit"], rows)


def _runs(inputs: Inputs) -> str:
    """As configured, and with frames further apart."""
    far = msgspec.structs.replace(inputs, spacing_ms=FAR_MS)
    columns = [(model, runs) for model in (Model(inputs), Model(far)) for runs in RUNS.values()]
    lines: list[tuple[str, Callable[[Model, float], float]]] = [
        ("frames/s", lambda model, runs: runs * model.frames),
        (f"log of {inputs.log_s / 3600:g} h, TB, one copy", _log_tb),
        ("partitions", Model.slots),
        (f"broker nodes of {inputs.node_cores:g} cores", Model.nodes),
        ("clusters, and so cells", Model.clusters),
        ("workers", Model.worker_pods),
        ("gateways", Model.gateway_pods),
        ("persisters", Model.persister_pods),
        (f"PostgreSQL primaries of {inputs.database_cores:g} cores", Model.databases),
        ("heartbeats/s on `AB_COMMANDS`", lambda model, runs: runs * model.beats),
        ("runs started, and seals, /s", lambda model, runs: runs * model.starts),
        ("looks at silent conversations, requests/s", lambda model, runs: runs * model.looks),
        ("archive grows by, TB a day", lambda model, runs: model.archived_bytes_day(runs) / 1e12),
    ]
    rows = [[name, *(_shorter(needs(*column)) for column in columns)] for name, needs in lines]
    return _table(["runs at once", *RUNS, *(f"{runs}, {FAR_MS:g} ms" for runs in RUNS)], rows)


def _log_tb(model: Model, runs: float) -> float:
    return runs * model.log_bytes * model.i.log_s / 1e12


def _shorter(value: float) -> str:
    return f"{short(value / 1e6)} M" if value >= 1e6 else short(value)


def _nodes(inputs: Inputs) -> str:
    model, i = Model(inputs), inputs
    core_us = i.load * 1e6

    def viewers(count: float) -> str:
        return short(count) + " viewers"

    by_cpu = core_us * i.node_cores * COPIES / model.broker_us
    rows = [
        ("worker", f"{i.slots:g} runs (`ANABRANCH_SLOTS`)", f"{short(core_us / model.worker_us)} runs of our share"),
        (
            "gateway",
            viewers(i.viewers) + " (the autoscaler adds one)",
            f"{short(core_us / model.gateway_us)} runs watched",
        ),
        (
            "gateway, memory",
            viewers(i.gateway_gib * GIB / KIB / i.viewer_kb) + f" in {i.gateway_gib:g} GiB, nothing else counted",
            "",
        ),
        (f"three brokers of {i.node_cores:g} cores", "", f"{short(by_cpu)} runs"),
        (
            "persister",
            "",
            f"{short(core_us / i.persister_ms / 1000)} seals/s: {short(core_us / model.persister_us)} runs",
        ),
        (
            f"PostgreSQL of {i.database_cores:g} cores",
            "",
            f"{short(core_us * i.database_cores / model.database_us)} runs",
        ),
    ]
    return _table(["", "as configured", f"by CPU at {i.load:g} of a core"], rows)


def _limits(inputs: Inputs) -> str:
    return _table(
        ["runs at once", "what is full", "then"],
        [[short(limit.runs), limit.what, limit.then] for limit in limits(inputs)],
    )


def _spacing(inputs: Inputs) -> str:
    def row(spacing_ms: float) -> list[str]:
        spaced = msgspec.structs.replace(inputs, spacing_ms=spacing_ms)
        model = Model(spaced)
        hours = model.log_kept_s(1000) / 3600
        cores = model.cores(model.broker_us, 1000)
        gateways = model.cores(model.gateway_us, 1000)
        memory = 1000 * model.ids_bytes / GIB
        return [f"{spacing_ms:g} ms", *map(short, (model.frames, cores, gateways, memory, hours))]

    head = [
        "`ANABRANCH_FRAME_SPACING_MS`",
        "frames/s of a run",
        "broker cores",
        "gateway cores",
        "GiB of ids a node",
        "h of log",
    ]
    return _table(head, map(row, SPACINGS_MS))
