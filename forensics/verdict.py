"""Coverage grade and verdict: named rules over findings and counts; each reason is a sentence for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from forensics.config import Config
from forensics.findings import CONFIDENCES, Coverage, DetectorState, Finding, Incident, Verdict, level
from forensics.store import Sandbox
from forensics.text import listing, plural

CORE_FAMILIES = ("outbound", "access", "disclosure")
_GRADES = "ABCDEF"
# Limits of the grade: measured against what a detector can see. With 30 requests a rate of 10 % stays unseen (95 %), with 100 one of 3 %;
# a beacon needs 12 to 16 sightings, so 15 minutes show only periods below about a minute.
_FEW_REQUESTS, _TOO_FEW_REQUESTS = 100, 30
_SHORT_MINUTES = 15
_UNKNOWN = ((0.5, "D"), (0.2, "C"), (0.05, "B"))


def coverage(
    sandbox: Sandbox, config: Config, states: Sequence[DetectorState], evidence: Sequence[dict[str, Any]]
) -> Coverage:
    """Grade the evidence: the worst of the reasons counts."""
    unknown, known = _unknown(sandbox)
    share = unknown / (unknown + known) if unknown + known else 0.0
    minutes = _canary_minutes(sandbox)
    marks: list[tuple[str, str]] = []
    if not known:
        why = "no row could be given to a cohort" if config.cohort else "canary.toml has no cohort rules"
        marks.append(("F", f"{why}: nothing can be compared"))
    else:
        marks += _unknown_marks(share)
        marks += _amount_marks(sandbox, minutes)
    marks += _family_marks(states)
    marks += _evidence_marks(evidence)
    grade = max((mark for mark, _ in marks), default="A")
    return Coverage(grade, [reason for _, reason in sorted(marks, reverse=True)], share, minutes)


def with_table(given: Verdict, rows: Sequence[dict[str, Any]]) -> Verdict:
    """Return the verdict with what the table of stable and canary asks for: where a row says roll back, nothing passes."""
    asking = [f"{row['metric']}, {row['action']}" for row in rows if "roll back" in row["action"]]
    if given.outcome != "pass" or not asking:
        return given
    return Verdict(
        "review",
        f"no finding of severity medium or above, but the table of stable and canary asks to act: {listing(asking, 3)}",
    )


def _evidence_marks(evidence: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return marks for evidence that is missing: what was not read could hold anything, what is cut lacks its end."""
    kinds = {
        "the ingest was interrupted before": (
            "D",
            [entry["name"] for entry in evidence if entry["status"] == "pending"],
        ),
        "could not be read": ("C", [entry["name"] for entry in evidence if entry["status"] == "failed"]),
        "damaged or cut": ("B", [entry["name"] for entry in evidence if entry.get("truncated")]),
        "may hold records, but of no known format": (
            "B",
            [entry["name"] for entry in evidence if entry.get("may_hold_records")],
        ),
    }
    return [(grade, f"{what}: {listing(names)}") for what, (grade, names) in kinds.items() if names]


def _unknown(sandbox: Sandbox) -> tuple[int, int]:
    row = sandbox.rows(
        "select coalesce(sum(rows) filter (c.cohort = 'unknown'), 0)::bigint, coalesce(sum(rows) filter (c.cohort <> 'unknown'), 0)::bigint "
        "from dims.observer_counts c join dims.observers o on o.table_name = c.table_name and o.observer is not distinct from c.observer "
        "where c.table_name in ('http_requests', 'http_exchanges', 'connections', 'dns_queries', 'auth_events', 'app_logs', 'runtime_alerts')"
    )[0]
    return row[0], row[1]


def _unknown_marks(share: float) -> list[tuple[str, str]]:
    for limit, grade in _UNKNOWN:
        if share > limit:
            return [(grade, f"{share:.0%} of the rows belong to no cohort")]
    return []


def _canary_minutes(sandbox: Sandbox) -> int:
    tables = ("http_requests", "http_exchanges", "connections", "dns_queries")
    union = " union ".join(
        f"select epoch_us(time) // 60000000 as minute from main.{table} where cohort = 'canary' and time is not null"
        for table in tables
    )
    return int(sandbox.value(f"select coalesce(max(minute) - min(minute) + 1, 0) from ({union})") or 0)


