"""Q-values against scipy and statsmodels, in Python and in SQL."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from forensics.statistics import benjamini_hochberg, e_benjamini_hochberg, q_values
from forensics.store import Sandbox

TIES = [0.01, 0.01, 0.5, 0.5, 1.0, 1.0, 0.0]


def in_sql(sandbox: Sandbox, macro: str, values: list[float | None]) -> list[float | None]:
    found: list[float | None] = sandbox.value(f"select {macro}($values::double[])", {"values": values})
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 10, 200, 5000])
@pytest.mark.parametrize("power", [1, 4])
def test_q_values_against_scipy_and_statsmodels(size: int, power: int, sandbox: Sandbox) -> None:
    p_values = (np.random.default_rng(size).random(size) ** power).tolist()
    found = benjamini_hochberg(p_values)
    assert found == pytest.approx(stats.false_discovery_control(p_values).tolist())
    assert found == pytest.approx(multipletests(p_values, method="fdr_bh")[1].tolist())
    assert in_sql(sandbox, "benjamini_hochberg", p_values) == pytest.approx(found, rel=1e-14)


def test_ties_and_nothing(sandbox: Sandbox) -> None:
    assert benjamini_hochberg(TIES) == pytest.approx(stats.false_discovery_control(TIES).tolist())
    assert in_sql(sandbox, "benjamini_hochberg", list(TIES)) == pytest.approx(benjamini_hochberg(TIES))
    assert benjamini_hochberg([]) == []
    assert in_sql(sandbox, "benjamini_hochberg", []) == []
    assert sandbox.value("select benjamini_hochberg(null::double[])") is None


def test_null_is_no_hypothesis_in_sql(sandbox: Sandbox) -> None:
    assert in_sql(sandbox, "benjamini_hochberg", [None, 0.01, None, 0.04]) == [None, 0.02, None, 0.04]
    assert in_sql(sandbox, "benjamini_hochberg", [None, None]) == [None, None]


def test_what_is_no_p_or_e_value_is_no_hypothesis_in_sql(sandbox: Sandbox) -> None:
    nan, inf = math.nan, math.inf
    assert in_sql(sandbox, "benjamini_hochberg", [nan, 0.5, 2.0, -1.0]) == [None, 0.5, None, None]
    assert in_sql(sandbox, "benjamini_hochberg", [inf, 0.01, -inf, 0.04, 1.0, 0.0]) == [None, 0.02, None, pytest.approx(0.04 * 4 / 3), 1, 0]  # fmt: skip
    assert in_sql(sandbox, "e_benjamini_hochberg", [0.0, -1.0, inf, None]) == [1, None, 0, None]
    assert in_sql(sandbox, "e_benjamini_hochberg", [nan, 100.0, -inf, 0.5]) == [None, 0.02, None, 1]


def test_q_values_by_family_of_rows(sandbox: Sandbox) -> None:
    """The form that the comment in the macros shows."""
    rows = sandbox.rows(
        "select family, unnest(list(id order by id)) as id, unnest(benjamini_hochberg(list(p order by id))) as q "
        "from (values ('a', 1, 0.01), ('a', 2, 0.5), ('b', 3, 0.04), ('a', 4, 0.02)) t(family, id, p) group by family order by id"
    )
    assert [(family, number) for family, number, _ in rows] == [("a", 1), ("a", 2), ("b", 3), ("a", 4)]
    assert [q for *_, q in rows] == pytest.approx([0.03, 0.5, 0.04, 0.03])


def test_e_values_by_wang_and_ramdas(sandbox: Sandbox) -> None:
    """The k largest of m are rejected at alpha if the k-th is at least m / (alpha k)."""
    rng = np.random.default_rng(9)
    for _ in range(50):
        e_values = np.exp(rng.normal(1, 3, rng.integers(1, 40))).tolist()
        found = e_benjamini_hochberg(e_values)
        assert in_sql(sandbox, "e_benjamini_hochberg", e_values) == pytest.approx(found, rel=1e-14)
        for alpha in (0.01, 0.05, 0.2):
            ordered = sorted(e_values, reverse=True)
            count = max((k for k, e in enumerate(ordered, 1) if e >= len(ordered) / (alpha * k)), default=0)
            assert sum(q <= alpha for q in found) == count


def test_an_e_value_of_zero_is_no_evidence(sandbox: Sandbox) -> None:
    for found in (
        e_benjamini_hochberg([0.0, 100.0, math.inf]),
        in_sql(sandbox, "e_benjamini_hochberg", [0.0, 100.0, math.inf]),
    ):
        assert found == pytest.approx([1, 0.015, 0])


def test_what_could_not_reach_alpha_is_left_out() -> None:
    p_values, attainable = [0.02, 0.5, 1.0, 0.04], [0.001, 0.2, 0.06, 0.03]
    assert q_values(p_values, attainable, 0.05) == pytest.approx([0.04, None, None, 0.04])
    assert q_values(p_values, attainable, 0.3) == pytest.approx([0.08, 2 / 3, 1.0, 0.08])
    assert q_values([0.5], [0.5], 0.05) == [None]
    assert q_values([], [], 0.05) == []
