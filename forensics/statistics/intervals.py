"""Intervals of rates, counts and their differences.

Clopper and Pearson (1934) and Garwood (1936) ask at which rate the observed count, or one further out, has the chance that is left. The
logarithm of that chance is concave in the logarithm of the odds (of the rate), so Newton's method finds it from a good start in a few
steps, with tails that are summed exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from forensics.statistics.distributions import Binomial, Floats, Poisson
from forensics.statistics.tables import counts
from forensics.statistics.tails import tail_ratio

_STEPS = 60
_FAR = 3.0  # a step of Newton's method goes at most so far in logarithms


def normal_quantile(confidence: float) -> float:
    """Return the quantile that leaves half of what `confidence` leaves above (Wichura 1988, by the standard library)."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def _wilson(count: float, total: float, z: float) -> tuple[float, float]:
    share, square = count / total, z * z
    centre = (share + square / (2 * total)) / (1 + square / total)
    half = z * math.sqrt(share * (1 - share) / total + square / (4 * total * total)) / (1 + square / total)
    return (max(0.0, centre - half) if count else 0.0), (min(1.0, centre + half) if count < total else 1.0)


def wilson_interval(k: int, n: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return Wilson's score interval of a rate (Wilson 1927), or None where the total is zero."""
    return _wilson(k, n, normal_quantile(confidence)) if n else None


def newcombe_interval(
    k1: float, n1: float, k2: float, n2: float, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Return the interval of `k1/n1 - k2/n2` (Newcombe's method 10, 1998), or None where a total is zero; counts may be effective ones."""
    if not n1 or not n2:
        return None
    z = normal_quantile(confidence)
    p1, p2 = k1 / n1, k2 / n2
    low1, high1 = _wilson(k1, n1, z)
    low2, high2 = _wilson(k2, n2, z)
    below = math.sqrt((p1 - low1) ** 2 + (high2 - p2) ** 2)
    above = math.sqrt((high1 - p1) ** 2 + (p2 - low2) ** 2)
    return p1 - p2 - below, p1 - p2 + above


def clopper_pearson(k: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Return Clopper and Pearson's exact interval of rates, over arrays: it covers at least `confidence`; (0, 1) where `n` is 0.

    Raises:
        ValueError: a count is negative, no whole number, or larger than its total.

    """
    successes, trials = counts(k, n)
    if (successes > trials).any():
        raise ValueError("there are more events than trials")
    left = (1 - confidence) / 2
    low = 1 / (1 + np.exp(_upper_log_odds(trials - successes, trials, left)))
    high = 1 / (1 + np.exp(-_upper_log_odds(successes, trials, left)))
    return low, high


def _upper_log_odds(k: Floats, n: Floats, left: float) -> Floats:
    """Return the log odds at which `k` or fewer of `n` have the chance `left`; infinite where k = n, since no odds make that so rare."""
    result = np.full(k.shape, np.inf)
    there = np.flatnonzero(k < n)
    successes, trials = k[there], n[there]

    def move(log_odds: Floats) -> Floats:
        chance, rest = 1 / (1 + np.exp(-log_odds)), 1 / (1 + np.exp(log_odds))
        count = Binomial(trials, chance, rest)
        ratio = tail_ratio(count, successes, upward=False)
        return (count.log_chance(successes) + np.log(ratio) - math.log(left)) * ratio / ((trials - successes) * chance)

    result[there] = _solved(_start(successes, trials, -NormalDist().inv_cdf(left)), move)
    return result


def _start(k: Floats, n: Floats, z: float) -> Floats:
    """Return about the log odds at which `k` or fewer of `n` are as rare as `z`: Paulson's approximation of a quantile of F (1942)."""
    a, b = 1 / (9 * (n - k)), 1 / (9 * (k + 1))
    root = np.sqrt(np.maximum(b * (1 - a) ** 2 + a * (1 - b) ** 2 - a * b * z * z, 0.0))
    quantile = ((1 - a) * (1 - b) + z * root) / np.maximum((1 - a) ** 2 - a * z * z, 0.1)
    log_odds: Floats = np.log((k + 1) / (n - k)) + 3 * np.log(np.maximum(quantile, 0.1))
    return log_odds


def poisson_interval(k: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Return Garwood's exact interval of the expected number of events, over arrays.

    Raises:
        ValueError: a count is negative or no whole number.

    """
    (events,) = counts(k)
    left = (1 - confidence) / 2
    z = -NormalDist().inv_cdf(left)
    low, some = np.zeros(events.shape), np.flatnonzero(events > 0)
    low[some] = _poisson_limit(events[some], left, -z)
    return low, _poisson_limit(events, left, z)


def _poisson_limit(k: Floats, left: float, z: float) -> Floats:
    """Return the mean at which `k` or fewer (z > 0), or `k` or more (z < 0), have the chance `left`."""
    upper = z > 0

    def move(log_mean: Floats) -> Floats:
        mean = np.exp(log_mean)
        count = Poisson(mean)
        ratio = tail_ratio(count, k, upward=not upper)
        slope = -mean / ratio if upper else k / ratio
        return (math.log(left) - count.log_chance(k) - np.log(ratio)) / slope

    shape = k + 1 if upper else k  # Wilson and Hilferty 1931
    return np.exp(
        _solved(np.log(shape) + 3 * np.log(np.maximum(1 - 1 / (9 * shape) + z / (3 * np.sqrt(shape)), 0.1)), move)
    )


def _solved(start: Floats, move: Callable[[Floats], Floats]) -> Floats:
    """Return where `move` comes to rest; far below the error of the start the steps square their error."""
    found = start
    for _ in range(_STEPS):
        step = np.clip(move(found), -_FAR, _FAR)
        found = found + step
        if not (np.abs(step) > 1e-11).any():
            return found
    raise ArithmeticError("an interval did not converge")


def zero_event_bound(total: int, confidence: float = 0.95) -> float:
    """Return the largest rate that zero events in `total` trials leave possible (Clopper-Pearson, one-sided; about 3/n at 95 %)."""
    return 1.0 if total <= 0 else -math.expm1(math.log1p(-confidence) / total)
