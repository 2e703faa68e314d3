"""Run detectors in the sandbox and turn their counts into findings: effect, interval, p and q come from here, never from the SQL."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from forensics import statistics as st
from forensics.config import Config
from forensics.detectors.front import COUNTS, Detector, Front, Needs
from forensics.detectors.rates import Comparison, compares_rates, comparisons, strata_of, too_small
from forensics.detectors.suppressions import suppression_of
from forensics.errors import QueryError
from forensics.findings import (
    Count,
    DetectorState,
    Finding,
    Modifier,
    Novelty,
    StratumCount,
    finding_id,
    level,
    moment,
    moved,
)
from forensics.store import QUERY_SECONDS, EngineError, Sandbox, name

MAX_EVIDENCE = 20
_OF_NOBODY = ("vulnerabilities",)  # advisories speak of packages, not of what ran
_NOT_ROWS = ("rollout", "supply_chain")  # families whose findings are not about single records
_NOT_DETAILS = {*COUNTS, "strata", "first_seen", "last_seen", "evidence", "modifiers"}
MAX_ROWS = 10_000  # a detector that returns more is judged by the first; its state says so
CUT = "the detector returns more, which were not judged"
MAX_TEXT = 65_536  # characters of one value
MAX_ITEMS = 1000  # of one list or object
_MOST = 2**63 - 1
_BROKEN = (
    LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, MemoryError, msgspec.ValidationError, EngineError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """State of one detector with its findings."""

    state: DetectorState
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class Context:
    """What judging a row needs besides the row: configuration and the day on which suppressions are judged."""

    config: Config
    as_of: date
    seconds: float = QUERY_SECONDS


def run(sandbox: Sandbox, detector: Detector, context: Context) -> Outcome:
    """Run one detector; a detector that fails gives state `error`, never an exception."""
    seen = 0
    try:
        seen, missing, proves = _needs(sandbox, detector)
        if missing and not proves:
            return Outcome(_state(detector, "not_evaluated", missing, seen), [])
        rows, more = _rows(sandbox, detector, context.seconds)
        compared = comparisons(detector, rows) if compares_rates(detector) else []
        findings = _findings(detector, rows, compared, context)
        if missing:
            told = f"{len(findings)} found; that is no proof of the rest: {missing}"
            return Outcome(
                _state(detector, "finding" if findings else "not_evaluated", told if findings else missing, seen),
                findings,
            )
    except QueryError as error:
        return Outcome(_state(detector, "error", error.message, seen), [])
    except _BROKEN as error:
        told = f"The rows break the contract: {type(error).__name__} {str(error)[:500]}."
        return Outcome(_state(detector, "error", told, seen), [])
    return Outcome(_judged(detector, len(findings), more, seen, compared), findings)


def _rows(sandbox: Sandbox, detector: Detector, seconds: float) -> tuple[list[dict[str, Any]], bool]:
    """Return the first rows as dicts, and whether there are more."""
    columns, rows = sandbox.select_rows(detector.sql, detector.parameters or None, seconds=seconds, limit=MAX_ROWS + 1)
    return [dict(zip(columns, row, strict=True)) for row in rows[:MAX_ROWS]], len(rows) > MAX_ROWS


def _judged(detector: Detector, found: int, more: bool, seen: int, compared: Sequence[Comparison]) -> DetectorState:
    """Never `clean` where not every row was judged, or where none could have been a finding."""
    if more:
        told = f"{found:,} found in the first {MAX_ROWS:,} rows; {CUT}"
        return _state(detector, "finding" if found else "error", told, seen)
    if found:
        return _state(detector, "finding", f"{found} found", seen)
    small = too_small(detector, compared)
    if small and all(item.q_value is None for item in compared):
        return _state(detector, "not_evaluated", small, seen)
    return _state(detector, "clean", "; ".join(filter(None, (_clean(detector, seen), small))), seen)


def _needs(sandbox: Sandbox, detector: Detector) -> tuple[int, str, bool]:
    """Return canary rows of the tables that are counted, the reason why the detector cannot speak, if any, and whether what it finds counts all the same.

    Too few canary rows forbid to say `clean`; what was found in them and never on the baseline was found.
    """
    needs = detector.front.needs
    if missing := _missing(sandbox, needs):
        return 0, missing, False
    where, given = " and ".join(needs.counted), _counts(sandbox, needs, "")
    if not given["canary"] and not given["baseline"] and (needs.canary_rows or needs.baseline_rows):
        return 0, f"no row of {where} could be given to a cohort: canary.toml has no rule that reaches them", False
    counts = _counts(sandbox, needs, "where http_response_body is not null") if needs.bodies else given
    noun = "responses with a body that could be searched" if needs.bodies else f"rows in {where}"
    canary, baseline = counts["canary"], counts["baseline"]
    if baseline < needs.baseline_rows:
        return canary, f"only {baseline:,} baseline {noun}, {needs.baseline_rows:,} needed", False
    if canary < needs.canary_rows:
        proves = detector.front.compare == "new_in_canary"
        return canary, f"only {canary:,} canary {noun}, {needs.canary_rows:,} needed", proves
    if canary < needs.clean_rows:
        return canary, f"only {canary:,} canary {noun}, {needs.clean_rows:,} needed", True
    reason = _unknown(sandbox, [f"shown_{what}" for what in needs.shown])
    return canary, reason, bool(reason)


def _unknown(sandbox: Sandbox, names: Sequence[str]) -> str:
    """Return the reason of the first of these views (queries/views/65_known.sql) that says no, or nothing."""
    for view in names:
        ((is_known, otherwise),) = sandbox.once(f"select is_known, otherwise from {name(view)}")
        if not is_known:
            return str(otherwise)
    return ""


def _counts(sandbox: Sandbox, needs: Needs, where: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for table in needs.counted:
        counts.update(dict(sandbox.once(f"select cohort, count(*) from main.{table} {where} group by cohort")))
    return counts


def _missing(sandbox: Sandbox, needs: Needs) -> str:
    """Return which table or knowledge the case lacks; rows that belong to no cohort can say nothing."""
    absent = [table for table in needs.tables if not sandbox.once(f"select 1 from facts.{table} limit 1")]
    if absent and (not needs.either or len(absent) == len(needs.tables)):
        return f"there is no {' or '.join(absent) if needs.either else absent[0]} evidence"
    if reason := _unknown(sandbox, [f"known_{what}" for what in needs.known]):
        return reason
    for table in needs.tables[len(needs.counted) :]:
        if table not in _OF_NOBODY and not sandbox.once(
            f"select 1 from main.{table} where cohort <> 'unknown' limit 1"
        ):
            return f"no row of {table} could be given to a cohort: canary.toml has no rule that reaches them"
    return ""


def _clean(detector: Detector, seen: int) -> str:
    """Say what was looked at, and how rare a thing could be and still show: only where one row would have been a finding (rule of three, exact)."""
    front = detector.front
    rows = f"canary rows of {' and '.join(front.needs.counted)}"
    told = (
        f"nothing found in {seen:,} {'canary responses whose body could be searched' if front.needs.bodies else rows}"
    )
    if compares_rates(detector):
        return f"{told}; a finding asks for q <= {front.evidence.max_q:g} and a difference of {front.evidence.min_difference * 100:g} points"
    counts_rows = front.compare in ("new_in_canary", "changed") and detector.family not in _NOT_ROWS
    if counts_rows and len(front.needs.counted) == len(front.needs.tables) and seen:
        return f"{told}; what {st.zero_event_bound(seen):.2%} of them show would have been seen (95 %)"
    return told


def _state(detector: Detector, state: Any, reason: str, seen: int) -> DetectorState:
    return DetectorState(detector.id, detector.front.title, detector.family, state, reason, detector.version_hash, seen)


def _findings(
    detector: Detector, rows: Sequence[dict[str, Any]], compared: Sequence[Comparison], context: Context
) -> list[Finding]:
    if not compares_rates(detector):
        return [_finding(detector, row, None, context) for row in rows]
    judged = zip(rows, compared, strict=True)
    return [_finding(detector, row, item, context) for row, item in judged if item.is_finding(detector)]


def _finding(detector: Detector, row: dict[str, Any], compared: Comparison | None, context: Context) -> Finding:
    front = detector.front
    entity = {key: _plain(row[key]) for key in front.fingerprint}
    novelty = _novelty(detector, row)
    modifiers = _modifiers(row, novelty, front)
    severity = front.severity
    for modifier in modifiers:
        severity = moved(severity, modifier.change)
    numbers = {key: _count(row, key) for key in COUNTS}
    canary = Count(numbers["canary_n"], numbers["canary_total"])
    baseline = Count(numbers["baseline_n"], numbers["baseline_total"])
    suppression = suppression_of(context.config, detector.id, entity, context.as_of)
    return Finding(
        id=finding_id(detector.id, list(entity.items())),
        detector=detector.id,
        family=detector.family,
        title=front.title,
        why=front.why,
        severity=severity,
        confidence=front.confidence,
        status="suppressed" if suppression else "active",
        novelty=novelty,
        entity=entity,
        details={
            key: _plain(value)
            for key, value in row.items()
            if key not in _NOT_DETAILS and key not in entity and value is not None
        },
        unit=front.unit,
        strata=_stratum_counts(row),
        canary=canary,
        baseline=baseline,
        prior_n=numbers["prior_n"],
        effect=None
        if front.unit == "component"
        else _effect(row, compared),  # parts of a bill are no sample of anything
        interval=None if front.unit == "component" else _interval(row, canary, baseline),
        p_value=compared.test.two_sided if compared else None,
        mid_p=compared.test.mid_p if compared else None,
        attainable_p=compared.attainable if compared else None,
        q_value=compared.q_value if compared else None,
        method=compared.test.method if compared else "",
        first_seen=moment(row.get("first_seen")),
        last_seen=moment(row.get("last_seen")),
        modifiers=modifiers,
        evidence=_evidence(row.get("evidence")),
        personal_data=front.personal_data,
        recommendation=front.recommendation,
        references=front.references,
        gdpr=front.gdpr,
        suppression=suppression,
    )


def _novelty(detector: Detector, row: dict[str, Any]) -> Novelty:
    compare = detector.front.compare
    if compare in ("rate_up", "rate_down", "changed"):
        return compare
    return "pre_existing" if row["baseline_n"] or row["prior_n"] else "new"


def _modifiers(row: dict[str, Any], novelty: Novelty, front: Front) -> list[Modifier]:
    given = msgspec.convert(row.get("modifiers") or [], list[Modifier])
    if novelty == "pre_existing" and level(front.severity) > level(front.pre_existing):
        drop = level(front.pre_existing) - level(front.severity)
        given.append(Modifier("pre_existing", drop, "the baseline or earlier traffic does it too"))
    return given


def _effect(row: dict[str, Any], compared: Comparison | None) -> float | None:
    if compared is not None:
        return compared.difference
    if not row["canary_total"] or not row["baseline_total"]:
        return None
    return float(row["canary_n"] / row["canary_total"] - row["baseline_n"] / row["baseline_total"])


def _interval(row: dict[str, Any], canary: Count, baseline: Count) -> list[float] | None:
    if row.get("strata"):
        stratified = st.stratified_interval(strata_of(row))
        return list(stratified) if stratified else None
    interval = st.newcombe_interval(
        min(canary.n, canary.total), canary.total, min(baseline.n, baseline.total), baseline.total
    )
    return list(interval) if interval else None


def _stratum_counts(row: dict[str, Any]) -> list[StratumCount]:
    parts = msgspec.convert(row.get("strata") or [], list[StratumCount])
    return sorted(parts, key=lambda part: part.phase)


def _evidence(records: Sequence[str] | None) -> list[str]:
    def order(record: str) -> tuple[str, int]:
        evidence, _, number = record.rpartition(":")
        return evidence, int(number) if number.isdecimal() and len(number) < 19 else 0

    given = msgspec.convert(records or [], list[str])
    return [record[:200] for record in sorted(set(given), key=order)[:MAX_EVIDENCE]]


def _count(row: Mapping[str, Any], key: str) -> int:
    """Return a count of a row; anything but a number of things is against the contract."""
    value = row[key]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise ValueError(f"{key} is {str(value)[:40]!a}, which is no count")
    return value


def _plain(value: Any) -> Any:
    """Return what JSON can hold, of a bounded size."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value[:MAX_ITEMS]]
    if isinstance(value, dict):
        return {str(key)[:200]: _plain(item) for key, item in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, datetime):
        return moment(value)
    if value is None or isinstance(value, bool) or _is_plain_number(value):
        return value
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text):,} characters)"


def _is_plain_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and -_MOST <= value <= _MOST
