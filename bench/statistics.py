"""What samples come to: medians, because a shared machine disturbs some of them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Spread:
    """A median. low, high: the quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Spread":
        """Return the spread of two samples or more."""
        low, middle, high = quantiles(samples, n=4)
        return cls(middle, low, high)


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float


def gap(first: Sequence[float], second: Sequence[float]) -> Interval:
    """Return how far the first median lies above the second. Source: the percentile bootstrap."""
    chance = random.Random(0)  # noqa: S311 (the same samples shall always give the same interval)
    gaps = sorted(
        median(chance.choices(first, k=len(first))) - median(chance.choices(second, k=len(second)))
        for _ in range(RESAMPLES)
    )
    edge = RESAMPLES // 40
    return Interval(median(first) - median(second), gaps[edge], gaps[-edge - 1])
