"""Flag states behind findings: by trace first, then by account and time; *only with* asks for three callers and a variant that is not everywhere."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from forensics.results import flags
from tests.results.context import context, requests


def evaluated(
    user: str, variant: str, *, time: str = "2026-03-03T09:00:00", version: str = "2", **more: Any
) -> dict[str, Any]:
    return {"time": time, "service_version": version, "feature_flag_key": "new-cart", "feature_flag_variant": variant, "user_id": user, **more}  # fmt: skip


def failing(*users: str, **more: Any) -> list[dict[str, Any]]:
    return [row | {"user_id": user} for user in users for row in requests("2", 1, 500, **more)]


def found(events: list[dict[str, Any]], failed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    records = [f"test:{number}" for number in range(1, len(failed) + 1)]
    result = SimpleNamespace(findings=[SimpleNamespace(id="F-1", evidence=records)])
    built = flags.build(context(result=result, flag_events=events, http_requests=failed))
    states: list[dict[str, Any]] = built["findings"].get("F-1", [])
    return states


FEW = [evaluated(f"off{index}", "off") for index in range(7)] + [evaluated(name, "on") for name in "abc"]


def test_all_callers_behind_a_finding_have_the_rarer_variant() -> None:
    (state,) = found(FEW, failing("a", "b", "c", "c"))
    assert (state["flag"], state["variant"], state["records"], state["callers"]) == ("new-cart", "on", 4, 3)
    assert state["canary_share"] == pytest.approx(0.3)  # 3 of 10 callers
    assert state["chance"] == pytest.approx(0.3**3)
    assert state["only_with"]


def test_two_callers_are_too_few() -> None:
    assert not found(FEW, failing("a", "b"))[0]["only_with"]


def test_a_variant_that_nearly_all_have_says_nothing() -> None:
    events = [evaluated("x", "off"), *(evaluated(name, "on") for name in "abcdefghi")]
    (state,) = found(events, failing("a", "b", "c"))
    assert state["chance"] == pytest.approx(0.9**3)
    assert not state["only_with"]


def test_a_variant_that_all_have_says_nothing() -> None:
    (state,) = found([evaluated(name, "on") for name in "abc"], failing("a", "b", "c"))
    assert (state["canary_share"], state["only_with"]) == (1.0, False)


def test_both_variants_fail() -> None:
    (state,) = found(FEW, failing("a", "b", "c", "off1"))
    assert (state["variants"], state["only_with"]) == ({"off": 1, "on": 3}, False)


def test_the_last_evaluation_before_the_record_counts() -> None:
    events = [
        evaluated("a", "off", time="2026-03-03T09:10:00"),
        evaluated("a", "on", time="2026-03-03T09:20:00"),
        evaluated("a", "later", time="2026-03-03T09:40:00"),
    ]
    assert found(events, failing("a"))[0]["variants"] == {"on": 1}


def test_the_same_trace_is_nearer_than_the_same_account() -> None:
    events = [evaluated("a", "off"), evaluated("nobody", "on", trace_id="t1", time="2026-03-03T09:50:00")]
    assert found(events, failing("a", trace_id="t1"))[0]["variants"] == {"on": 1}


def test_accounts_without_evaluations_and_cases_without_flags() -> None:
    assert found(FEW, failing("z")) == []
    assert found([], failing("a")) == []
    assert flags.build(context(result=SimpleNamespace(findings=[])))["flags"] == []


def test_what_was_served_to_both_cohorts() -> None:
    events = [*FEW, evaluated("b1", "off", version="1"), evaluated("b1", "off", version="1"), {"user_id": "nameless"}]
    built = flags.build(context(result=SimpleNamespace(findings=[]), flag_events=events))
    assert built["flags"] == [{"flag": "new-cart", "canary": {"off": 7, "on": 3}, "baseline": {"off": 1}}]


def test_hostile_flags_come_out_as_data() -> None:
    events = [evaluated("a", "<script>", feature_flag_key="'; drop table x; --")]
    assert found(events, failing("a"))[0]["flag"] == "'; drop table x; --"


def test_records_without_an_account_are_of_the_account_of_the_evaluation() -> None:
    """Ten exceptions of one person, joined by trace, are one caller."""
    events = [*FEW, *(evaluated("a", "on", trace_id=f"t{n}") for n in range(10))]
    logs = [
        {"time": "2026-03-03T09:30:00", "service_version": "2", "exception_type": "E", "trace_id": f"t{n}"}
        for n in range(10)
    ]
    result = SimpleNamespace(findings=[SimpleNamespace(id="F-1", evidence=[f"test:{n}" for n in range(1, 11)])])
    (state,) = flags.build(context(result=result, flag_events=events, app_logs=logs))["findings"]["F-1"]
    assert (state["callers"], state["records"], state["only_with"]) == (1, 10, False)


def test_flags_without_a_cohort_are_told() -> None:
    built = flags.build(context(result=SimpleNamespace(findings=[]), flag_events=[evaluated("a", "on", version="9")]))
    assert built["note"].startswith("None of 1 evaluation of feature flags could be given to a cohort")
