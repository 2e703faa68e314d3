"""Baseline pods against each other, and the moments of an incident."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from forensics.results import calibration, times
from tests.results.context import context, requests


def pods(*counts: tuple[int, int]) -> list[dict[str, Any]]:
    """Return baseline requests of one pod after the other: failed, fine."""
    return [
        row
        for index, (bad, good) in enumerate(counts)
        for status, count in ((500, bad), (200, good))
        for row in requests("1", count, status, k8s_pod_name=f"b{index}", session_id=None)
    ]


def test_equal_pods_raise_no_alarm() -> None:
    found = calibration.build(context(http_requests=pods((10, 90), (10, 90), (10, 90))))
    assert (found["pods"], found["tests"], found["below"]) == (3, 3, 0)


def test_a_pod_that_fails_more_is_seen_from_every_side() -> None:
    found = calibration.build(context(http_requests=pods((60, 40), (0, 100), (0, 100))))
    assert (found["tests"], found["below"]) == (3, 3)
    assert (
        found["sentence"]
        == "Baseline pods compared with each other: 3 of 3 tests fall below p = 0.05; about 0 or fewer are expected."
    )


@pytest.mark.parametrize("counts", [[(1, 2), (0, 3)], [(0, 100), (0, 100)]])
def test_where_no_outcome_could_alarm_there_is_no_test(counts: list[tuple[int, int]]) -> None:
    assert calibration.build(context(http_requests=pods(*counts)))["tests"] == 0


def test_what_is_left_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "MAX_TESTS", 2)
    found = calibration.build(context(http_requests=pods((10, 90), (10, 90), (10, 90))))
    assert found["tests"] == 2
    assert "there are more routes and pods" in found["sentence"]


def test_one_pod() -> None:
    assert calibration.build(context(http_requests=pods((1, 2))))["sentence"].startswith(
        "There are no two baseline pods"
    )


def finding(first_seen: str, **more: Any) -> SimpleNamespace:
    base = {
        "first_seen": first_seen,
        "id": "F-1",
        "status": "active",
        "novelty": "new",
        "family": "outbound",
        "severity": "high",
    }
    return SimpleNamespace(**{**base, **more})


EVENTS = [
    {"time": "2026-03-03T09:05:00", "event_kind": "analysis_failed"},
    {"time": "2026-03-03T09:20:00", "event_kind": "analysis_failed"},
    {"time": "2026-03-03T09:30:00", "event_kind": "aborted"},
]


def test_moments_of_an_incident() -> None:
    findings = [
        finding("2026-03-03T09:10:00Z"),
        finding("2026-03-03T09:01:00Z", severity="low"),
        finding("2026-03-03T09:01:00Z", novelty="pre_existing"),
        finding("2026-03-03T09:01:00Z", family="supply_chain"),
        finding("2026-03-03T09:01:00Z", status="suppressed"),
        finding(""),
    ]
    late = [{"time": "2026-03-03T09:31:30", "observer": "o", "service_version": "2"}]
    found = times.build(context(result=SimpleNamespace(findings=findings), rollout_events=EVENTS, http_requests=late))
    assert {key: found[key] for key in found if key.startswith("seconds")} == {
        "seconds_to_detect": 600.0,
        "seconds_to_act": 1200.0,
        "seconds_to_contain": 1290.0,
    }
    assert found["basis"]["detected"] == "rollout event: analysis failed"


def test_nothing_happened() -> None:
    found = times.build(context(result=SimpleNamespace(findings=[])))
    assert found["seconds_to_detect"] is None
    assert found["basis"] == {
        "onset": "no active finding about behaviour has a time",
        "detected": "there is no onset",
        "acted": "no rollback is known",
        "contained": "no rollback is known",
    }


def test_nobody_noticed() -> None:
    found = times.build(
        context(result=SimpleNamespace(findings=[finding("2026-03-03T09:40:00Z")]), rollout_events=EVENTS[:1])
    )
    assert (found["seconds_to_detect"], found["basis"]["detected"]) == (
        None,
        "no analysis, rollout event or alert of the evidence noticed",
    )
