"""The e-process: its definition written out, its mean without a difference, and what must not change it."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from forensics.statistics import anytime_p, e_process

GRID = [-3 + 6 * i / 40 for i in range(41)]
WEIGHTS = [math.exp(-x * x / 2) for x in GRID]


def written_out(canary: list[int], baseline: list[int], share: list[float]) -> float:
    """Return the e-value as docs/statistics.md defines it."""
    mixture = 0.0
    for log_ratio, weight in zip(GRID, WEIGHTS, strict=True):
        r, likelihood = math.exp(log_ratio), 1.0
        for k, other, theta in zip(canary, baseline, share, strict=True):
            chance = theta * r / (theta * r + 1 - theta)
            likelihood *= (chance / theta) ** k * ((1 - chance) / (1 - theta)) ** other
        mixture += weight / sum(WEIGHTS) * likelihood
    return mixture


def test_the_definition() -> None:
    canary, baseline, share = [0, 2, 1, 0], [3, 1, 0, 5], [0.05, 0.1, 0.5, 0.2]
    found = e_process(canary, baseline, share)
    assert found == pytest.approx([written_out(canary[:t], baseline[:t], share[:t]) for t in range(1, 5)], rel=1e-12)


def test_without_a_difference_its_mean_is_one() -> None:
    """Three minutes of up to two binomial events, all outcomes enumerated."""
    share, events = [0.05, 0.3, 0.6], [2, 1, 2]
    mean = 0.0
    for canary in product(*(range(m + 1) for m in events)):
        chance = math.prod(stats.binom.pmf(k, m, theta) for k, m, theta in zip(canary, events, share, strict=True))
        mean += chance * e_process(canary, np.subtract(events, canary), share)[-1]
    assert mean == pytest.approx(1, rel=1e-12)


def test_where_an_exposure_can_fail_but_once_its_mean_is_below_one() -> None:
    """4 canary and 6 baseline exposures of which 5 fail: the canary's failures are hypergeometric (Hoeffding 1963)."""
    k = np.arange(5)
    chances = stats.hypergeom(10, 4, 5).pmf(k)
    e_values = np.array([e_process([x], [5 - x], [0.4])[-1] for x in k.tolist()])
    assert 0.8 < chances @ e_values < 1


def test_many_series_at_once_are_each_by_itself() -> None:
    rng = np.random.default_rng(1)
    canary, baseline, share = rng.poisson(0.5, (7, 30)), rng.poisson(5, (7, 30)), rng.uniform(0.01, 0.5, (7, 30))
    together = e_process(canary, baseline, share)
    assert together.shape == (7, 30)
    for row in range(7):
        assert together[row] == pytest.approx(e_process(canary[row], baseline[row], share[row]))


@pytest.mark.parametrize("theta", [0.0, 1.0, float("nan")])
def test_minutes_without_exposure_of_both_say_nothing(theta: float) -> None:
    found = e_process([1, 9, 1], [4, 0, 4], [0.2, theta, 0.2])
    assert found[1] == found[0]
    assert found[2] == pytest.approx(e_process([1, 1], [4, 4], 0.2)[-1])


def test_evidence_without_end_stays_a_number() -> None:
    found = e_process(np.full(5000, 50), np.zeros(5000), 0.05)
    assert np.isfinite(found).all()
    assert found[-1] > 1e300
    assert 0 < anytime_p(found)[-1] < 1e-300


def test_the_anytime_p_never_rises_again() -> None:
    found = anytime_p([0.5, 4.0, 40.0, 2.0, 50.0])
    assert found == pytest.approx([1, 0.25, 0.025, 0.025, 0.02])


def test_fewer_failures_are_seen_as_well() -> None:
    assert e_process(np.zeros(60), np.full(60, 8), 0.05)[-1] > 20, (
        "a canary that never fails: nobody is refused any more"
    )
