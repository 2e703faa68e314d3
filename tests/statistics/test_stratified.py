"""Rates over phases against enumeration in fractions, scipy, statsmodels and each other."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from forensics.statistics import (
    UNSEEN,
    Stratum,
    newcombe_interval,
    stratified_difference,
    stratified_differences,
    stratified_interval,
    stratified_test,
    stratified_tests,
)

SIDES = {"two_sided": "two-sided", "lower": "less", "higher": "greater"}


def draw(rng: random.Random, largest: int) -> Stratum:
    canary, baseline = rng.randint(1, largest), rng.randint(1, largest)
    return Stratum(rng.randint(0, canary), canary, rng.randint(0, baseline), baseline)


def scipy_p(s: Stratum, alternative: str) -> float:
    table = [[s.canary_n, s.canary_total - s.canary_n], [s.baseline_n, s.baseline_total - s.baseline_n]]
    return float(stats.fisher_exact(table, alternative=alternative)[1])


def test_one_stratum_is_fisher_on_two_thousand_small_tables() -> None:
    rng = random.Random(1)  # noqa: S311 - draws, not cryptography
    strata = [draw(rng, 30) for _ in range(2000)]
    for stratum, found in zip(strata, stratified_tests([[stratum] for stratum in strata]), strict=True):
        for side, alternative in SIDES.items():
            wanted = scipy_p(stratum, alternative)
            assert getattr(found, side) == pytest.approx(wanted, rel=1e-9, abs=1e-14), (stratum, side)


@pytest.mark.parametrize(
    "stratum",
    [
        Stratum(120, 1000, 100, 1000), Stratum(0, 5000, 40, 50000), Stratum(300, 400, 30000, 80000), Stratum(5, 100000, 2, 900000),
        Stratum(5000, 5000, 9000, 9001), Stratum(0, 1, 0, 100000), Stratum(1, 1, 0, 100000), Stratum(700, 9000, 1500, 20000),
    ],
)  # fmt: skip
def test_large_tables_agree_with_scipy(stratum: Stratum) -> None:
    found = stratified_test([stratum])
    assert found.method == "Fisher exact"
    for side, alternative in SIDES.items():
        assert getattr(found, side) == pytest.approx(scipy_p(stratum, alternative), rel=1e-6, abs=1e-13), side


def test_fishers_tea() -> None:
    found = stratified_test([Stratum(3, 4, 1, 4)])
    assert found.two_sided == pytest.approx(34 / 70)
    assert found.higher == pytest.approx(17 / 70)


def enumerated(strata: list[Stratum]) -> dict[str, Fraction]:
    """Exact distribution of the sum of canary events with all margins fixed, in fractions."""
    density: dict[int, Fraction] = {}
    ranges = []
    for s in strata:
        events, total = s.canary_n + s.baseline_n, s.canary_total + s.baseline_total
        low, high = max(0, events - s.baseline_total), min(events, s.canary_total)
        ranges.append(
            [
                (k, Fraction(comb(s.canary_total, k) * comb(s.baseline_total, events - k), comb(total, events)))
                for k in range(low, high + 1)
            ]
        )
    for combination in itertools.product(*ranges):
        chance = Fraction(1)
        for _, part in combination:
            chance *= part
        count = sum(k for k, _ in combination)
        density[count] = density.get(count, Fraction(0)) + chance
    seen = sum(s.canary_n for s in strata)

    def two_sided(count: int) -> Fraction:
        return sum((p for p in density.values() if p <= density[count]), Fraction(0))

    return {
        "mid_p": two_sided(seen) - sum((p for p in density.values() if p == density[seen]), Fraction(0)) / 2,
        "attainable_lower": two_sided(min(density)),
        "attainable_higher": two_sided(max(density)),
        "two_sided": two_sided(seen),
        "lower": sum((p for k, p in density.items() if k <= seen), Fraction(0)),
        "higher": sum((p for k, p in density.items() if k >= seen), Fraction(0)),
    }


@pytest.mark.parametrize("count", [1, 2, 3])
def test_several_strata_by_enumeration(count: int) -> None:
    rng = random.Random(count)  # noqa: S311 - draws, not cryptography
    for _ in range(150):
        strata = [draw(rng, 8) for _ in range(count)]
        found, wanted = stratified_test(strata), enumerated(strata)
        for side in wanted:
            assert getattr(found, side) == pytest.approx(float(wanted[side]), rel=1e-9), (strata, side)


def test_simpsons_paradox_is_not_pooled() -> None:
    strata = [Stratum(10, 20, 90, 180), Stratum(18, 180, 2, 20)]
    assert stratified_test(strata).two_sided > 0.9
    assert stratified_test([Stratum(28, 200, 92, 200)]).two_sided < 1e-9
    assert stratified_difference(strata) == pytest.approx(0)


def test_strata_without_one_cohort_say_nothing() -> None:
    useful, empty = Stratum(3, 10, 1, 20), [Stratum(5, 9, 0, 0), Stratum(0, 0, 7, 9)]
    assert stratified_test([useful, *empty]) == stratified_test([useful])
    assert stratified_difference([useful, *empty]) == stratified_difference([useful])
    assert stratified_interval([useful, *empty]) == stratified_interval([useful])
    assert stratified_test(empty).two_sided == 1
    assert stratified_difference(empty) is None
    assert stratified_interval(empty) is None
    assert stratified_test([]).method == "no stratum has both cohorts"


def test_p_values_stay_between_zero_and_one_and_mirror() -> None:
    rng = random.Random(7)  # noqa: S311 - draws, not cryptography
    for _ in range(300):
        s = draw(rng, 40)
        found, mirror = (
            stratified_test([s]),
            stratified_test([Stratum(s.baseline_n, s.baseline_total, s.canary_n, s.canary_total)]),
        )
        assert all(0 <= getattr(found, side) <= 1 for side in SIDES)
        assert found.two_sided == pytest.approx(mirror.two_sided)
        assert found.lower == pytest.approx(mirror.higher)


def test_beyond_the_support_the_normal_form_is_used_named_and_close() -> None:
    strata = [Stratum(1_500_000, 3_000_000, 1_501_900, 3_000_000), Stratum(900_000, 3_000_000, 901_100, 3_000_000)]
    found = stratified_test(strata)
    assert found.method == "Cochran-Mantel-Haenszel over 2 phases"
    difference = sum(s.canary_n - (s.canary_n + s.baseline_n) / 2 for s in strata)
    variance = sum(3e6**2 * e * (6e6 - e) / (6e6**2 * (6e6 - 1)) for e in (3_001_900, 1_801_100))
    z = difference / np.sqrt(variance)
    assert found.two_sided == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)
    assert found.lower == pytest.approx(stats.norm.cdf(z), rel=1e-9)
    assert found.higher == pytest.approx(stats.norm.sf(z), rel=1e-9)


def test_far_tails_keep_their_digits() -> None:
    found = stratified_test([Stratum(20000, 30000, 10000, 30000)])
    assert 0 <= found.higher < 1e-300
    assert stratified_test([Stratum(0, 30000, 0, 90000)]).two_sided == 1


def test_the_stratified_interval_of_one_phase_is_newcombes() -> None:
    assert stratified_interval([Stratum(56, 70, 48, 80)]) == pytest.approx(newcombe_interval(56, 70, 48, 80))


def test_the_stratified_interval_of_equal_phases_shrinks_by_the_root() -> None:
    one, two = stratified_interval([Stratum(5, 50, 5, 50)]), stratified_interval([Stratum(5, 50, 5, 50)] * 2)
    assert one is not None
    assert two is not None
    assert two[1] == pytest.approx(one[1] / 2**0.5)
    assert two[0] == pytest.approx(one[0] / 2**0.5)


def test_the_stratified_interval_covers() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(2000):
        counts = rng.binomial([40, 200, 120, 60], [0.3, 0.5, 0.2, 0.4]).tolist()
        found = stratified_interval([Stratum(counts[0], 40, counts[1], 200), Stratum(counts[2], 120, counts[3], 60)])
        assert found is not None
        hits += found[0] <= -0.2 <= found[1]
    assert 0.93 <= hits / 2000 <= 0.98


def test_the_difference_is_weighted_by_mantel_and_haenszel() -> None:
    strata = [Stratum(4, 20, 90, 180), Stratum(90, 180, 16, 20)]
    assert stratified_difference(strata) == pytest.approx(-0.3)
    assert stratified_difference([Stratum(1, 2, 0, 2), Stratum(0, 6, 3, 3)]) == pytest.approx((1 * 0.5 + 2 * -1) / 3)


def test_many_records_at_once_are_each_by_itself() -> None:
    rng = random.Random(11)  # noqa: S311 - draws, not cryptography
    records = [[draw(rng, rng.choice([3, 40, 900])) for _ in range(rng.randint(0, 5))] for _ in range(150)]
    together = stratified_tests(records)
    for record, found in zip(records, together, strict=True):
        alone = stratified_test(record)
        assert found.method == alone.method
        for side in (*SIDES, "mid_p", "attainable_lower", "attainable_higher"):
            assert getattr(found, side) == pytest.approx(getattr(alone, side), rel=1e-10), (record, side)
    assert stratified_differences(records) == pytest.approx([stratified_difference(record) for record in records])
    assert stratified_tests([]) == []


def test_phases_in_which_nothing_can_vary_change_nothing() -> None:
    useful, certain = Stratum(3, 10, 1, 20), [Stratum(0, 9, 0, 30), Stratum(4, 4, 7, 7)]
    found, alone = stratified_test([*certain, useful]), stratified_test([useful])
    assert found.two_sided == pytest.approx(alone.two_sided)
    assert found.method == "exact conditional over 3 phases"
    assert stratified_test(certain).two_sided == 1


def test_a_hundred_phases_are_exact_and_close_to_the_normal_form() -> None:
    rng = np.random.default_rng(4)
    sizes = rng.integers(5, 60, (100, 2))
    strata = [Stratum(int(rng.binomial(a, 0.2)), int(a), int(rng.binomial(b, 0.17)), int(b)) for a, b in sizes]
    found = stratified_test(strata)
    assert found.method == "exact conditional over 100 phases"
    tables = [
        [[s.canary_n, s.canary_total - s.canary_n], [s.baseline_n, s.baseline_total - s.baseline_n]] for s in strata
    ]
    normal = StratifiedTable([np.array(table) for table in tables]).test_null_odds().pvalue
    assert found.mid_p == pytest.approx(normal, rel=0.05), "the mid-p has no step to be corrected for"


def test_the_normal_form_is_that_of_statsmodels() -> None:
    strata = [Stratum(1_500_000, 3_000_000, 1_501_900, 3_000_000), Stratum(900_000, 3_000_000, 901_100, 3_000_000)]
    tables = [
        [[s.canary_n, s.canary_total - s.canary_n], [s.baseline_n, s.baseline_total - s.baseline_n]] for s in strata
    ]
    wanted = StratifiedTable([np.array(table, dtype=float) for table in tables]).test_null_odds().pvalue
    assert stratified_test(strata).two_sided == pytest.approx(wanted, rel=1e-6)


def test_just_inside_the_support_the_exact_form_and_the_normal_one_agree() -> None:
    """What is said of the normal form beyond the limit: see docs/statistics.md."""
    strata = [Stratum(1850, 20_000, 33_600, 380_000), Stratum(9_300, 100_000, 27_700, 300_000)]
    found = stratified_test(strata)
    assert found.method == "exact conditional over 2 phases"
    tables = [
        np.array([[s.canary_n, s.canary_total - s.canary_n], [s.baseline_n, s.baseline_total - s.baseline_n]])
        for s in strata
    ]
    assert StratifiedTable(tables).test_null_odds().pvalue == pytest.approx(found.mid_p, rel=0.03)


def test_small_p_over_phases_are_given_as_what_is_resolved() -> None:
    found = stratified_test([Stratum(40, 40, 0, 400), Stratum(50, 50, 0, 90)])
    assert (found.two_sided, found.higher, found.attainable_higher) == (UNSEEN, UNSEEN, UNSEEN)
    assert found.lower == pytest.approx(1)


def test_counts_of_any_size_end() -> None:
    found = stratified_test([Stratum(2**61, 2**62, 2**61, 2**62)])
    assert found.method == "Cochran-Mantel-Haenszel over 1 phase"
    assert found.two_sided == 1


@pytest.mark.parametrize(
    "stratum", [Stratum(5, 2, 0, 4), Stratum(-1, 2, 0, 4), Stratum(0, 2, 5, 4), Stratum(0, -2, 0, 4)]
)
def test_impossible_counts_are_refused(stratum: Stratum) -> None:
    with pytest.raises(ValueError, match="are no events among totals"):
        stratified_test([stratum])
