"""Fisher's test and events per exposure: 5,000 random and edge tables against whole numbers, scipy and statsmodels, in Python and in SQL."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.rates import test_poisson_2indep as poisson_2indep

from forensics.statistics import SMALLEST, PValues, attainable_p, binomial_test, fisher_exact
from tests.statistics import oracle
from tests.statistics.conftest import Call

Tables = NDArray[np.int64]
PATIENT, HASTY = 1e-9, 1e-6  # relative errors that are allowed up to 100,000 and above
EDGES = [
    (0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (5, 0, 0, 0), (0, 5, 0, 5), (5, 0, 5, 0), (5, 5, 0, 0), (0, 0, 5, 5),
    (3, 1, 1, 3), (1, 3, 3, 1), (2, 2, 2, 2), (10, 0, 0, 10), (0, 10, 10, 0), (1, 9, 11, 3), (0, 1, 0, 100_000), (1, 0, 0, 100_000),
    (1, 0, 99_999, 0), (100_000, 0, 0, 1), (50, 50, 50, 50), (50, 50, 51, 51), (1, 99_999, 1, 99_999), (0, 100_000, 100_000, 0),
    (99_999, 1, 99_998, 2), (15, 485, 16, 483), (16, 484, 15, 485), (499, 501, 500, 500), (500, 0, 499, 1), (30, 29_900, 25, 40_000),
]  # fmt: skip
HUGE = [
    (5_000_000, 5_000_000, 5_000_000, 5_000_000), (5_000_000, 5_000_000, 5_004_000, 4_996_000), (100, 9_999_900, 160, 9_999_840),
    (0, 10_000_000, 12, 9_999_988), (1_000_000, 1, 9_000_000, 5), (3, 2, 10_000_000, 9_000_000), (700_000, 300_000, 6_990_000, 3_010_000),
    (1, 0, 0, 19_999_999), (250_000, 9_750_000, 249_000, 9_751_000), (20_000, 980_000, 21_500, 980_000),
]  # fmt: skip


def draw(rng: np.random.Generator, count: int, largest: int) -> Tables:
    """Return tables of all sizes up to `largest` a cohort, whose rates differ by a few standard errors, every third by many."""
    first, second = (np.exp(rng.uniform(0, np.log(largest), count)).astype(np.int64) for _ in range(2))
    rate = rng.beta(0.4, 0.8, count)
    error = np.sqrt(rate * (1 - rate) * (1 / first + 1 / second))
    a, c = (
        rng.binomial(first, rate),
        rng.binomial(second, np.clip(rate + rng.choice([1, 2, 9], count) * error * rng.normal(size=count), 0, 1)),
    )
    return np.column_stack([a, first - a, c, second - c])


SMALL = np.vstack(
    [draw(np.random.default_rng(1), 4000, 300), draw(np.random.default_rng(2), 930, 100_000), np.array(EDGES)]
)
LARGE = np.vstack([draw(np.random.default_rng(3), 30, 10_000_000), np.array(HUGE)])


def worst(found: dict[str, Any], wanted: list[dict[str, float]]) -> dict[str, float]:
    """Return the largest relative error by field; below the smallest double the smallest is wanted."""
    errors = {}
    for field in oracle.FIELDS:
        exact = np.maximum([row[field] for row in wanted], SMALLEST)
        errors[field] = float(np.max(np.abs(found[field] / exact - 1)))
    return errors


def by_field(tests: PValues) -> dict[str, Any]:
    return {field: getattr(tests, field) for field in oracle.FIELDS}


@pytest.fixture(scope="module")
def exact() -> dict[str, list[dict[str, float]]]:
    """Return the oracle's answers."""
    return {
        name: [oracle.fisher(*row) for row in tables.tolist()] for name, tables in (("small", SMALL), ("large", LARGE))
    }


def test_the_oracle_knows_fishers_tea() -> None:
    found = oracle.fisher(3, 1, 1, 3)
    assert found["two_sided"] == pytest.approx(34 / 70)
    assert (found["lower"], found["higher"]) == pytest.approx((69 / 70, 17 / 70))
    assert found["mid_p"] == pytest.approx((34 - 16) / 70), (
        "16 of 70 tables are as the observed one, 16 tie with it: half of 32"
    )
    assert found["attainable"] == pytest.approx(2 / 70)


@pytest.mark.parametrize(("name", "tables", "error"), [("small", SMALL, PATIENT), ("large", LARGE, HASTY)])
def test_fisher_in_python(name: str, tables: Tables, error: float, exact: dict[str, list[dict[str, float]]]) -> None:
    errors = worst(by_field(fisher_exact(*tables.T)), exact[name])
    assert max(errors.values()) <= error, errors


@pytest.mark.parametrize(("name", "tables", "error"), [("small", SMALL, PATIENT), ("large", LARGE, HASTY)])
def test_fisher_in_sql(
    name: str, tables: Tables, error: float, exact: dict[str, list[dict[str, float]]], macro: Call
) -> None:
    found = macro("fisher_exact(a, b, c, d)", a=tables[:, 0], b=tables[:, 1], c=tables[:, 2], d=tables[:, 3])
    errors = worst(found, exact[name])
    assert max(errors.values()) <= error, errors


def test_five_thousand_tables_are_meant() -> None:
    assert len(SMALL) + len(LARGE) == 5000


