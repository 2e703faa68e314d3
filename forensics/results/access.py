"""The decision matrix: route by kind of caller by cohort, with counts of allowed, denied and other answers."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from forensics.results.context import Context

MAX_CELLS = 400
_SQL = """
select coalesce(http_request_method, ''), route, coalesce(principal_kind, 'unknown'),
    case when cohort in ('prior', 'after') then 'baseline' else cohort end as side,
    count(*) filter (where decision = 'allow'), count(*) filter (where decision = 'deny'), count(*) filter (where decision = 'other')
from requests
where route is not null and cohort <> 'unknown'
group by all
order by all
"""


def build(context: Context) -> dict[str, Any]:
    """Return cells; changed ones first: denied on the baseline, allowed on the canary, or the other way round."""
    groups: dict[tuple[str, str, str], dict[str, tuple[int, int, int]]] = defaultdict(dict)
    for method, route, principal, cohort, allow, deny, other in context.sandbox.rows(_SQL):
        groups[method, route, principal][cohort] = (allow, deny, other)
    cells = []
    for (method, route, principal), sides in groups.items():
        changed = _word(sides.get("canary")) != _word(sides.get("baseline")) and {
            _word(sides.get("canary")),
            _word(sides.get("baseline")),
        } == {"allow", "deny"}
        for cohort, (allow, deny, other) in sides.items():
            cells.append(
                {
                    "method": method,
                    "route": route,
                    "principal": principal,
                    "cohort": cohort,
                    "allow": allow,
                    "deny": deny,
                    "other": other,
                    "changed": changed,
                }
            )
    decided = [cell for cell in cells if cell["allow"] or cell["deny"]]
    ordered = sorted(
        decided,
        key=lambda cell: (not cell["changed"], cell["route"], cell["method"], cell["principal"], cell["cohort"]),
    )
    return {"cells": ordered[:MAX_CELLS], "total": len(ordered)}


def _word(counts: tuple[int, int, int] | None) -> str:
    """UNKNOWN stays unknown: a cell without decided answers changes nothing."""
    if counts is None or not counts[0] + counts[1]:
        return "unseen"
    if not counts[1]:
        return "allow"
    return "deny" if not counts[0] else "mixed"
