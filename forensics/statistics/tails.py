"""Tails of counts and the exact tests they make, over arrays.

A tail is summed outward from its largest term by ratios of neighbours, so it keeps its digits however small it is. Two-sided p-values
follow the rule of R's fisher.test and binom.test: all outcomes that are not likelier than the observed one, where chances within 1e-7 of
each other count as equal. A mid-p takes half of the outcomes as likely as the observed one (Lancaster 1961; Agresti, Categorical Data
Analysis, 3.5): the observed one, and the one that ties with it on the other side.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from forensics.statistics.distributions import Bounded, Distribution, Floats

TIE = 1e-7
SMALLEST = sys.float_info.min  # 2.2e-308: no p-value is zero, what is smaller than this is given as this
_BLOCK = 1 << 18  # terms computed at once: two megabytes a vector
_NEGLIGIBLE = 1e-18  # of a tail


@dataclass(frozen=True, slots=True)
class PValues:
    """Arrays of p-values: two-sided, for a lower and for a higher count, each also as mid-p.

    `attainable` is the smallest two-sided p that any outcome with the same margins could have had.
    """

    two_sided: Floats
    lower: Floats
    higher: Floats
    mid_p: Floats
    lower_mid_p: Floats
    higher_mid_p: Floats
    attainable: Floats


def tail_ratio(distribution: Distribution, count: Floats, *, upward: bool) -> Floats:
    """Return the chance of `count` and all beyond it, divided by the chance of `count`; that should lie on its side of the mode."""
    total, last = np.ones_like(count), np.ones_like(count)
    active, edge, step, width = np.arange(count.size), count.copy(), 1.0 if upward else -1.0, 8
    while active.size:
        width = max(16, min(4 * width, _BLOCK // active.size))
        counts = edge[active, None] + step * np.arange(width)
        members = distribution.take(active[:, None])
        ratios = members.up(counts) if upward else members.down(counts)
        terms = np.cumprod(ratios, axis=1) * last[active, None]
        total[active] += terms.sum(axis=1)
        last[active], edge[active] = terms[:, -1], edge[active] + step * width
        active = active[np.abs(terms[:, -1]) > _NEGLIGIBLE * total[active]]
    return total


def exact_tests(distribution: Bounded, observed: Floats) -> PValues:
    """Return the tests of `observed` counts; where an outcome is the only possible one every p is 1."""
    flipped = observed < distribution.mean
    seen = np.where(flipped, distribution.whole - observed, observed)
    mirrored = distribution.mirrored(flipped)
    log = mirrored.log_chance(seen)
    chance = np.exp(log)
    own = chance * tail_ratio(mirrored, seen, upward=True)
    other, tied = _other_tail(mirrored, seen, log)
    rest, half, two_sided = 1 - own + chance, 0.5 * chance, own + other
    lower, higher = np.where(flipped, own, rest), np.where(flipped, rest, own)
    return PValues(
        two_sided=_bounded(two_sided),
        lower=_bounded(lower),
        higher=_bounded(higher),
        mid_p=_bounded(two_sided - half - 0.5 * tied),
        lower_mid_p=_bounded(lower - half),
        higher_mid_p=_bounded(higher - half),
        attainable=smallest_p(distribution),
    )


def smallest_p(distribution: Bounded) -> Floats:
    """Return the smallest two-sided p of any outcome (Tarone 1990): the less likely end, or both where they tie."""
    ends = [distribution.log_chance(distribution.low), distribution.log_chance(distribution.high)]
    least = np.minimum(*ends)
    tied = (np.abs(ends[0] - ends[1]) <= TIE) & (distribution.low < distribution.high)
    return _bounded(np.exp(least) * (1.0 + tied))


def _bounded(p_values: Floats) -> Floats:
    return np.clip(p_values, SMALLEST, 1.0)


def _other_tail(distribution: Bounded, seen: Floats, log: Floats) -> tuple[Floats, Floats]:
    """Return the chance of all below `seen` that are not likelier, and of the highest of them if it is as likely."""
    count = _not_likelier(distribution, seen, log)
    there = np.flatnonzero(count >= distribution.low)
    members, edge = distribution.take(there), count[there]
    chance = np.exp(members.log_chance(edge))
    sums, tied = np.zeros_like(seen), np.zeros_like(seen)
    sums[there] = chance * tail_ratio(members, edge, upward=False)
    tied[there] = np.where(np.log(np.maximum(chance, SMALLEST)) >= log[there] - TIE, chance, 0.0)
    return sums, tied


def _not_likelier(distribution: Bounded, seen: Floats, log: Floats) -> Floats:
    """Return the highest count below `seen` that is not likelier, one below the lowest if there is none, by bisection.

    Chances rise to the mode and fall to `seen`, so from below all counts up to one are not likelier and all from there on are.
    """
    least, most = distribution.low - 1, seen.copy()
    next_down = distribution.down(seen) <= 1 + TIE
    least = np.where(next_down & (seen > distribution.low), seen - 1, least)
    active = np.flatnonzero(most - least > 1)
    while active.size:
        middle = np.floor((least[active] + most[active]) / 2)
        likelier = distribution.take(active).log_chance(middle) > log[active] + TIE
        most[active[likelier]], least[active[~likelier]] = middle[likelier], middle[~likelier]
        active = active[most[active] - least[active] > 1]
    return least
