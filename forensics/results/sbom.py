"""Difference of the two bills of materials: what came, went, went up and down, changed licence or supplier, and which advisories name it."""

from __future__ import annotations

from typing import Any

from forensics.results.context import Context

_SIDES = """
select component, baseline_versions, canary_versions, coalesce(canary_purl, ''), coalesce(baseline_purl, ''), is_direct, baseline_licences,
    canary_licences, baseline_suppliers, canary_suppliers
from component_sides
order by component
"""
_CHANGES = """
select c.component, coalesce(c.version_from, ''), coalesce(c.version_to, ''), c.direction, coalesce(s.canary_purl, ''), s.is_direct
from dims.version_changes c
join component_sides s on s.component = c.component
order by c.component, c.version_from, c.version_to
"""
_VULNERABLE = """
select v.vulnerability_id, p.component, min(v.severity), max(v.severity_score), min(v.summary), min(v.aliases),
    list_sort(list(distinct p.component_version) filter (where p.cohort = 'baseline')),
    list_sort(list(distinct p.component_version) filter (where p.cohort = 'canary'))
from dims.vulnerable v
join component_parts p on p.purl = v.purl and p.component_version = v.component_version
where p.cohort in ('canary', 'baseline')
group by v.vulnerability_id, p.component
order by max(v.severity_score) desc nulls last, p.component, v.vulnerability_id
"""


def build(context: Context) -> dict[str, Any]:
    """Return the lists sorted by name; all empty where one of the cohorts has no bill of materials."""
    sides = context.sandbox.rows(_SIDES)
    lists: dict[str, Any] = {
        "added": [],
        "removed": [],
        "changed": [],
        "licences": [],
        "suppliers": [],
        "vulnerabilities": [],
    }
    if not any(row[1] for row in sides) or not any(row[2] for row in sides):
        return lists
    for name, before, after, purl, old_purl, direct, *terms in sides:
        if before is None:
            lists["added"].append({"name": name, "version": _listed(after), "purl": purl, "direct": direct})
        elif after is None:
            lists["removed"].append({"name": name, "version": _listed(before), "purl": old_purl, "direct": direct})
        else:
            for key, old, new in (("licences", terms[0], terms[1]), ("suppliers", terms[2], terms[3])):
                if old not in (new, [""]) and new != [""]:
                    lists[key].append({"name": name, "from": _listed(old), "to": _listed(new), "purl": purl})
    lists["changed"] = [
        {"name": name, "from": old, "to": new, "direction": direction, "purl": purl, "direct": direct}
        for name, old, new, direction, purl, direct in context.sandbox.rows(_CHANGES)
    ]
    lists["vulnerabilities"] = _vulnerabilities(context)
    return lists


def _vulnerabilities(context: Context) -> list[dict[str, Any]]:
    """Return advisories with the versions they name on each side: introduced, fixed, or in both."""
    return [
        {
            "id": name, "component": component, "severity": severity, "score": score, "summary": summary or "", "aliases": aliases or "",
            "baseline_versions": _listed(before or []), "canary_versions": _listed(after or []),
            "state": "introduced" if before is None else "fixed" if after is None else "in both",
        }
        for name, component, severity, score, summary, aliases, before, after in context.sandbox.rows(_VULNERABLE)
    ]  # fmt: skip


def _listed(values: list[str]) -> str:
    return ", ".join(value for value in values if value)