def test_fisher_against_scipy() -> None:
    tables = SMALL[:1500]
    found = fisher_exact(*tables.T)
    for side, alternative in (("two_sided", "two-sided"), ("lower", "less"), ("higher", "greater")):
        wanted = [stats.fisher_exact(row.reshape(2, 2), alternative=alternative)[1] for row in tables]
        assert getattr(found, side) == pytest.approx(np.array(wanted), rel=1e-9, abs=1e-300), side


def test_one_sided_p_of_all_tables_against_scipys_distribution() -> None:
    a, b, c, d = SMALL.T
    found = fisher_exact(a, b, c, d)
    distribution = stats.hypergeom(a + b + c + d, a + c, a + b)
    there = (a + b > 0) & (c + d > 0)
    assert found.lower[there] == pytest.approx(distribution.cdf(a)[there], rel=1e-9, abs=1e-280)
    assert found.higher[there] == pytest.approx(distribution.sf(a - 1)[there], rel=1e-9, abs=1e-280)


def exposures(rng: np.random.Generator, count: int, largest: int) -> tuple[NDArray[np.int64], ...]:
    """Return events of both cohorts and thousandths of exposure."""
    events = np.exp(rng.uniform(0, np.log(largest), count)).astype(np.int64)
    share = rng.integers(1, 1000, count)
    theta = share / 1000
    near = events * theta + rng.normal(size=count) * 2.5 * np.sqrt(events * theta * (1 - theta))
    canary = np.clip(np.round(near), 0, events).astype(np.int64)
    return canary, events - canary, share


@pytest.mark.parametrize(
    ("largest", "count", "error"), [(300, 1000, PATIENT), (100_000, 200, PATIENT), (20_000_000, 20, HASTY)]
)
def test_events_per_exposure(largest: int, count: int, error: float, macro: Call) -> None:
    canary, baseline, share = exposures(np.random.default_rng(largest), count, largest)
    wanted = [
        oracle.binomial(k, k + rest, s / 1000)
        for k, rest, s in zip(canary.tolist(), baseline.tolist(), share.tolist(), strict=True)
    ]
    in_python = worst(by_field(binomial_test(canary, baseline, share / 1000)), wanted)
    in_sql = worst(macro("binomial_test(k, rest, theta)", k=canary, rest=baseline, theta=share / 1000), wanted)
    assert max(in_python.values()) <= error, in_python
    assert max(in_sql.values()) <= error, in_sql


def test_events_per_exposure_against_scipy_and_statsmodels() -> None:
    canary, baseline, share = exposures(np.random.default_rng(5), 150, 200)
    found = binomial_test(canary, baseline, share / 1000)
    for i, (k, rest, s) in enumerate(zip(canary.tolist(), baseline.tolist(), share.tolist(), strict=True)):
        assert found.two_sided[i] == pytest.approx(stats.binomtest(k, k + rest, s / 1000).pvalue, rel=1e-9)
        by_exposure = {
            side: poisson_2indep(k, s, rest, 1000 - s, method="exact-cond", alternative=side).pvalue
            for side in ("smaller", "larger")
        }
        assert (found.lower[i], found.higher[i]) == pytest.approx(
            (by_exposure["smaller"], by_exposure["larger"]), rel=1e-9
        )
        middle = poisson_2indep(k, s, rest, 1000 - s, method="cond-midp", alternative="smaller").pvalue
        assert found.lower_mid_p[i] == pytest.approx(middle, rel=1e-9)


def test_without_exposure_of_both_nothing_is_compared() -> None:
    found = binomial_test([3, 0, 0], [0, 4, 0], [1.0, 0.0, 0.5])
    assert found.two_sided.tolist() == found.attainable.tolist() == [1, 1, 1]


def test_one_canary_only_event_has_the_share_as_its_p() -> None:
    events = np.arange(1, 6)
    assert binomial_test(events, 0, 0.05).higher == pytest.approx(0.05**events)


@pytest.mark.parametrize(
    ("events", "canary", "baseline", "least"),
    [(3, 3, 3, 0.1), (0, 9, 9, 1), (18, 9, 9, 1), (1, 1, 19, 0.05), (2, 2, 2, 1 / 3)],
)
def test_attainable_p(events: int, canary: int, baseline: int, least: float, macro: Call) -> None:
    assert attainable_p(events, canary, baseline)[0] == pytest.approx(least)
    found = macro("{'p': attainable_p(e, c, b)}", e=[events], c=[canary], b=[baseline])
    assert found["p"][0] == pytest.approx(least)


def test_no_table_of_the_margins_has_a_smaller_p() -> None:
    for events, canary, baseline in ((7, 5, 20), (4, 30, 10), (11, 12, 13), (6, 6, 6)):
        counts = np.arange(max(0, events - baseline), min(events, canary) + 1)
        found = fisher_exact(counts, canary - counts, events - counts, baseline - events + counts)
        assert found.attainable == pytest.approx(found.two_sided.min())


@pytest.mark.parametrize("counts", [(-1, 2, 3, 4), (1.5, 2, 3, 4), (float("nan"), 2, 3, 4), (float("inf"), 1, 1, 1)])
def test_what_is_no_count_is_refused_in_python_and_null_in_sql(counts: tuple[float, ...], macro: Call) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        fisher_exact(*counts)
    a, b, c, d = ([float(x)] for x in counts)
    found = macro("fisher_exact(a, b, c, d)", a=a, b=b, c=c, d=d)
    assert all(np.isnan(values[0]) for values in found.values())


def test_impossible_shares_and_margins_are_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        binomial_test(1, 2, 1.5)
    with pytest.raises(ValueError, match="more events"):
        attainable_p(5, 2, 2)
