"""What the access log lacks, which findings count, and what is cut is said."""

from __future__ import annotations

from typing import Any

import pytest

from forensics.case import open_case
from forensics.gdpr.facts import _gaps, facts
from forensics.gdpr.model import Human
from forensics.results import material
from tests.conftest import Reviewed
from tests.results.context import context, requests

LOG = {"observer": "o", "rows": {"http_requests": 1}, "rejected": 0}
GAP = {"detector": "rollout.data_gap", "entity": {"source_table": "http_requests"}}


def gaps(rows: list[dict[str, Any]], *, log: dict[str, Any] = LOG, finding: dict[str, Any] | None = None) -> str:
    sandbox = context("", None, http_requests=rows).sandbox
    return _gaps(sandbox, {"evidence": [log], "findings": [finding] if finding else []})


def test_a_whole_log_lacks_nothing() -> None:
    assert gaps(requests("2", 3, 200)) == ""
    assert gaps(requests("2", 3, 200), log={**LOG, "observer": "another", "rejected": 3}) == ""
    assert gaps(requests("2", 3, 200), finding={**GAP, "entity": {"source_table": "connections"}}) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"log": {**LOG, "rejected": 1}}, "some records of the access log could not be parsed"),
        ({"log": {**LOG, "truncated": "gzip ends early"}}, "the access log is cut or damaged"),
        ({"finding": GAP}, "the access log has gaps in time"),
    ],
)
def test_what_a_log_lacks_is_told(change: dict[str, Any], words: str) -> None:
    assert gaps(requests("2", 3, 200), **change) == words


def test_requests_of_no_cohort_and_of_other_observers_are_told() -> None:
    rows = requests("2", 3, 200)
    assert gaps([*rows, *requests("3", 1, 200)]) == "requests that belong to no cohort are not counted"
    other = [row | {"observer": "p"} for row in requests("2", 1, 200)]
    assert gaps([*rows, *other]) == "canary requests that only another observer logged are not counted"


def many(count: int, **change: Any) -> Any:
    """Return a stand-in for the material of a case with one finding many times over."""

    def forged(case: Any) -> Any:
        findings, results = material(case)
        one = next(item for item in findings["findings"] if item["detector"] == "disclosure.email_property" and item["severity"] == "medium")  # fmt: skip
        findings["findings"] = [one | {"id": f"F-{index:010}", **change} for index in range(count)]
        return findings, results

    return forged


def test_more_findings_than_one_query_can_hold_are_told(reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    case = open_case(reviewed.case("checkout-compromised"))
    monkeypatch.setattr("forensics.gdpr.facts.MAX_FINDINGS", 2)
    monkeypatch.setattr("forensics.gdpr.facts.material", many(3))
    found = facts(case, Human())
    assert len(found.counted) == 3
    assert "The numbers count the first 2 of 3 findings." in found.limits
    total = {(n.measure, n.bound): n for n in found.numbers if n.about == "total"}
    assert total["people", "lower"].value == 7
    assert total["people", "upper"].reason == total["records", "upper"].reason == "it is unknown for F-0000000002"


@pytest.mark.parametrize("status", ["suppressed", "accepted"])
def test_what_people_accepted_is_named_and_not_counted(
    status: str, reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forensics.gdpr.facts.material", many(1, status=status))
    found = facts(open_case(reviewed.case("checkout-compromised")), Human())
    assert (found.counted, found.numbers) == ([], [])
    assert found.left[0]["reason"] == f"{status}: people accepted it in canary.toml"
