"""Summarize samples by medians, because a shared machine disturbs some of them."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TypeVar

RESAMPLES = 1_000
# The same random choices in each run.
CHANCE = random.Random(0)  # noqa: S311 (it keeps no secret)
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Spread:
    """A median. low, high: the quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Spread":
        """Return the spread of at least two samples."""
        low, middle, high = quantiles(samples, n=4)
        return cls(middle, low, high)


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float


def shuffle(items: Iterable[A]) -> list[A]:
    """Return the items in random order, so that none always profits from the caches of the same one before it."""
    whole = list(items)
    return CHANCE.sample(whole, len(whole))


def gap(first: Sequence[float], second: Sequence[float]) -> Interval:
    """Return the first median minus the second. Source: the percentile bootstrap."""
    gaps = sorted(
        median(CHANCE.choices(first, k=len(first))) - median(CHANCE.choices(second, k=len(second)))
        for _ in range(RESAMPLES)
    )
    edge = RESAMPLES // 40
    return Interval(median(first) - median(second), gaps[edge], gaps[-edge - 1])
