"""Destinations that workloads contacted, the canary's new ones first."""

from __future__ import annotations

from typing import Any

from forensics.findings import moment
from forensics.results.context import Context

MAX_DESTINATIONS = 200
_SQL = """
select destination, min(destination_address), destination_port,
    coalesce(sum(connections) filter (where cohort = 'canary'), 0)::bigint,
    coalesce(sum(connections) filter (where cohort = 'baseline'), 0)::bigint,
    coalesce(sum(connections) filter (where cohort in ('prior', 'after')), 0)::bigint,
    sum(source_bytes) filter (where cohort = 'canary')::bigint,
    min(first_seen) filter (where cohort = 'canary'),
    min(zone)
from outbound_cells
group by destination, destination_port
order by (coalesce(sum(connections) filter (where cohort <> 'canary'), 0) = 0) desc, 7 desc nulls last, destination, destination_port
"""


def build(context: Context) -> dict[str, Any]:
    """Return destinations with counts a cohort; `total` counts all of them."""
    rows = context.sandbox.rows(_SQL)
    destinations = [
        {
            "name": name, "address": address, "port": port, "canary_n": canary, "baseline_n": baseline, "prior_n": prior,
            "canary_bytes_up": up, "first_seen": moment(first), "zone": zone, "is_new": canary > 0 and baseline + prior == 0,
        }
        for name, address, port, canary, baseline, prior, up, first, zone in rows[:MAX_DESTINATIONS]
    ]  # fmt: skip
    return {"destinations": destinations, "total": len(rows)}
