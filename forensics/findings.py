"""The canonical result: what a finding, an incident and a verdict are. Every output is a pure function of these."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

SCHEMA_VERSION = 1

Severity = Literal["critical", "high", "medium", "low", "info"]
Confidence = Literal["high", "medium", "low"]
Novelty = Literal["new", "rate_up", "rate_down", "changed", "pre_existing"]
State = Literal["finding", "clean", "not_evaluated", "error"]
Outcome = Literal["block", "review", "pass", "inconclusive"]

SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")


class Count(Struct, frozen=True):
    """Events among a total."""

    n: int
    total: int


class StratumCount(Struct, frozen=True):
    """Counts of both cohorts in one phase."""

    phase: str
    canary_n: int
    canary_total: int
    baseline_n: int
    baseline_total: int


class Modifier(Struct, frozen=True):
    """A named, visible move of the severity by `change` levels."""

    name: str
    change: int
    reason: str


class Finding(Struct, frozen=True, kw_only=True):
    """One thing the canary did that the baseline did not, or did at another rate."""

    id: str
    detector: str
    family: str
    title: str
    why: str
    severity: Severity
    confidence: Confidence
    status: Literal["active", "suppressed", "accepted"]
    novelty: Novelty
    entity: dict[str, Any]
    details: dict[str, Any]
    unit: str
    strata: list[StratumCount]
    canary: Count
    baseline: Count
    prior_n: int
    effect: float | None
    interval: list[float] | None
    p_value: float | None
    mid_p: float | None = None
    attainable_p: float | None = None
    q_value: float | None
    method: str = ""
    first_seen: str
    last_seen: str
    modifiers: list[Modifier]
    evidence: list[str]
    changed_components: list[str] = field(default_factory=list)
    personal_data: bool = False
    recommendation: str = ""
    references: list[str] = field(default_factory=list)
    gdpr: list[str] = field(default_factory=list)
    suppression: dict[str, str] | None = None


class DetectorState(Struct, frozen=True):
    """What a detector could say; `clean` only with the rows seen."""

    id: str
    title: str
    family: str
    state: State
    reason: str
    version_hash: str
    rows_seen: int


class Incident(Struct, frozen=True):
    """Findings that are one story."""

    id: str
    title: str
    severity: Severity
    confidence: Confidence
    summary: str
    findings: list[str]
    recommendation: str
    first_seen: str
    last_seen: str
    entities: list[str]
    changed_components: list[str]


class Verdict(Struct, frozen=True):
    """What to do, and why, in one sentence."""

    outcome: Outcome
    reason: str


class Coverage(Struct, frozen=True):
    """How much the evidence can show: A (all core sources, enough of both cohorts) to F (nothing to compare)."""

    grade: str
    reasons: list[str]
    unknown_share: float
    canary_minutes: int


class Result(Struct, frozen=True):
    """findings.json."""

    schema_version: int
    tool: dict[str, str]
    case: dict[str, Any]
    verdict: Verdict
    coverage: Coverage
    evidence: list[dict[str, Any]]
    detectors: list[DetectorState]
    incidents: list[Incident]
    findings: list[Finding]


def level(severity: str) -> int:
    """Return 0 for info to 4 for critical."""
    return SEVERITIES.index(severity)


def moved(severity: Severity, change: int) -> Severity:
    """Return the severity `change` levels up or down, within the scale."""
    return SEVERITIES[max(0, min(len(SEVERITIES) - 1, level(severity) + change))]


def finding_id(detector: str, fingerprint: Sequence[tuple[str, Any]]) -> str:
    """Return a short hash of detector and fingerprint: the same in every run that sees the same thing."""
    text = "\x1f".join([detector, *(f"{key}={value}" for key, value in fingerprint)])
    return "F-" + hashlib.sha256(text.encode()).hexdigest()[:10]


def rounded(value: Any) -> Any:
    """Round floats to 9 significant digits, also inside lists and objects: the engine's last digits depend on threads."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def moment(value: datetime | None) -> str:
    """Return a table's time as ISO 8601 UTC to the second or finer; empty for NULL. A time with a zone is told in UTC."""
    if value is None:
        return ""
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds") + "Z"


def canonical(value: Any) -> bytes:
    """Return JSON bytes: keys in the order given, two spaces, a line feed at the end."""
    plain = rounded(msgspec.to_builtins(value))
    return msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of findings.json."""
    schema = msgspec.json.schema(Result)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "findings.json"
    return schema