def _amount_marks(sandbox: Sandbox, minutes: int) -> list[tuple[str, str]]:
    marks = []
    requests = sandbox.value("select count(*) from main.http_requests where cohort = 'canary'") or 0
    if requests < _TOO_FEW_REQUESTS:
        seen = (
            f"only {plural(requests, 'canary request')}: a rate below {min(1, 3 / requests):.0%} cannot be seen"
            if requests
            else "no access log shows a canary request"
        )
        marks.append(("D", seen))
    elif requests < _FEW_REQUESTS:
        marks.append(
            ("C", f"only {plural(requests, 'canary request')}: a rate below {3 / requests:.0%} cannot be seen")
        )
    if minutes < _SHORT_MINUTES:
        marks.append(
            (
                "C",
                "the canary was not observed: no timer can be seen"
                if minutes < 1
                else f"the canary was observed for {plural(minutes, 'minute')}: a timer slower than {max(minutes * 60 // 12, 1)} s cannot be seen",
            )
        )
    return marks


def _family_marks(states: Sequence[DetectorState]) -> list[tuple[str, str]]:
    blind = not_evaluated(states)
    return [("D", f"{family} could not be evaluated ({reason})") for family, reason in blind.items()]


def not_evaluated(states: Sequence[DetectorState]) -> dict[str, str]:
    """Return core families most of whose detectors could not speak, with the reason that most of them give.

    One of them may still speak: the headers of responses without a body tell nothing of what bodies hold.
    """
    blind = {}
    for family in CORE_FAMILIES:
        mine = [state for state in states if state.family == family]
        silent = [state.reason for state in mine if state.state not in ("finding", "clean")]
        if 2 * len(silent) > len(mine) or not mine:
            blind[family] = Counter(silent).most_common(1)[0][0] if silent else "no detector"
    return blind


def decide(
    config: Config,
    grade: Coverage,
    states: Sequence[DetectorState],
    findings: Sequence[Finding],
    incidents: Sequence[Incident],
) -> Verdict:
    """Return the verdict: block, else inconclusive, else review, else pass."""
    active = [finding for finding in findings if finding.status == "active"]
    blocking = {
        finding.id
        for finding in active
        if finding.novelty != "pre_existing"
        and level(finding.severity) >= level("high")
        and CONFIDENCES.index(finding.confidence) >= 1
    }
    if blocking:
        leading = [incident.title for incident in incidents if blocking & set(incident.findings)]
        return Verdict(
            "block",
            f"{plural(len(leading), 'incident')} of severity high or above: {'; '.join(leading[:3])}{' …' if len(leading) > 3 else ''}",
        )
    doubt = _doubt(config, grade, states)
    if doubt:
        return Verdict("inconclusive", doubt)
    open_incidents = [incident.title for incident in incidents if level(incident.severity) >= level("medium")]
    standing = [
        finding.title
        for finding in active
        if finding.novelty == "pre_existing" and level(finding.severity) >= level("medium")
    ]
    if open_incidents or standing:
        return Verdict(
            "review",
            f"{plural(len(open_incidents) + len(standing), 'incident')} of severity medium: {'; '.join([*open_incidents, *standing][:3])}",
        )
    return Verdict("pass", f"no finding of severity medium or above; coverage grade {grade.grade}")


def _doubt(config: Config, grade: Coverage, states: Sequence[DetectorState]) -> str:
    """Return why nothing can be concluded, or an empty text."""
    if not config.cohort and not any(rule.cohort for rule in config.identity):
        return "canary.toml has no cohort rules, so canary and baseline cannot be told apart"
    blind = not_evaluated(states)
    if blind:
        return "; ".join(f"{family} could not be evaluated: {reason}" for family, reason in blind.items())
    failed = [state.id for state in states if state.state == "error"]
    if failed:
        return f"{listing(failed)} could not be run, so what they look for is not excluded"
    return f"coverage grade {grade.grade}: {grade.reasons[0]}" if grade.grade > "C" else ""
