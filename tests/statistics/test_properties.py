"""What holds for all counts: symmetry, monotonicity, p between 0 and 1, intervals around their estimate; Python and SQL agree."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hyp

from forensics.statistics import (
    SMALLEST,
    Stratum,
    attainable_p,
    benjamini_hochberg,
    binomial_test,
    clopper_pearson,
    e_process,
    fisher_exact,
    newcombe_interval,
    poisson_interval,
    rank_sum,
    stratified_interval,
    stratified_test,
    wilson_interval,
)
from tests.statistics.conftest import Call

small, large = hyp.integers(0, 60), hyp.integers(0, 20_000_000)
tables = hyp.one_of(
    hyp.tuples(small, small, small, small),
    hyp.tuples(small, large, small, large),
    hyp.tuples(large, large, large, large),
)
parts = hyp.tuples(hyp.integers(0, 500), hyp.integers(0, 500))
confidences = hyp.sampled_from([0.5, 0.9, 0.95, 0.999])


@given(tables)
def test_every_p_lies_between_zero_and_one_and_none_is_zero(table: tuple[int, int, int, int]) -> None:
    found = fisher_exact(*table)
    assert all(SMALLEST <= values[0] <= 1 for values in astuple(found))
    assert found.mid_p[0] <= found.two_sided[0]
    assert found.attainable[0] <= found.two_sided[0] * (1 + 1e-9)
    assert found.lower[0] + found.higher[0] >= 1 - 1e-9, "the observed outcome is in both"


@given(tables)
def test_cohorts_and_columns_can_be_exchanged(table: tuple[int, int, int, int]) -> None:
    a, b, c, d = table
    found, cohorts, columns = fisher_exact(a, b, c, d), fisher_exact(c, d, a, b), fisher_exact(b, a, d, c)
    for other in (cohorts, columns):
        assert other.two_sided[0] == pytest.approx(found.two_sided[0], rel=1e-9)
        assert other.mid_p[0] == pytest.approx(found.mid_p[0], rel=1e-9)
        assert other.lower[0] == pytest.approx(found.higher[0], rel=1e-9)


@given(hyp.integers(1, 40), hyp.integers(1, 40), hyp.integers(0, 80))
def test_one_sided_p_falls_as_the_outcome_goes_further_out(first: int, second: int, events: int) -> None:
    events = min(events, first + second)
    k = np.arange(max(0, events - second), min(first, events) + 1)
    found = fisher_exact(k, first - k, events - k, second - events + k)
    assert (np.diff(found.lower) > -1e-12).all()
    assert (np.diff(found.higher) < 1e-12).all()
    assert found.lower[-1] == pytest.approx(1)
    assert found.higher[0] == pytest.approx(1)
    assert attainable_p(events, first, second)[0] == pytest.approx(found.two_sided.min(), rel=1e-9)


@given(small, small, hyp.floats(0.01, 0.99))
def test_events_per_exposure_can_be_exchanged(canary: int, baseline: int, share: float) -> None:
    found, other = binomial_test(canary, baseline, share), binomial_test(baseline, canary, 1 - share)
    assert all(SMALLEST <= values[0] <= 1 for values in astuple(found))
    assert found.lower[0] == pytest.approx(other.higher[0], rel=1e-6)


@given(hyp.lists(hyp.tuples(parts, parts), min_size=1, max_size=4))
def test_phases_can_come_in_any_order(phases: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    strata = [Stratum(min(k, n), n, min(j, m), m) for (k, n), (j, m) in phases]
    found, other = stratified_test(strata), stratified_test(strata[::-1])
    assert found.method == other.method
    for p, q in zip(astuple(found)[:-1], astuple(other)[:-1], strict=True):
        assert 0 < p <= 1
        assert p == pytest.approx(q, rel=1e-9)
    interval = stratified_interval(strata)
    assert interval is None or -1 - 1e-9 <= interval[0] <= interval[1] <= 1 + 1e-9


@given(hyp.integers(0, 10**6), hyp.integers(1, 10**6), confidences)
def test_intervals_hold_their_estimate_and_grow_with_confidence(k: int, n: int, confidence: float) -> None:
    k = min(k, n)
    (low, high), (wide_low, wide_high) = clopper_pearson(k, n, confidence), clopper_pearson(k, n, 0.9999)
    assert 0 <= wide_low[0] <= low[0] <= k / n <= high[0] <= wide_high[0] <= 1
    score = wilson_interval(k, n, confidence)
    assert score is not None
    assert 0 <= score[0] <= k / n * (1 + 1e-12)
    assert k / n <= score[1] * (1 + 1e-12) <= 1 + 1e-12
    mean_low, mean_high = poisson_interval(k, confidence)
    assert 0 <= mean_low[0] <= k <= mean_high[0]


@given(parts, parts, confidences)
def test_newcombes_interval_holds_the_difference_and_mirrors(
    first: tuple[int, int], second: tuple[int, int], confidence: float
) -> None:
    (k1, n1), (k2, n2) = ((min(part), max(*part, 1)) for part in (first, second))
    found, other = newcombe_interval(k1, n1, k2, n2, confidence), newcombe_interval(k2, n2, k1, n1, confidence)
    assert found is not None
    assert other is not None
    assert -1 - 1e-12 <= found[0] <= k1 / n1 - k2 / n2 <= found[1] <= 1 + 1e-12
    assert found == pytest.approx((-other[1], -other[0]), abs=1e-12)


@given(hyp.lists(hyp.floats(0, 1), max_size=30))
def test_q_values_are_at_least_p_keep_its_order_and_do_not_depend_on_it(p_values: list[float]) -> None:
    found = benjamini_hochberg(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, found, strict=True))
    ordered = sorted(zip(p_values, found, strict=True))
    assert [q for _, q in ordered] == sorted(found)
    assert benjamini_hochberg(p_values[::-1]) == pytest.approx(found[::-1])


@given(hyp.lists(hyp.tuples(hyp.integers(0, 9), hyp.integers(0, 9), hyp.floats(0.01, 0.99)), min_size=1, max_size=20))
def test_the_e_process_can_be_read_from_the_other_cohort(rows: list[tuple[int, int, float]]) -> None:
    canary, baseline, share = (np.array(column) for column in zip(*rows, strict=True))
    assert (e_process(canary, baseline, share) > 0).all()
    assert e_process(canary, baseline, share) == pytest.approx(e_process(baseline, canary, 1 - share), rel=1e-9)


@given(hyp.lists(hyp.tuples(hyp.integers(0, 50), hyp.integers(0, 50)), min_size=1, max_size=20))
def test_rank_sums_mirror(rows: list[tuple[int, int]]) -> None:
    canary, baseline = zip(*rows, strict=True)
    found, other = rank_sum([(canary, baseline)]), rank_sum([(baseline, canary)])
    if found is None or other is None:
        assert found is other
        return
    assert 0 < found.two_sided <= 1
    assert found.superiority == pytest.approx(1 - other.superiority)
    assert found.lower == pytest.approx(other.higher, rel=1e-9)


@settings(max_examples=8, deadline=None)
@given(hyp.lists(tables, min_size=1, max_size=40))
def test_sql_says_the_same(macro: Call, rows: list[tuple[int, int, int, int]]) -> None:
    a, b, c, d = (list(column) for column in zip(*rows, strict=True))
    in_sql, found = macro("fisher_exact(a, b, c, d)", a=a, b=b, c=c, d=d), fisher_exact(a, b, c, d)
    for side, values in in_sql.items():
        assert values == pytest.approx(getattr(found, side), rel=1e-6, abs=1e-305), side
