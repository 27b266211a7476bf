from services.persister.breaker import FAILURES_MAX, LONGEST_S, Breaker


def test_pauses_grow_and_stay_within_their_bound():
    breaker = Breaker()
    pauses = [breaker.failed(0.5) for _ in range(2_000)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 0.2
    assert pauses[-1] == LONGEST_S


def test_chance_spreads_persisters_over_half_to_one_and_a_half_of_the_pause():
    assert Breaker().failed(0.0) * 3 == Breaker().failed(1.0)


def test_it_opens_after_some_failures_in_a_row_and_closes_with_a_success():
    breaker = Breaker()
    for _ in range(FAILURES_MAX):
        assert not breaker.open
        breaker.failed(0.5)
    assert breaker.open
    breaker.succeeded()
    assert not breaker.open
