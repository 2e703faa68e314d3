"""What the case itself tells about a breach: the findings that show personal data, times, measures by the log, limits, and the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from forensics import custody, views
from forensics.case import Case
from forensics.findings import level, moment
from forensics.gdpr.counting import Counting, Number, count
from forensics.gdpr.model import Human
from forensics.gdpr.scopes import Subject
from forensics.investigate.annotations import first_said
from forensics.investigate.listing import what
from forensics.results import material
from forensics.scan.patterns import builtin_patterns
from forensics.store import Sandbox

MAX_FINDINGS = 50  # each is a part of the queries of the totals
CORE_FAMILIES = ("access", "disclosure", "outbound")
# What took the canary out of traffic; to raise its weight, to pause between steps or to go on is no measure.
_TAKEN = """
select time, event_kind, canary_weight
from (
    select *, lag(canary_weight) over (partition by event_kind order by time, canary_weight) as weight_before
    from (select distinct time, event_kind, canary_weight from rollout_events where time is not null)
)
where event_kind in ('aborted', 'rolled_back') or (event_kind = 'weight_set' and canary_weight < weight_before)
order by time, event_kind, canary_weight
"""
_OTHERS = """
select coalesce(sum(c.rows), 0)::bigint
from dims.observer_counts c
join dims.observers o on o.table_name = c.table_name and o.observer is distinct from c.observer
where c.table_name = 'http_requests' and c.cohort = 'canary'
"""
_NO_COHORT = "select count(*) from requests where cohort = 'unknown' and route is not null"


@dataclass(frozen=True, slots=True)
class Facts:
    """What documents are made of; `counted` are findings, gravest first, `left` those that are not counted with the reason."""

    findings: Mapping[str, Any]
    times: Mapping[str, Any]
    counted: list[dict[str, Any]]
    left: list[dict[str, Any]]
    numbers: list[Number]
    taken: list[dict[str, Any]]
    taken_query: str
    first_detected: str
    first_triaged: str
    limits: list[str]


def facts(case: Case, human: Human) -> Facts:
    """Return the facts of a case.

    Raises:
        UsageError: detection has not run yet. IntegrityError: findings, results or a log are not what was recorded.

    """
    findings, results = material(case)
    flagged = [item for item in findings["findings"] if item["personal_data"]]
    counted = sorted((item for item in flagged if not _left(item)), key=_order)
    left = [{**_told(item), "reason": _left(item)} for item in sorted(flagged, key=_order) if _left(item)]
    subjects = [Subject(item, index) for index, item in enumerate(counted[:MAX_FINDINGS])]
    left_out = [item["id"] for item in counted[MAX_FINDINGS:]]
    with views.opened(case) as sandbox:
        counting = replace(_counting(sandbox, findings, human), left_out=left_out)
        numbers = count(counting, subjects) if subjects else []
        taken = [
            {"time": moment(time), "action": kind, "weight": weight} for time, kind, weight in sandbox.rows(_TAKEN)
        ]
    ids = {item["id"] for item in counted}
    return Facts(
        findings, results.get("times", {}), [_told(item) for item in counted], left, numbers, taken, _TAKEN.strip(),
        custody.first(case.folder / custody.FILE_NAME, "detect"), first_said(case, ids), _limits(findings, counted),
    )  # fmt: skip


def _left(finding: Mapping[str, Any]) -> str:
    """Say why a finding is not counted; empty where it is."""
    if finding["status"] != "active":
        return f"{finding['status']}: people accepted it in canary.toml"
    return "the baseline does it too" if finding["novelty"] == "pre_existing" else ""


def _order(finding: Mapping[str, Any]) -> tuple[int, str, str]:
    return -level(finding["severity"]), finding["detector"], finding["id"]


def _told(finding: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "detector", "family", "title", "severity", "confidence", "first_seen", "last_seen", "gdpr", "recommendation")  # fmt: skip
    return {name: finding[name] for name in names} | {"what": what(finding)}


def _counting(sandbox: Sandbox, findings: Mapping[str, Any], human: Human) -> Counting:
    titles = {pattern.id: pattern.title for pattern in builtin_patterns()}
    return Counting(sandbox, human.category, titles, _gaps(sandbox, findings))


def _gaps(sandbox: Sandbox, findings: Mapping[str, Any]) -> str:
    """Say what the access log lacks; empty where it is whole."""
    observer = sandbox.value("select observer from dims.observers where table_name = 'http_requests'")
    logs = [item for item in findings["evidence"] if item["observer"] == observer and "http_requests" in item["rows"]]
    gaps = {
        "the access log is cut or damaged": any(item.get("truncated") for item in logs),
        "some records of the access log could not be parsed": any(item["rejected"] for item in logs),
        "requests that belong to no cohort are not counted": bool(sandbox.value(_NO_COHORT)),
        "canary requests that only another observer logged are not counted": bool(sandbox.value(_OTHERS)),
        "the access log has gaps in time": any(_is_gap(item) for item in findings["findings"]),
    }
    return "; ".join(gap for gap, there in gaps.items() if there)


def _is_gap(finding: Mapping[str, Any]) -> bool:
    return bool(finding["detector"] == "rollout.data_gap" and finding["entity"].get("source_table") == "http_requests")


def _limits(findings: Mapping[str, Any], counted: Sequence[object]) -> list[str]:
    """Return what the evidence does not show, in sentences."""
    missing = [
        f"Not evaluated: {state['title']}: {state['reason']}"
        for state in findings["detectors"]
        if state["state"] in ("not_evaluated", "error") and state["family"] in CORE_FAMILIES
    ]
    cut = f"The numbers count the first {MAX_FINDINGS} of {len(counted)} findings."
    return [*findings["coverage"]["reasons"], *missing, *([cut] if len(counted) > MAX_FINDINGS else [])]
