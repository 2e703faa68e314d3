"""The decision matrix: route by kind of caller, canary beside baseline, with counts of allowed, denied and undecided answers.

UNKNOWN stays: a side that was seen and shows no decision is `unknown`, one that was not seen `unseen`, and neither changes anything.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from forensics.results.context import Context

MAX_CELLS = 400
MAX_EVIDENCE = 5
CHANGES = ("let in", "refused", "mixed", "same", "not compared")
_SQL = """
select coalesce(m.http_request_method, ''), m.route, m.principal, m.source, m.canary_allow, m.canary_deny, m.canary_unknown,
    m.baseline_allow, m.baseline_deny, m.baseline_unknown, r.allowed, r.denied
from access_matrix m
left join (
    select source, http_request_method, route, principal,
        list_sort(flatten(list(evidence) filter (where decision = 'allow'))) as allowed,
        list_sort(flatten(list(evidence) filter (where decision = 'deny'))) as denied
    from access_cells
    where side = 'canary'
    group by all
) r on r.source = m.source and r.http_request_method is not distinct from m.http_request_method and r.route = m.route and r.principal = m.principal
order by m.route, m.http_request_method, m.principal, m.source
"""


def build(context: Context) -> dict[str, Any]:
    """Return one cell a source, route and principal with both sides; changed ones first, with their findings and some of their records."""
    known = _findings(context)
    cells = [_cell(found, known) for found in context.sandbox.rows(_SQL)]
    ordered = sorted(cells, key=lambda cell: CHANGES.index(cell["change"]))
    counts = {change: sum(cell["change"] == change for cell in cells) for change in CHANGES}
    return {"cells": ordered[:MAX_CELLS], "total": len(cells), "changes": counts}


def _findings(context: Context) -> dict[tuple[str, str], list[tuple[Any, str]]]:
    """Return principal (or None) and id of the findings about access by method and route."""
    known: dict[tuple[str, str], list[tuple[Any, str]]] = defaultdict(list)
    for item in context.result.findings:
        if item.family == "access" and item.entity.get("route"):
            key = (str(item.entity.get("http_request_method") or ""), str(item.entity["route"]))
            known[key].append((item.entity.get("principal", item.details.get("principal")), item.id))
    return known


def _cell(found: tuple[Any, ...], known: dict[tuple[str, str], list[tuple[Any, str]]]) -> dict[str, Any]:
    method, route, principal, source, *counts, allowed, denied = found
    canary, baseline = _side(*counts[:3]), _side(*counts[3:])
    change = _change(canary["decision"], baseline["decision"])
    evidence = {"let in": allowed, "refused": denied}.get(change) or []
    return {
        "method": method,
        "route": route,
        "principal": principal,
        "source": source,
        "canary": canary,
        "baseline": baseline,
        "change": change,
        "findings": sorted(item for who, item in known[method, route] if who in (None, principal)),
        "evidence": evidence[:MAX_EVIDENCE],
    }


def _side(allow: int, deny: int, unknown: int) -> dict[str, Any]:
    return {"decision": _word(allow, deny, unknown), "allow": allow, "deny": deny, "unknown": unknown}


def _word(allow: int, deny: int, unknown: int) -> str:
    if allow and deny:
        return "mixed"
    if allow or deny:
        return "allow" if allow else "deny"
    return "unknown" if unknown else "unseen"


def _change(canary: str, baseline: str) -> str:
    """Name what became of a cell; one answered request among refusals lets somebody in."""
    if {canary, baseline} & {"unseen", "unknown"}:
        return "not compared"
    if baseline == "deny" and canary in ("allow", "mixed"):
        return "let in"
    if baseline == "allow" and canary == "deny":
        return "refused"
    return "same" if canary == baseline else "mixed"
