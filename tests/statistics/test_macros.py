"""The macros where users meet them: in a case's cache, in detectors' SQL, among columns of any name, beside NULL."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from forensics import statistics as st
from forensics import views
from forensics.case import open_case
from forensics.config import parse
from forensics.detectors.testing import DEFAULT_CONFIG, fill
from forensics.store import Sandbox, open_memory
from tests.conftest import Reviewed

CALLS = {
    "fisher_exact(3, 10, 5, 100)": {"two_sided": 0.04276701905114298, "higher": 0.04276701905114298},
    "binomial_test(3, 0, 0.05)": {"higher": 0.05**3, "two_sided": 0.05**3, "lower": 1},
    "newcombe_interval(56, 70, 48, 80)": {"low": 0.0524314724, "high": 0.3338726540},
    "newcombe_interval(56, 70, 48, 80, 0.99)": {"low": 0.005370869250, "high": 0.3718084318},
    "wilson_interval(3, 10)": {"low": 0.1077912674, "high": 0.6032218525},
    "clopper_pearson(3, 10, conf := 0.95)": {"low": 0.0667395112, "high": 0.6524528501},
    "poisson_interval(4)": {"low": 1.0898653736, "high": 10.2415886754},
    "{'bound': zero_event_bound(100)}": {"bound": 0.0295130496},
    "{'p': attainable_p(3, 3, 3)}": {"p": 0.1},
    "{'q': benjamini_hochberg([0.01, 0.5])[1]}": {"q": 0.02},
    "{'q': e_benjamini_hochberg([100, 1])[1]}": {"q": 0.02},
}


PAGE = (Path(__file__).parent.parent.parent / "docs" / "statistics.md").read_text(encoding="utf-8")
SHOWN = dict(re.findall(r"^\| `(\w+\(.+)` \| ([0-9.e-]+) \|$", PAGE, re.MULTILINE))


@pytest.mark.parametrize("call", SHOWN)
def test_the_page_shows_what_comes_out(call: str, sandbox: Sandbox) -> None:
    assert sandbox.value(f"select {call}") == pytest.approx(float(SHOWN[call]), rel=1e-9)


def test_the_page_shows_every_macro_and_names_every_function() -> None:
    macros = {name for call in CALLS for name in re.findall(r"[a-z_]{5,}(?=\()", call)}
    assert {call.partition("(")[0] for call in SHOWN} == macros
    of_one_record = {"stratified_difference", "stratified_differences"}
    assert {name for name in st.__all__ if name.islower() and f"`{name}" not in PAGE} == of_one_record


@pytest.mark.parametrize("call", CALLS)
def test_each_macro_in_the_cache_of_a_case(call: str, reviewed: Reviewed) -> None:
    with views.opened(open_case(reviewed.case("checkout-clean"))) as sandbox:
        [row] = sandbox.select(f"select {call} as found")
    assert {key: row["found"][key] for key in CALLS[call]} == pytest.approx(CALLS[call], rel=1e-9)


def test_in_the_sandbox_of_a_detector() -> None:
    rows: list[dict[str, Any]] = [
        {
            "time": "2026-03-03 09:10:00",
            "service_version": version,
            "url_path": "/a",
            "http_response_status_code": status,
            "repeat": times,
        }
        for version, status, times in (("2.4.0", 401, 3), ("2.4.0", 200, 10), ("2.3.9", 401, 5), ("2.3.9", 200, 100))
    ]
    sql = """
        select route, fisher_exact(
            count(*) filter (where cohort = 'canary' and decision = 'deny'), count(*) filter (where cohort = 'canary' and decision <> 'deny'),
            count(*) filter (where cohort = 'baseline' and decision = 'deny'), count(*) filter (where cohort = 'baseline' and decision <> 'deny')) as test
        from requests group by route having fisher_exact(count(*), 1, 2, 3).two_sided <= 1 order by route"""
    with closing(open_memory(1)) as sandbox:
        fill(sandbox, parse(DEFAULT_CONFIG).config, {"http_requests": rows})
        [row] = sandbox.select(sql)
    assert row["test"]["two_sided"] == pytest.approx(st.fisher_exact(3, 10, 5, 100).two_sided[0], rel=1e-9)


def test_names_inside_never_hide_a_callers_column(sandbox: Sandbox) -> None:
    """The lambdas of the macros call their values s, t, c, x, j ...: so may a table."""
    for name in ("s", "t", "c", "k", "x", "j", "m", "n", "l", "p", "i"):
        row = f"(select {{'a': 3, 'b': 10, 'c': 5, 'd': 100}} as {name})"
        call = f"fisher_exact({name}.a, {name}.b, {name}.c, {name}.d).two_sided, clopper_pearson({name}.a, {name}.b).low, poisson_interval({name}.a).low"
        assert sandbox.rows(f"select {call} from {row}") == sandbox.rows(
            "select fisher_exact(3, 10, 5, 100).two_sided, clopper_pearson(3, 10).low, poisson_interval(3).low"
        )


def test_inside_lists_and_windows_and_conditions(sandbox: Sandbox) -> None:
    p = st.fisher_exact(3, 10, [5, 6], 100).two_sided.tolist()
    assert sandbox.value(
        "select list_transform([5, 6], lambda x: fisher_exact(3, 10, x, 100).two_sided)"
    ) == pytest.approx(p)
    rows = sandbox.rows(
        "select sum(fisher_exact(3, 10, c, 100).two_sided) over (order by c) from (values (5), (6)) v(c) order by 1"
    )
    assert [row[0] for row in rows] == pytest.approx([p[0], sum(p)])
    assert sandbox.rows("select c from (values (5), (60)) v(c) where fisher_exact(3, 10, c, 100).two_sided < 0.05") == [
        (5,)
    ]
    assert sandbox.value(
        "select q[1] from (select benjamini_hochberg(list(fisher_exact(3, 10, c, 100).two_sided order by c)) as q from (values (5), (6)) v(c))"
    )


@pytest.mark.parametrize(
    "counts",
    [
        "null, 1, 2, 3",
        "1, null, 2, 3",
        "1, 2, null, 3",
        "1, 2, 3, null",
        "-1, 2, 3, 4",
        "1, 2, 3, 0.5",
        "1e300, 1, 1, 1",
    ],
)
def test_null_and_what_is_no_count_give_null(counts: str, sandbox: Sandbox) -> None:
    found = sandbox.value(f"select fisher_exact({counts})")
    assert set(found.values()) == {None}


@pytest.mark.parametrize(
    "call",
    [
        "binomial_test(1, 2, null)", "binomial_test(1, 2, 1.5)", "binomial_test(1, 2, 0)", "binomial_test(0, 5, 0)",
        "binomial_test(0, 5, 1)", "binomial_test(5, 0, 1)", "binomial_test(0, 0, 'nan')", "newcombe_interval(1, null, 2, 3)", "newcombe_interval(1, 2, 0, 0)",
        "wilson_interval(1, 2, 1)", "clopper_pearson(1, 2, null)", "poisson_interval(null)", "{'b': zero_event_bound(null)}", "{'b': zero_event_bound(-1)}",
        "{'p': attainable_p(9, 2, 3)}", "{'p': attainable_p(null, 2, 3)}", "{'z': normal_quantile(0)}",
    ],
)  # fmt: skip
def test_null_and_nonsense_give_null(call: str, sandbox: Sandbox) -> None:
    assert set(sandbox.value(f"select {call}").values()) == {None}


def test_numbers_of_any_type_are_counts(sandbox: Sandbox) -> None:
    wanted = st.fisher_exact(3, 10, 5, 100).two_sided[0]
    for kind in ("utinyint", "smallint", "bigint", "hugeint", "double", "decimal(9, 2)"):
        assert sandbox.value(
            f"select fisher_exact(3::{kind}, 10::{kind}, 5::{kind}, 100::{kind}).two_sided"
        ) == pytest.approx(wanted)
