"""Counting: what Prometheus is given, and that labels stay few whatever a client sends."""

from prometheus_client.parser import text_string_to_metric_families

from services.metrics import LABELS_MAX, Distribution, Distributions, Metrics, Tally


def exported(metrics):
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("anabranch")
    }


def test_a_distribution_is_a_histogram_with_cumulative_bounds():
    metrics, distribution = Metrics(), Distribution((0.1, 1.0))
    metrics.distribution("anabranch_x_seconds", "X.", distribution)
    for value in (0.05, 0.1, 0.5, 7.0):
        distribution.observe(value)

    assert exported(metrics) == {
        ("anabranch_x_seconds_bucket", (("le", "0.1"),)): 2.0,
        ("anabranch_x_seconds_bucket", (("le", "1.0"),)): 3.0,
        ("anabranch_x_seconds_bucket", (("le", "+Inf"),)): 4.0,
        ("anabranch_x_seconds_count", ()): 4.0,
        ("anabranch_x_seconds_sum", ()): 7.65,
    }


def test_a_counter_is_read_when_it_is_scraped():
    metrics, count = Metrics(), 1
    metrics.counter("anabranch_x", "X.", lambda: count)
    first = exported(metrics)
    count = 5

    assert first == {("anabranch_x_total", ()): 1.0}
    assert exported(metrics) == {("anabranch_x_total", ()): 5.0}


def test_a_label_is_exported_with_its_count():
    metrics, tally = Metrics(), Tally()
    metrics.tally("anabranch_x", "X.", ["agent", "outcome"], tally)
    tally.add("team", "completed")
    tally.add("team", "completed", count=2)

    assert exported(metrics) == {("anabranch_x_total", (("agent", "team"), ("outcome", "completed"))): 3.0}


def test_a_label_that_is_known_is_exported_before_it_is_counted():
    metrics = Metrics()
    metrics.tally("anabranch_x", "X.", ["reason"], Tally("lost"))

    assert exported(metrics) == {("anabranch_x_total", (("reason", "lost"),)): 0.0}


def test_labels_beyond_the_bound_are_counted_together():
    tally, distributions = Tally(), Distributions((1.0,))
    for number in range(LABELS_MAX + 10):
        tally.add(str(number), "x")
        distributions.observe(0.5, str(number))

    assert len(tally.counts) == len(distributions.by_labels) == LABELS_MAX + 1
    assert tally.counts["other", "other"] == 10
    assert distributions.by_labels["other",].counts == [10, 0]
