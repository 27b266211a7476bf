from tests.bench.viewers import Arrivals


def test_a_window_in_which_nothing_came_took_as_long_as_the_window():
    report = Arrivals().report(5.0)

    assert report["frames"] == 0
    assert report["p50"] == report["p99"] == 5000.0
