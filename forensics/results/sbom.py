"""Difference of the two bills of materials."""

from __future__ import annotations

from typing import Any

from forensics.results.context import Context

_PARTS = "(select distinct cohort, coalesce(nullif(component_group, '') || '/', '') || component_name as component, component_version, purl from components)"


def build(context: Context) -> dict[str, Any]:
    """Return added, removed and changed components, sorted by name."""
    names = context.sandbox.rows(
        f"select component, list_sort(list(distinct component_version) filter (cohort = 'baseline')), "
        f"list_sort(list(distinct component_version) filter (cohort = 'canary')), min(purl) filter (cohort = 'canary'), min(purl) filter (cohort = 'baseline') "
        f"from {_PARTS} where cohort in ('canary', 'baseline') group by component order by component"
    )
    if not any(before for _, before, *_ in names) or not any(after for _, _, after, *_ in names):
        return {"added": [], "removed": [], "changed": []}
    added = [
        {"name": name, "version": _text(after), "purl": purl or ""}
        for name, before, after, purl, _ in names
        if before is None
    ]
    removed = [
        {"name": name, "version": _text(before), "purl": old or ""}
        for name, before, after, _, old in names
        if after is None
    ]
    changed = [
        {"name": name, "from": _text(before), "to": _text(after), "purl": purl or ""}
        for name, before, after, purl, _ in names
        if before is not None and after is not None and before != after
    ]
    return {"added": added, "removed": removed, "changed": changed}


def _text(versions: list[str | None] | None) -> str:
    return ", ".join(version or "none" for version in versions or [])
