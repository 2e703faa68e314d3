"""What each security header does, route by route: what the canary sends beside what the baseline sends."""

from __future__ import annotations

from typing import Any

from forensics.results.context import Context

MAX_ROWS = 400
CHANGES = ("lost", "weakened", "widened", "improved", "same", "not compared")
# Sent to widen what browsers allow, not to narrow it: a lower rank is a wider door.
_WIDENING = ("access-control-allow-origin", "location", "cache-control", "set-cookie")
_SQL = """
with sides as (
    select header, coalesce(subject, '') as subject, coalesce(http_request_method, '') as method, coalesce(route, '') as route,
        case when cohort = 'canary' then 'canary' else 'baseline' end as side, verdict, verdict_rank, record_id
    from verdicts
    where cohort in ('canary', 'baseline', 'prior', 'after') and header is not null and verdict_rank is not null
), told as (
    select header, subject, method, route, side, min({'rank': verdict_rank, 'verdict': verdict}) as weakest, count(distinct record_id) as responses
    from sides
    group by all
)
select coalesce(c.header, b.header), coalesce(c.subject, b.subject), coalesce(c.method, b.method), coalesce(c.route, b.route),
    c.weakest, coalesce(c.responses, 0), b.weakest, coalesce(b.responses, 0)
from (select * from told where side = 'canary') c
full join (select * from told where side = 'baseline') b
    on b.header = c.header and b.subject = c.subject and b.method = c.method and b.route = c.route
order by all
"""


def build(context: Context) -> dict[str, Any]:
    """Return one row a route, header and cookie: the weakest verdict of each side, and what became of it; changed rows first."""
    rows = [_row(found) for found in context.sandbox.rows(_SQL)]
    ordered = sorted(rows, key=lambda row: CHANGES.index(row["change"]))
    counts = {change: sum(row["change"] == change for row in rows) for change in CHANGES}
    return {"rows": ordered[:MAX_ROWS], "total": len(rows), "changes": counts}


def _row(found: tuple[Any, ...]) -> dict[str, Any]:
    header, subject, method, route, canary, seen, baseline, known = found
    return {
        "method": method,
        "route": route,
        "header": header,
        "subject": subject,
        "canary": canary["verdict"] if canary else None,
        "canary_responses": seen,
        "baseline": baseline["verdict"] if baseline else None,
        "baseline_responses": known,
        "change": _change(header, canary, baseline),
    }


def _change(header: str, canary: Any, baseline: Any) -> str:
    """Name the difference of the weakest verdicts; a side without responses is not compared."""
    if not canary or not baseline:
        return "not compared"
    if canary["rank"] == baseline["rank"]:
        return "same"
    if canary["rank"] > baseline["rank"]:
        return "improved"
    if header in _WIDENING:
        return "widened"
    return "lost" if canary["verdict"].endswith(("not-implemented", "header-invalid")) else "weakened"
