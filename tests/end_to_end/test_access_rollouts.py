"""Bypasses injected into generated rollouts are found with their requests, and healthy rollouts are quiet (benchmarks/access_rollouts.py)."""

from __future__ import annotations

import pytest

from benchmarks.access_rollouts import DETECTORS, INJECTIONS, Injection, alarms, case, findings, is_found
from benchmarks.access_traffic import healthy
from forensics.findings import Finding

SEEDS = 20


def found(title: str, seed: int = 0) -> tuple[list[Finding], set[str]]:
    """Return the new findings of the detector, and the records that were injected."""
    base = healthy(seed)
    extra = Injection(base, seed)
    INJECTIONS[title](extra)
    before = {"http_requests": len(base.http_requests), "http_exchanges": len(base.http_exchanges)}
    injected = {
        f"{table}:{count + number}"
        for table, count in before.items()
        for number in range(1, len(getattr(extra.rows, table)) + 1)
    }
    with case(base, extra.rows) as store:
        told = findings(store, f"access.{title.partition(' ')[0]}")
    return [item for item in told if item.novelty != "pre_existing"], injected


@pytest.mark.parametrize(
    ("title", "severity"),
    [
        ("denial_rate_lower nobody_refused", "high"),
        ("role_allow_flip role_answered", "critical"),
        ("anonymous_allow_flip seen_twice", "critical"),
        ("path_confusion odd_spelling", "critical"),
    ],
)
def test_a_bypass_is_found_with_its_requests(title: str, severity: str) -> None:
    """Complete, for one role of six, seen twice only, and visible only by the spelling of the path."""
    told, injected = found(title)
    assert [item.severity for item in told] == [severity]
    assert told[0].evidence
    if told[0].p_value is None:
        assert set(told[0].evidence) <= injected, "nothing but the bypass is shown"
    else:
        assert set(told[0].evidence) & injected


def test_every_detector_of_access_that_can_be_injected_is() -> None:
    """Left are those that tell of valid callers who are refused."""
    named = {title.partition(" ")[0] for title in INJECTIONS}
    assert {item.id.partition(".")[2] for item in DETECTORS} - named == {"denial_rate_higher", "newly_refused"}


@pytest.mark.slow
@pytest.mark.parametrize("title", INJECTIONS)
def test_recall(title: str) -> None:
    assert sum(is_found(healthy(seed), seed, title) for seed in range(SEEDS)) >= 0.95 * SEEDS


@pytest.mark.slow
def test_healthy_rollouts_are_quiet() -> None:
    assert alarms(100).total() <= 5
