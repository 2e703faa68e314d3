"""Rank sums and quantiles of histograms against scipy, formulas written out, and their coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from forensics.statistics import quantile_difference, rank_sum

Values = NDArray[np.float64] | NDArray[np.int64]
Counts = NDArray[np.int64]


def histogram(canary: Values, baseline: Values) -> tuple[Values, tuple[Counts, Counts]]:
    values = np.unique(np.concatenate([canary, baseline]))
    first, second = ((part[:, None] == values).sum(axis=0) for part in (canary, baseline))
    return values, (first, second)


@pytest.mark.parametrize(
    ("sizes", "distinct"), [((5, 7), 4), ((50, 300), 20), ((2000, 100), 5), ((300, 300), 100_000), ((1, 1), 2)]
)
def test_one_phase_is_scipys_mann_whitney(sizes: tuple[int, int], distinct: int) -> None:
    rng = np.random.default_rng(sum(sizes))
    canary, baseline = (
        rng.integers(0, distinct, size) + shift for size, shift in zip(sizes, (0, distinct // 15), strict=True)
    )
    found = rank_sum([histogram(canary, baseline)[1]])
    assert found is not None
    for side, alternative in (("two_sided", "two-sided"), ("lower", "less"), ("higher", "greater")):
        wanted = stats.mannwhitneyu(canary, baseline, alternative=alternative, method="asymptotic")
        assert getattr(found, side) == pytest.approx(wanted.pvalue, rel=1e-9), side
        assert found.superiority == pytest.approx(stats.mannwhitneyu(canary, baseline).statistic / math.prod(sizes))


def test_phases_are_put_together_by_van_elteren() -> None:
    rng = np.random.default_rng(6)
    phases = [(rng.integers(0, 9, a), rng.integers(0, 9, b)) for a, b in ((8, 40), (30, 30), (3, 100))]
    found = rank_sum([histogram(*phase)[1] for phase in phases])
    assert found is not None
    total = variance = 0.0
    for canary, baseline in phases:
        ranks = stats.rankdata(np.concatenate([canary, baseline]))
        n, size = canary.size, ranks.size
        total += (ranks[:n].sum() - n * (size + 1) / 2) / (size + 1)
        variance += n * (size - n) / (size * (size - 1)) * ((ranks - (size + 1) / 2) ** 2).sum() / (size + 1) ** 2
    z = (abs(total) - 0.5 / 49) / math.sqrt(variance)  # half a step of the phase whose ranks weigh most: 48 values
    assert found.two_sided == pytest.approx(2 * stats.norm.sf(z), rel=1e-9)


def test_phases_that_differ_in_level_are_not_pooled() -> None:
    slow, fast = (
        (np.array([0, 0, 5, 40]), np.array([0, 0, 5, 40])),
        (np.array([10, 50, 0, 0]), np.array([90, 450, 0, 0])),
    )
    apart, pooled = rank_sum([slow, fast]), rank_sum([(slow[0] + fast[0], slow[1] + fast[1])])
    assert apart is not None
    assert pooled is not None
    assert apart.two_sided == pytest.approx(1)
    assert pooled.two_sided < 1e-6


def test_without_both_cohorts_or_variation_there_is_no_difference() -> None:
    assert rank_sum([]) is None
    assert rank_sum([([3, 4], [0, 0])]) is None
    same = rank_sum([([3], [4])])
    assert same is not None
    assert (same.two_sided, same.lower, same.higher, same.superiority) == (1, 1, 1, 0.5)
    with pytest.raises(ValueError, match="whole numbers"):
        rank_sum([([-1], [2])])


def test_histograms_of_billions() -> None:
    found = rank_sum([([10**9, 2 * 10**9], [3 * 10**9, 6 * 10**9])])
    assert found is not None
    assert found.two_sided == pytest.approx(1)


def test_quantiles_are_the_engines_quantile_disc() -> None:
    values = np.arange(1.0, 101.0)
    for quantile in (0.01, 0.29, 0.5, 0.57, 0.95, 0.99):
        found = quantile_difference(values, (np.ones(100), np.ones(100)), quantile)
        assert found is not None
        assert (found.canary, found.difference) == (round(quantile * 100), 0)


@pytest.mark.parametrize(("size", "quantile"), [(20, 0.5), (200, 0.5), (200, 0.9), (2000, 0.99), (59, 0.05)])
def test_order_statistics_are_those_of_scipys_quantile_test(size: int, quantile: float) -> None:
    """One cohort is a constant, so that the interval of the difference is that of the other."""
    sample = np.random.default_rng(size).permutation(np.arange(1.0, size + 1))
    found = quantile_difference(
        np.concatenate([[0.0], np.sort(sample)]), (np.r_[0, np.ones(size)], np.r_[500, np.zeros(size)]), quantile
    )
    wanted = stats.quantile_test(sample, p=quantile).confidence_interval(0.95)
    assert found is not None
    ends = [math.nan if end is None else end for end in (found.low, found.high)]
    assert ends == pytest.approx([wanted.low, wanted.high], nan_ok=True)


def test_small_samples_have_no_end_for_far_quantiles() -> None:
    found = quantile_difference(np.arange(30.0), (np.ones(30), np.ones(30)), 0.99)
    assert found is not None
    assert (found.low, found.high) == (None, None)
    assert quantile_difference([1.0], ([0], [5]), 0.5) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile_difference([1.0], ([1], [5]), 1.0)


def test_the_interval_of_a_quantile_difference_covers() -> None:
    rng = np.random.default_rng(8)
    hits = 0
    for _ in range(300):
        canary, baseline = np.round(rng.lognormal(0.2, 1, 150), 3), np.round(rng.lognormal(0, 1, 600), 3)
        found = quantile_difference(*histogram(canary, baseline), 0.9)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        truth = (math.exp(0.2) - 1) * math.exp(stats.norm.ppf(0.9))
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 300 <= 0.995
