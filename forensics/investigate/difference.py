"""`diff`: what became of findings between two cases, or between what a case holds and what today's detectors find in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from forensics.findings import level
from forensics.investigate.listing import what

COLUMNS = ("change", "id", "severity", "title", "what", "details")
# What makes a finding a changed one; counts of the same finding differ from case to case as a matter of course, so they are told, in words.
_JUDGED = ("severity", "confidence", "status", "novelty")
_ORDER = ("new", "changed", "gone")

Finding = Mapping[str, Any]


def difference(before: Iterable[Finding], after: Iterable[Finding]) -> list[list[Any]]:
    """Return rows of `COLUMNS`: new, changed and gone findings, each worst first; a finding is the same where its id is."""
    old, new = ({item["id"]: item for item in findings} for findings in (before, after))
    rows = [_row("new", new[key], _counts(new[key])) for key in new.keys() - old.keys()]
    rows += [_row("gone", old[key], _counts(old[key])) for key in old.keys() - new.keys()]
    rows += [
        _row("changed", new[key], told) for key in new.keys() & old.keys() if (told := _changes(old[key], new[key]))
    ]
    return sorted(rows, key=lambda row: (_ORDER.index(row[0]), -level(row[2]), row[3], row[1]))


def _row(change: str, item: Finding, told: str) -> list[Any]:
    return [change, item["id"], item["severity"], item["title"], what(item), told]


def _changes(old: Finding, new: Finding) -> str:
    """Name what is judged otherwise, and other counts; empty where nothing differs."""
    told = [f"{name} {old[name]} -> {new[name]}" for name in _JUDGED if old[name] != new[name]]
    if _counts(old) != _counts(new):
        told.append(f"{_counts(old)} -> {_counts(new)}")
    return "; ".join(told)


def _counts(item: Finding) -> str:
    canary, baseline = item["canary"], item["baseline"]
    return f"canary {canary['n']:,} of {canary['total']:,}, baseline {baseline['n']:,} of {baseline['total']:,}"
