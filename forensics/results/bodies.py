"""How much of what was answered could be looked at: sampled responses and their bodies, by route and cohort."""

from __future__ import annotations

from typing import Any

from forensics.results.context import Context

MAX_ROWS = 400
_SQL = """
with sampled as (
    select coalesce(http_request_method, '') as method, coalesce(route, '') as route, cohort,
        count(*) as responses,
        count(*) filter (where length(http_response_body) > 0) as with_body,
        count(*) filter (where http_response_body_state = 'truncated') as truncated,
        count(*) filter (where http_response_body_state = 'undecodable') as undecodable,
        count(*) filter (where http_response_body_state = 'omitted') as omitted
    from exchanges
    where cohort in ('canary', 'baseline')
    group by all
), asked as (
    select coalesce(http_request_method, '') as method, coalesce(route, '') as route, cohort, count(*) as requests
    from requests
    where cohort in ('canary', 'baseline')
    group by all
)
select coalesce(s.method, a.method) as method, coalesce(s.route, a.route) as route, coalesce(s.cohort, a.cohort) as cohort,
    coalesce(a.requests, 0) as requests, coalesce(s.responses, 0) as responses, coalesce(s.with_body, 0) as with_body,
    coalesce(s.truncated, 0) as truncated, coalesce(s.undecodable, 0) as undecodable, coalesce(s.omitted, 0) as omitted
from sampled s
full join asked a on a.method = s.method and a.route = s.route and a.cohort = s.cohort
order by requests + responses desc, route, method, cohort
"""
_COUNTS = ("requests", "responses", "with_body", "truncated", "undecodable", "omitted")


def build(context: Context) -> dict[str, Any]:
    """Return rows by route and cohort, most requests first, sums of each cohort, and sentences on what was not looked at."""
    if not context.sandbox.value("select count(*) from (select 1 from exchanges limit 1)"):
        return {"rows": [], "total": 0, "sums": {}, "notes": []}
    columns = ("method", "route", "cohort", *_COUNTS)
    rows = [dict(zip(columns, found, strict=True)) for found in context.sandbox.rows(_SQL)]
    sums = {
        cohort: {name: sum(row[name] for row in rows if row["cohort"] == cohort) for name in _COUNTS}
        for cohort in ("canary", "baseline")
    }
    return {"rows": rows[:MAX_ROWS], "total": len(rows), "sums": sums, "notes": list(_notes(sums, rows))}


def _notes(sums: dict[str, dict[str, int]], rows: list[dict[str, Any]]) -> list[str]:
    notes = []
    for cohort, counts in sums.items():
        for name, told in (("undecodable", "could not be decoded and were not searched"), ("truncated", "were cut and searched as far as they go"), ("omitted", "were exported without their body")):  # fmt: skip
            if counts[name]:
                notes.append(f"{counts[name]:,} of {counts['responses']:,} sampled responses of the {cohort} {told}.")
    unseen = sorted({f"{row['method']} {row['route']}".strip() for row in rows if row["cohort"] == "canary" and row["requests"] and not row["responses"]})  # fmt: skip
    if unseen:
        notes.append(
            f"No response of the canary was sampled on {len(unseen):,} routes that it served: {_listed(unseen)}."
        )
    return notes


def _listed(names: list[str]) -> str:
    rest = len(names) - 5
    return ", ".join(names[:5]) + (f" and {rest:,} more" if rest > 0 else "")
