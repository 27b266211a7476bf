"""Descriptive statistics with an honest interval: the mean's, by resampling."""

from __future__ import annotations

import asyncio
import random
import statistics
from typing import Annotated

import msgspec

from services.agent_worker.tools.tool import Progress, tool

VALUES_MAX = 1_000
RESAMPLES = 20_000
ROUNDS = 10
SEED = 20_240_229
"""The same values give the same interval: a result that changes when it is asked for again convinces nobody."""

Values = Annotated[
    list[float], msgspec.Meta(min_length=1, max_length=VALUES_MAX, examples=[[6650, 6400, 6300, 3730, 2850, 1230]])
]


class Description(msgspec.Struct, frozen=True):
    """`low` to `high` holds the mean with a confidence of 95 %; `deviation` is that of the sample, 0 for one value."""

    count: int
    smallest: float
    largest: float
    mean: float
    median: float
    deviation: float
    low: float
    high: float


@tool
async def describe_values(values: Values, *, progress: Progress) -> Description:
    """Describe a list of numbers: count, extremes, mean, median, standard deviation, and a 95 % interval of the mean."""
    dice = random.Random(SEED)
    means: list[float] = []
    for number in range(1, ROUNDS + 1):
        means += await asyncio.to_thread(_resampled, values, dice)
        await progress("resampling", 100 * number // ROUNDS, f"{len(means)} of {RESAMPLES} samples")
    means.sort()
    described = (min(values), max(values), statistics.fmean(values), statistics.median(values))
    deviation = statistics.stdev(values) if values[1:] else 0.0
    interval = (means[len(means) // 40], means[-1 - len(means) // 40])
    return Description(len(values), *(round(value, 3) for value in (*described, deviation, *interval)))


def _resampled(values: list[float], dice: random.Random) -> list[float]:
    return [statistics.fmean(dice.choices(values, k=len(values))) for _ in range(RESAMPLES // ROUNDS)]
