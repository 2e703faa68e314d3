"""What the evidence covers: rows by table, observer and cohort, and what is missing."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from forensics.results.context import Context


def build(context: Context) -> dict[str, Any]:
    """Return counts and notes; `chosen` marks the observer whose rows are compared."""
    chosen = dict(context.sandbox.rows("select table_name, observer from dims.observers"))
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    conflicts = 0
    for table, observer, cohort, rows, conflicting in context.sandbox.rows(
        "select * from dims.observer_counts order by all"
    ):
        counts[table, observer or ""][cohort] = rows
        conflicts += conflicting
    tables = [
        {"table": table, "observer": observer, **{cohort: sides.get(cohort, 0) for cohort in ("canary", "baseline", "prior", "after", "unknown")}, "chosen": chosen.get(table) == observer}
        for (table, observer), sides in counts.items()
    ]  # fmt: skip
    return {"tables": tables, "notes": _notes(context, conflicts)}


def _notes(context: Context, conflicts: int) -> list[str]:
    notes = list(context.result.coverage.reasons)
    if conflicts:
        notes.append(f"{conflicts:,} rows match cohort rules of both cohorts; the first rule won.")
    for entry in context.result.evidence:
        if entry.get("truncated"):
            notes.append(f"{entry['name']} is damaged or cut: {entry['accepted']:,} records were kept.")
        if entry["rejected"]:
            notes.append(f"{entry['name']}: {entry['rejected']:,} of {entry['records']:,} records could not be parsed.")
    return notes
