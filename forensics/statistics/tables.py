"""Tests of one table of counts, over arrays of tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from forensics.statistics.distributions import Binomial, Floats, Hypergeometric
from forensics.statistics.tails import PValues, exact_tests, smallest_p


def fisher_exact(a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike) -> PValues:
    """Return Fisher's exact test of tables `[[a, b], [c, d]]`: canary with and without event, baseline with and without.

    `lower` and `higher` speak of the canary's rate. Agresti, Categorical Data Analysis, 3.5; R's fisher.test gives the same.

    Raises:
        ValueError: a count is negative or no whole number.

    """
    with_event, without, others, rest = counts(a, b, c, d)
    return exact_tests(Hypergeometric(with_event + without, others + rest, with_event + others), with_event)


def binomial_test(canary: ArrayLike, baseline: ArrayLike, share: ArrayLike) -> PValues:
    """Return the test of events per exposure: of all events, the canary's are binomial with the canary's `share` of exposure.

    Conditional test of two Poisson rates (Przyborowski and Wilenski 1940). Where one cohort had no exposure every p is 1.

    Raises:
        ValueError: a count is negative or no whole number, or a share is not in [0, 1].

    """
    canary_n, baseline_n = counts(canary, baseline)
    exposure = np.broadcast_to(np.asarray(share, dtype=float), canary_n.shape)
    if not ((exposure >= 0) & (exposure <= 1)).all():
        raise ValueError("a share of exposure lies between 0 and 1")
    both = (exposure > 0) & (exposure < 1)
    chance = np.where(both, exposure, 0.5)
    events = np.where(both, canary_n + baseline_n, 0.0)
    return exact_tests(Binomial(events, chance, 1 - chance), np.where(both, canary_n, 0.0))


def attainable_p(events: ArrayLike, canary_total: ArrayLike, baseline_total: ArrayLike) -> Floats:
    """Return the smallest two-sided p of Fisher's test that any table with these margins could have; raises `ValueError` likewise."""
    n, first, second = counts(events, canary_total, baseline_total)
    if (n > first + second).any():
        raise ValueError("there are more events than trials")
    return smallest_p(Hypergeometric(first, second, n))


def counts(*values: ArrayLike) -> list[Floats]:
    """Return whole numbers as arrays of one shape, at least one long.

    Raises:
        ValueError: one is negative or no whole number.

    """
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, dtype=float)) for value in values))
    if any(not ((array >= 0) & (array == np.floor(array)) & np.isfinite(array)).all() for array in arrays):
        raise ValueError("counts are whole numbers from 0 on")
    return list(arrays)
