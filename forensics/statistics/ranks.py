"""Quantities such as latencies and sizes: rank-sum test and differences of quantiles, from histograms.

A histogram is two arrays of counts, canary and baseline, over the distinct values in ascending order; the engine makes it with one
`group by value order by value`. Strata are lists of histograms: phases are never pooled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from forensics.statistics.distributions import Binomial, Floats, Mask
from forensics.statistics.tables import counts
from forensics.statistics.tails import SMALLEST, PValues, exact_tests

Histogram = tuple[ArrayLike, ArrayLike]


@dataclass(frozen=True, slots=True)
class RankSum:
    """P-values of the rank-sum test, and the chance that a canary value exceeds a baseline value (ties count half)."""

    two_sided: float
    lower: float
    higher: float
    superiority: float


def rank_sum(strata: Sequence[Histogram]) -> RankSum | None:
    """Return the rank-sum test of histograms by phase, or None where no phase has both cohorts.

    With one phase it is Mann and Whitney's test (1947) with mid-ranks for ties, the tie-corrected variance, the normal tail and a continuity
    correction of one half, as scipy's mannwhitneyu(method="asymptotic") and R's wilcox.test(exact = FALSE). Phases are put together by van
    Elteren (1960): each one's rank sum is weighted by 1/(n + 1).

    Raises:
        ValueError: a count is negative or no whole number.

    """
    parts = [part for part in (_mann_whitney(*counts(*histogram)) for histogram in strata) if part]
    if not parts:
        return None
    weights = [1 / (part.size + 1) for part in parts]
    difference = sum(weight * part.difference for weight, part in zip(weights, parts, strict=True))
    spread = math.sqrt(sum(weight * weight * part.variance for weight, part in zip(weights, parts, strict=True)))
    pairs = sum(weight * part.pairs for weight, part in zip(weights, parts, strict=True))
    superiority = 0.5 + difference / pairs
    if not spread:
        return RankSum(1.0, 1.0, 1.0, superiority)
    half = 0.5 * max(weights)
    two_sided = 2 * _normal_tail((abs(difference) - half) / spread)
    lower, higher = _normal_tail(-(difference + half) / spread), _normal_tail((difference - half) / spread)
    return RankSum(min(1.0, two_sided), lower, higher, superiority)


@dataclass(frozen=True, slots=True)
class _MannWhitney:
    """Number of pairs, U less its mean, variance of U, and number of values."""

    pairs: float
    difference: float
    variance: float
    size: float


def _mann_whitney(canary: Floats, baseline: Floats) -> _MannWhitney | None:
    first, second, tied = float(canary.sum()), float(baseline.sum()), canary + baseline
    size = first + second
    if not first or not second:
        return None
    below = np.cumsum(baseline) - baseline
    u = float(canary @ (below + 0.5 * baseline))
    ties = float(((tied / size) ** 3 - tied / size**3).sum()) * size**3
    variance = first * second / 12 * (size + 1 - ties / (size * max(size - 1, 1)))
    return _MannWhitney(first * second, u - first * second / 2, max(variance, 0.0), size)


def _normal_tail(z: float) -> float:
    return max(0.5 * math.erfc(z / math.sqrt(2)), SMALLEST)


@dataclass(frozen=True, slots=True)
class QuantileDifference:
    """A quantile of both cohorts, canary minus baseline, and its interval; an end is None where the sample is too small to have one."""

    canary: float
    baseline: float
    difference: float
    low: float | None
    high: float | None


def quantile_difference(
    values: ArrayLike, histogram: Histogram, quantile: float, confidence: float = 0.95
) -> QuantileDifference | None:
    """Return the difference of a quantile of two cohorts, or None where one has no values.

    The quantile is the smallest value with at least this share of values up to it (the engine's quantile_disc). Each cohort's interval is
    that of order statistics by the exact binomial, which makes no assumption about the distribution (Conover, Practical Nonparametric
    Statistics, 3.2; Woodruff 1952); the two are put together by MOVER (Zou and Donner 2008).

    Raises:
        ValueError: a count is negative or no whole number, or the quantile is not between 0 and 1.

    """
    if not 0 < quantile < 1:
        raise ValueError("a quantile lies between 0 and 1")
    ordered, (canary, baseline) = np.asarray(values, dtype=float), counts(*histogram)
    if not canary.sum() or not baseline.sum():
        return None
    first, second = (_quantile(ordered, part, quantile, confidence) for part in (canary, baseline))
    difference = first.value - second.value
    low, high = (
        _gap(first.value, first.low, second.value, second.high),
        _gap(first.value, first.high, second.value, second.low),
    )
    return QuantileDifference(
        first.value,
        second.value,
        difference,
        None if low is None else difference - low,
        None if high is None else difference + high,
    )


@dataclass(frozen=True, slots=True)
class _Quantile:
    value: float
    low: float | None
    high: float | None


def _gap(value: float, edge: float | None, other: float, other_edge: float | None) -> float | None:
    return None if edge is None or other_edge is None else math.hypot(value - edge, other - other_edge)


def _quantile(values: Floats, histogram: Floats, quantile: float, confidence: float) -> _Quantile:
    """Return a quantile and the order statistics around it."""
    up_to = np.cumsum(histogram)
    total = float(up_to[-1])
    rank = max(1.0, math.ceil(quantile * total * (1 - 1e-12)))  # 0.29 * 100 is 29.000000000000004
    low, high = _ranks(total, quantile, confidence)

    def at(rank: float) -> float:
        return float(values[np.searchsorted(up_to, rank)])

    return _Quantile(at(rank), at(low) if low >= 1 else None, at(high) if high <= total else None)


def _ranks(total: float, quantile: float, confidence: float) -> tuple[float, float]:
    """Return the ranks of the order statistics between which the quantile lies with at least `confidence`; 0 and total + 1: none does.

    The r-th smallest value lies above the quantile if fewer than r values lie up to it, and their number is binomial.
    """
    left = (1 - confidence) / 2

    def tests(count: Floats) -> PValues:
        same = np.ones_like(count)
        return exact_tests(Binomial(total * same, quantile * same, (1 - quantile) * same), count)

    low = _last(total, lambda rank: tests(rank - 1).lower <= left)
    return low, _last(total, lambda rank: tests(rank).higher > left) + 1


def _last(total: float, holds: Callable[[Floats], Mask]) -> float:
    """Return the last rank of 1 to `total` up to which a condition holds, 0 if it never does; 64 ranks are asked at once."""
    low, high = 0.0, total + 1
    while high - low > 1:
        ranks = np.unique(np.ceil(np.linspace(low, high, 66)[1:-1]))
        ranks = ranks[ranks < high]
        count = int(holds(ranks).sum())
        low, high = ([low, *ranks.tolist(), high][count + place] for place in (0, 1))
    return low
