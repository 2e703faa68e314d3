"""Why a finding is one: the detector's SQL and parameters, the counts, how the severity came about, the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forensics.case import Case
from forensics.detectors import by_id, load
from forensics.detectors.front import Detector
from forensics.errors import UsageError
from forensics.investigate.annotations import Annotations, said
from forensics.results import material


@dataclass(frozen=True, slots=True)
class Explanation:
    """A finding with the detector that made it and the masked rows and the feature flags behind it, and what people said."""

    finding: dict[str, Any]
    detector: Detector
    rows: dict[str, Any]
    flags: list[dict[str, Any]]
    said: Annotations
    changed_since: bool


def explain(case: Case, wanted: str, queries: Sequence[Path] = ()) -> Explanation:
    """Return the explanation of a finding, named by id or its unique beginning.

    Raises:
        UsageError: no finding, or more than one, begins so.

    """
    findings, results = material(case)
    found = [item for item in findings["findings"] if item["id"].lower().startswith(wanted.lower())]
    if len(found) != 1:
        known = ", ".join(item["id"] for item in findings["findings"][:8]) or "none"
        raise UsageError(
            f"{'No' if not found else 'More than one'} finding begins with {wanted}.",
            hint=f"Findings of this case: {known}.",
        )
    finding = found[0]
    detector = by_id(load(queries), finding["detector"])
    hashes = {state["id"]: state["version_hash"] for state in findings["detectors"]}
    rows = results.get("evidence_rows", {}).get(finding["id"], {"columns": [], "rows": [], "total": 0})
    flags = results.get("flags", {}).get("findings", {}).get(finding["id"], [])
    words = said(case).get(finding["id"], Annotations())
    return Explanation(finding, detector, rows, flags, words, hashes.get(detector.id) != detector.version_hash)


def runnable_sql(detector: Detector) -> str:
    """Return the detector's SQL with its parameters written in, for `canary-forensics sql`."""
    from forensics.store import literal

    sql = detector.sql
    for key in sorted(detector.parameters, key=len, reverse=True):
        sql = sql.replace(f"${key}", literal(detector.parameters[key]))
    return sql
