"""What a service counts, and how Prometheus reads it: plain numbers that the code adds to, made into metrics at a scrape.

Nothing here takes a lock or looks anything up in a registry while it counts, so the hot path can afford it. Labels are
bounded by construction: a `Tally` or `Distributions` knows LABELS_MAX combinations and counts what comes after as `other`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

LABELS_MAX = 64
"""Combinations of label values of one metric: more than any of ours has, and nothing to a Prometheus."""

QUICK_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Buckets for what should take milliseconds."""

SLOW_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
"""Buckets for what a model or a person takes its time for."""

SIZES = (1e2, 1e3, 1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7, 1e8)
"""Buckets for bytes."""

COUNTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Buckets for how many of something come together."""

Labels = tuple[str, ...]


class Tally:
    """Counts by label values. `known` are exported from the start, at 0: of a counter that appears with its first event, a
    Prometheus sees no increase.
    """

    __slots__ = ("counts",)

    def __init__(self, *known: str) -> None:
        self.counts: dict[Labels, int] = {(value,): 0 for value in known}

    def add(self, *labels: str, count: int = 1) -> None:
        labels = bounded(labels, self.counts)
        self.counts[labels] = self.counts.get(labels, 0) + count


class Distribution:
    """How often a value fell under each of the upper bounds, as a Prometheus histogram."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Distributions:
    """A Distribution for each combination of label values."""

    __slots__ = ("_bounds", "by_labels")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.by_labels: dict[Labels, Distribution] = {}

    def observe(self, value: float, *labels: str) -> None:
        labels = bounded(labels, self.by_labels)
        found = self.by_labels.get(labels)
        if found is None:
            found = self.by_labels[labels] = Distribution(self._bounds)
        found.observe(value)


def bounded(labels: Labels, known: Mapping[Labels, object]) -> Labels:
    """The labels, or as many times `other` if they are new and LABELS_MAX are known."""
    if labels in known or len(known) < LABELS_MAX:
        return labels
    return ("other",) * len(labels)


class Metrics:
    """Everything a process exports. Each metric is read by the function it is registered with, at a scrape."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def counter(self, name: str, description: str, read: Callable[[], float]) -> None:
        self._add(lambda: [CounterMetricFamily(name, description, value=read())])

    def gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        self._add(lambda: [GaugeMetricFamily(name, description, value=read())])

    def gauges(
        self, name: str, description: str, labels: Sequence[str], read: Callable[[], Mapping[Labels, float]]
    ) -> None:
        def collect() -> Iterable[Metric]:
            family = GaugeMetricFamily(name, description, labels=labels)
            for values, value in read().items():
                family.add_metric(values, value)
            return [family]

        self._add(collect)

    def tally(self, name: str, description: str, labels: Sequence[str], tally: Tally) -> None:
        def collect() -> Iterable[Metric]:
            family = CounterMetricFamily(name, description, labels=labels)
            for values, count in tally.counts.items():
                family.add_metric(values, count)
            return [family]

        self._add(collect)

    def distribution(self, name: str, description: str, distribution: Distribution) -> None:
        self._distributions(name, description, (), lambda: {(): distribution})

    def distributions(self, name: str, description: str, labels: Sequence[str], distributions: Distributions) -> None:
        self._distributions(name, description, labels, lambda: distributions.by_labels)

    def _distributions(
        self, name: str, description: str, labels: Sequence[str], read: Callable[[], Mapping[Labels, Distribution]]
    ) -> None:
        def collect() -> Iterable[Metric]:
            family = HistogramMetricFamily(name, description, labels=labels)
            for values, one in read().items():
                bounds = [*map(str, map(float, one.bounds)), "+Inf"]
                family.add_metric(values, list(zip(bounds, accumulate(one.counts), strict=True)), one.total)
            return [family]

        self._add(collect)

    def _add(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self.registry.register(_Collector(collect))

    def exposition(self) -> bytes:
        return generate_latest(self.registry)


class _Collector(Collector):
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()
