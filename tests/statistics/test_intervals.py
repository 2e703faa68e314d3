"""Intervals and bounds against published examples, scipy, statsmodels and their definitions, in Python and in SQL."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.stats.rates import confint_poisson

from forensics.statistics import clopper_pearson, newcombe_interval, poisson_interval, wilson_interval, zero_event_bound
from tests.statistics.conftest import Call

CONFIDENCES = (0.5, 0.8, 0.95, 0.99, 0.999999)
Counts = NDArray[np.int64]


def draw(largest: int, count: int = 150) -> tuple[Counts, Counts]:
    """Return events and totals of all sizes, none and all among them."""
    rng = np.random.default_rng(largest)
    n = np.exp(rng.uniform(0, np.log(largest), count)).astype(np.int64)
    k = rng.binomial(n, rng.beta(0.3, 0.3, count))
    k[:5], k[5:10] = 0, n[5:10]
    return k, n


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("largest", [3, 100, 100_000])
def test_clopper_pearson(largest: int, confidence: float, macro: Call) -> None:
    k, n = draw(largest)
    wanted = proportion_confint(k, n, 1 - confidence, method="beta")
    in_sql = macro(f"clopper_pearson(k, n, {confidence})", k=k, n=n)
    for found in (clopper_pearson(k, n, confidence), (in_sql["low"], in_sql["high"])):
        assert found[0] == pytest.approx(np.where(k == 0, 0, wanted[0]), rel=1e-9)
        assert found[1] == pytest.approx(np.where(k == n, 1, wanted[1]), rel=1e-9)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.9999])
def test_clopper_pearson_of_twenty_million_keeps_its_definition(confidence: float, macro: Call) -> None:
    k, n = draw(20_000_000, 40)
    in_sql = macro(f"clopper_pearson(k, n, {confidence})", k=k, n=n)
    for low, high in (clopper_pearson(k, n, confidence), (in_sql["low"], in_sql["high"])):
        assert stats.binom.sf(k - 1, n, low)[k > 0] == pytest.approx((1 - confidence) / 2, rel=1e-5)
        assert stats.binom.cdf(k, n, high)[k < n] == pytest.approx((1 - confidence) / 2, rel=1e-5)


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_garwood(confidence: float, macro: Call) -> None:
    k = np.concatenate([np.arange(30), [100, 999, 1000, 54_321, 100_000]])
    low, high = confint_poisson(k, 1, method="exact-c", alpha=1 - confidence)
    in_sql = macro(f"poisson_interval(k, {confidence})", k=k)
    for found in (poisson_interval(k, confidence), (in_sql["low"], in_sql["high"])):
        assert found[0] == pytest.approx(np.where(k == 0, 0, low), rel=1e-9)
        assert found[1] == pytest.approx(high, rel=1e-9)


def test_garwood_of_millions_keeps_its_definition(macro: Call) -> None:
    k = np.array([1_000_000, 20_000_000])
    in_sql = macro("poisson_interval(k, 0.999)", k=k)
    for low, high in (poisson_interval(k, 0.999), (in_sql["low"], in_sql["high"])):
        assert stats.poisson.sf(k - 1, low) == pytest.approx(0.0005, rel=1e-5)
        assert stats.poisson.cdf(k, high) == pytest.approx(0.0005, rel=1e-5)


@pytest.mark.parametrize(("confidence", "error"), [(0.5, 1e-9), (0.95, 1e-9), (0.999999, 1e-9), (1 - 1e-12, 3e-9)])
def test_expansions_of_many_events_are_what_the_steps_find(confidence: float, error: float, macro: Call) -> None:
    k = np.array([1_000_000, 1_000_000, 1_234_567, 50_000_000, 99_000_000])
    n = np.array([2_000_000, 100_000_000, 60_000_000, 100_000_000, 100_000_000])
    for wanted, call in (
        (clopper_pearson(k, n, confidence), "clopper_pearson(k, n"),
        (poisson_interval(k, confidence), "poisson_interval(k"),
    ):
        found = macro(f"{call}, {confidence!r})", k=k, n=n)
        assert found["low"] == pytest.approx(wanted[0], rel=error)
        assert found["high"] == pytest.approx(wanted[1], rel=error)


def test_the_largest_counts_have_intervals(macro: Call) -> None:
    """They had taken minutes: a sum of millions of terms."""
    k, n = np.array([10**6, 5 * 10**10, 10**11 - 10**6]), np.full(3, 10**11)
    found = macro("clopper_pearson(k, n)", k=k, n=n)
    assert found["low"] == pytest.approx(stats.beta.ppf(0.025, k, n - k + 1), rel=1e-9)
    assert found["high"] == pytest.approx(stats.beta.isf(0.025, k + 1, n - k), rel=1e-9)
    found = macro("poisson_interval(k)", k=n)
    assert found["low"] == pytest.approx(stats.gamma.ppf(0.025, n), rel=1e-9)
    assert found["high"] == pytest.approx(stats.gamma.isf(0.025, n + 1), rel=1e-9)


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_wilson(confidence: float, macro: Call) -> None:
    k, n = draw(100_000)
    low, high = proportion_confint(k, n, 1 - confidence, method="wilson")
    in_sql = macro(f"wilson_interval(k, n, {confidence})", k=k, n=n)
    assert in_sql["low"] == pytest.approx(low, rel=1e-9, abs=1e-15)
    assert in_sql["high"] == pytest.approx(high, rel=1e-9, abs=1e-15)
    in_python = [wilson_interval(*row, confidence) for row in zip(k.tolist(), n.tolist(), strict=True)]
    assert np.array(in_python) == pytest.approx(np.column_stack([low, high]), rel=1e-9, abs=1e-15)
    assert wilson_interval(0, 0) is None


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_newcombe_against_statsmodels(confidence: float, macro: Call) -> None:
    (k1, n1), (k2, n2) = draw(5000), draw(90_000)
    in_sql = macro(f"newcombe_interval(k1, n1, k2, n2, {confidence})", k1=k1, n1=n1, k2=k2, n2=n2)
    for i, counts in enumerate(zip(k1.tolist(), n1.tolist(), k2.tolist(), n2.tolist(), strict=True)):
        wanted = confint_proportions_2indep(*counts, method="newcomb", alpha=1 - confidence)
        assert newcombe_interval(*counts, confidence) == pytest.approx(wanted, rel=1e-9, abs=1e-14)
        assert (in_sql["low"][i], in_sql["high"][i]) == pytest.approx(wanted, rel=1e-9, abs=1e-14)


# Newcombe, Statistics in Medicine 17:873 (1998), table II, method 10.
NEWCOMBE = [
    (56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090), (6, 7, 2, 7, 0.0582, 0.8062), (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775), (0, 10, 0, 10, -0.2775, 0.2775), (10, 10, 0, 20, 0.6791, 1.0000), (10, 10, 0, 10, 0.6075, 1.0000),
]  # fmt: skip


@pytest.mark.parametrize("example", NEWCOMBE)
def test_newcombes_own_examples(example: tuple[int, int, int, int, float, float]) -> None:
    *counts, low, high = example
    found = newcombe_interval(*counts)
    assert found is not None
    assert (round(found[0], 4), round(found[1], 4)) == (low, high)


def test_newcombe_needs_both_totals() -> None:
    assert newcombe_interval(0, 0, 1, 5) is None
    assert newcombe_interval(1, 5, 0, 0) is None


@pytest.mark.parametrize("total", [1, 2, 30, 1000, 10**6])
def test_zero_events_leave_the_clopper_pearson_bound(total: int, macro: Call) -> None:
    wanted = stats.binomtest(0, total, alternative="less").proportion_ci(0.95).high
    assert zero_event_bound(total) == pytest.approx(wanted, rel=1e-9)
    assert macro("{'bound': zero_event_bound(n)}", n=[total])["bound"][0] == pytest.approx(wanted, rel=1e-9)


def test_zero_event_bounds() -> None:
    assert zero_event_bound(0) == 1
    assert zero_event_bound(-5) == 1
    assert zero_event_bound(100) == pytest.approx(0.0295, abs=5e-5)
    assert zero_event_bound(100, 0.99) == pytest.approx(1 - 0.01**0.01)


def test_zero_events_in_a_billion_keep_their_digits(macro: Call) -> None:
    wanted = 2.995732269066785e-09  # -expm1(log(0.05) / 1e9)
    assert zero_event_bound(10**9) == pytest.approx(wanted, rel=1e-12)
    assert macro("{'bound': zero_event_bound(n)}", n=[10**9])["bound"][0] == pytest.approx(wanted, rel=1e-12)


def test_the_quantile_of_the_normal_distribution_in_sql(macro: Call) -> None:
    p = np.concatenate([np.linspace(0.001, 0.999, 333), [1e-300, 1e-20, 1e-9, 0.075, 0.925, 1 - 1e-12]])
    found = macro("{'z': normal_quantile(p)}", p=p)["z"]
    assert found == pytest.approx(stats.norm.ppf(p), rel=1e-13, abs=1e-15)


def test_ends_are_exact_and_nothing_is_everything(macro: Call) -> None:
    low, high = clopper_pearson([0, 7, 0, 1], [9, 7, 0, 1])
    assert (low[0], high[1], low[2], high[2], low[3]) == pytest.approx((0, 1, 0, 1, 0.025))
    in_sql = macro("clopper_pearson(k, n)", k=[0, 7, 0, 1], n=[9, 7, 0, 1])
    assert in_sql["low"] == pytest.approx(low)
    assert in_sql["high"] == pytest.approx(high)


@pytest.mark.parametrize(
    "call",
    ["clopper_pearson(k, n)", "wilson_interval(k, n)", "newcombe_interval(k, n, 1, 2)", "poisson_interval(0.5 - k)"],
)
def test_what_is_no_count_has_no_interval(call: str, macro: Call) -> None:
    found = macro(call, k=[3, -1, 0], n=[2, 5, -1])
    assert np.isnan(found["low"][:2]).all()
    assert np.isnan(found["high"][:2]).all()


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="more events"):
        clopper_pearson(3, 2)
    with pytest.raises(ValueError, match="whole numbers"):
        poisson_interval(-1)
