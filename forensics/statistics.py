"""Exact tests and intervals from integer counts.

Definitions: Fisher (Agresti, Categorical Data Analysis, 3.5), exact conditional test over strata (the sum of independent hypergeometric
variables; Mehta, Patel and Gray 1985), Newcombe's method 10 (Statistics in Medicine 17:873, 1998), Benjamini and Hochberg 1995,
Clopper and Pearson's bound for zero events. Logarithms of factorials by `math.lgamma`: the relative error of a p-value stays below
1e-8 for totals up to a million; anything below 1e-15 is only "smaller".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

MAX_SUPPORT = 20_000
_TIE = 1 + 1e-7  # tables as likely as the observed one count, in spite of rounding


@dataclass(frozen=True, slots=True)
class Stratum:
    """Events and totals of both cohorts in one phase."""

    canary_n: int
    canary_total: int
    baseline_n: int
    baseline_total: int


@dataclass(frozen=True, slots=True)
class Test:
    """P-values: two-sided, and for the canary's rate being lower or higher."""

    two_sided: float
    lower: float
    higher: float
    method: str


def _log_choose(n: int, k: np.ndarray) -> np.ndarray:
    log_gamma = np.array([math.lgamma(x + 1) + math.lgamma(n - x + 1) for x in k.tolist()])
    return math.lgamma(n + 1) - log_gamma


def _distribution(stratum: Stratum) -> tuple[int, np.ndarray]:
    """Return the smallest possible count of canary events and the probabilities from there on, margins fixed."""
    events = stratum.canary_n + stratum.baseline_n
    low, high = max(0, events - stratum.baseline_total), min(stratum.canary_total, events)
    support = np.arange(low, high + 1)
    logs = _log_choose(stratum.canary_total, support) + _log_choose(stratum.baseline_total, events - support)
    weights = np.exp(logs - logs.max())
    return low, weights / weights.sum()


def stratified_test(strata: Sequence[Stratum]) -> Test:
    """Return the exact conditional test over phases; with one stratum it is Fisher's. Phases are never pooled.

    Where the support exceeds 20,000 counts the Cochran-Mantel-Haenszel normal form is used and named.
    """
    useful = [s for s in strata if s.canary_total and s.baseline_total]
    sizes = sum(min(s.canary_total, s.canary_n + s.baseline_n) + 1 for s in useful)
    if not useful:
        return Test(1.0, 1.0, 1.0, "no stratum has both cohorts")
    if sizes > MAX_SUPPORT:
        return _mantel_haenszel(useful)
    low, density = 0, np.ones(1)
    for stratum in useful:
        start, part = _distribution(stratum)
        low, density = low + start, np.convolve(density, part)
    index = sum(s.canary_n for s in useful) - low
    observed = density[index]
    two = float(density[density <= observed * _TIE].sum())
    method = "Fisher exact" if len(useful) == 1 else f"exact conditional over {len(useful)} phases"
    return Test(
        min(1.0, two), min(1.0, float(density[: index + 1].sum())), min(1.0, float(density[index:].sum())), method
    )


def _mantel_haenszel(strata: Sequence[Stratum]) -> Test:
    difference = variance = 0.0
    for s in strata:
        total, events = s.canary_total + s.baseline_total, s.canary_n + s.baseline_n
        difference += s.canary_n - events * s.canary_total / total
        if total > 1:
            variance += s.canary_total * s.baseline_total * events * (total - events) / (total * total * (total - 1))
    if variance == 0:
        return Test(1.0, 1.0, 1.0, "no variation")
    z = difference / math.sqrt(variance)
    lower, higher = 0.5 * math.erfc(-z / math.sqrt(2)), 0.5 * math.erfc(z / math.sqrt(2))
    return Test(math.erfc(abs(z) / math.sqrt(2)), lower, higher, f"Cochran-Mantel-Haenszel over {len(strata)} phases")


def _wilson(count: float, total: float, z: float) -> tuple[float, float]:
    share, square = count / total, z * z
    centre = (share + square / (2 * total)) / (1 + square / total)
    half = z * math.sqrt(share * (1 - share) / total + square / (4 * total * total)) / (1 + square / total)
    return centre - half, centre + half


def newcombe_interval(
    k1: float, n1: float, k2: float, n2: float, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Return the interval of `k1/n1 - k2/n2` (Newcombe's method 10), or None where a total is zero."""
    if not n1 or not n2:
        return None
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p1, p2 = k1 / n1, k2 / n2
    low1, high1 = _wilson(k1, n1, z)
    low2, high2 = _wilson(k2, n2, z)
    below = math.sqrt((p1 - low1) ** 2 + (high2 - p2) ** 2)
    above = math.sqrt((high1 - p1) ** 2 + (p2 - low2) ** 2)
    return p1 - p2 - below, p1 - p2 + above


def stratified_difference(strata: Sequence[Stratum]) -> float | None:
    """Return the Mantel-Haenszel weighted difference of the rates, canary minus baseline."""
    weights = [
        (s, s.canary_total * s.baseline_total / (s.canary_total + s.baseline_total))
        for s in strata
        if s.canary_total and s.baseline_total
    ]
    total = sum(weight for _, weight in weights)
    if not total:
        return None
    return (
        sum(weight * (s.canary_n / s.canary_total - s.baseline_n / s.baseline_total) for s, weight in weights) / total
    )


def stratified_interval(strata: Sequence[Stratum]) -> tuple[float, float] | None:
    """Return the interval of `stratified_difference`: Newcombe's of each phase, put together by MOVER (Zou and Donner 2008)."""
    parts = []
    for s in strata:
        interval = newcombe_interval(s.canary_n, s.canary_total, s.baseline_n, s.baseline_total)
        if interval:
            difference = s.canary_n / s.canary_total - s.baseline_n / s.baseline_total
            parts.append(
                (s.canary_total * s.baseline_total / (s.canary_total + s.baseline_total), difference, *interval)
            )
    total = sum(weight for weight, *_ in parts)
    if not total:
        return None
    centre = sum(weight * difference for weight, difference, *_ in parts) / total
    below = math.sqrt(sum((weight * (difference - low)) ** 2 for weight, difference, low, _ in parts)) / total
    above = math.sqrt(sum((weight * (high - difference)) ** 2 for weight, difference, _, high in parts)) / total
    return centre - below, centre + above


def zero_event_bound(total: int, confidence: float = 0.95) -> float:
    """Return the largest rate that zero events in `total` trials leave possible (Clopper-Pearson; about 3/n)."""
    return 1.0 if total <= 0 else float(1 - (1 - confidence) ** (1 / total))


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return q-values in the order given."""
    count = len(p_values)
    order = sorted(range(count), key=lambda index: (p_values[index], index))
    q_values, smallest = [1.0] * count, 1.0
    for rank in range(count, 0, -1):
        index = order[rank - 1]
        smallest = min(smallest, p_values[index] * count / rank)
        q_values[index] = smallest
    return q_values
