"""Pacing, with a clock that the tests move."""

from __future__ import annotations

import random

import pytest

from services.agent_worker.pacing import Credit, Pacing

PACING = Pacing()


def frames_of(
    arrivals: list[float], *, lanes: int = 1, tick: float = 0.005, ack: float = 0.0005
) -> list[tuple[float, int]]:
    """What a lane does with events that arrive at these times: (time, number of events) of each frame."""
    spacing = PACING.spacing(lanes)
    credit = Credit()
    frames = []
    waiting = 0
    free = 0.0
    times = sorted(arrivals)
    offers = sorted([*times, *(number * tick for number in range(int(times[-1] / tick) + 100))])
    for now in offers:
        while times and times[0] <= now:
            times.pop(0)
            waiting += 1
        if waiting and now >= free and credit.allows(now, spacing, PACING.burst):
            credit.spend(now, spacing, PACING.burst)
            frames.append((now, waiting))
            waiting = 0
            free = now + ack
    assert not waiting
    return frames


def test_the_first_event_of_an_idle_lane_leaves_at_once():
    assert Credit().allows(0.0, PACING.spacing(1), PACING.burst)


def test_a_lane_of_fifty_evenly_spaced_events_a_second_is_never_held_up():
    arrivals = [number / 50 for number in range(500)]
    assert [time for time, _ in frames_of(arrivals)] == arrivals


def test_a_lane_of_fifty_unevenly_spaced_events_a_second_is_hardly_ever_held_up():
    source = random.Random(1)
    arrivals, now = [], 0.0
    for _ in range(2000):
        now += max(0.001, source.gauss(0.02, 0.01))
        arrivals.append(now)
    sent = {time for time, count in frames_of(arrivals) if count == 1}
    assert len(sent.intersection(arrivals)) > 0.95 * len(arrivals)


@pytest.mark.parametrize("rate", [150, 300, 1000])
def test_a_busy_lane_makes_frames_of_two_events_or_more(rate):
    arrivals = [number / rate for number in range(rate * 4)]
    frames = frames_of(arrivals)
    assert len(arrivals) / len(frames) >= 2


def test_no_event_of_a_busy_lane_waits_longer_than_the_spacing_and_a_tick():
    arrivals = [number / 400 for number in range(2000)]
    sent = [time for time, count in frames_of(arrivals) for _ in range(count)]
    assert max(left - came for came, left in zip(arrivals, sent, strict=True)) <= PACING.spacing_s + 0.0051


def test_the_spacing_grows_with_the_lanes_to_its_limit():
    assert [PACING.spacing(lanes) for lanes in (1, 20, 200, 400, 4000)] == [0.016, 0.016, 0.025, 0.050, 0.050]


def test_a_lane_that_was_idle_may_send_a_burst_and_no_more():
    credit = Credit()
    spacing = PACING.spacing(1)
    sent = 0
    while credit.allows(100.0, spacing, PACING.burst):
        credit.spend(100.0, spacing, PACING.burst)
        sent += 1
    assert sent == PACING.burst


def test_frames_that_could_not_wait_do_not_run_up_a_debt():
    credit = Credit()
    for _ in range(1000):
        credit.spend(0.0, 0.016, 4)
    assert credit.allows(0.016, 0.016, 4)
