"""Requests and server errors per minute and cohort, for the traffic chart."""

from __future__ import annotations

from typing import Any

from forensics.findings import moment
from forensics.results.context import Context

MAX_POINTS = 3000


def build(context: Context) -> dict[str, Any]:
    """Return one row a minute and cohort; longer windows are drawn in wider bins, told in `minutes_per_bin`."""
    minutes = (
        context.sandbox.value(
            "select (max(epoch_us(time)) - min(epoch_us(time))) // 60000000 + 1 from requests where cohort <> 'unknown'"
        )
        or 0
    )
    width = max(1, -(-minutes * 4 // MAX_POINTS))
    rows = context.sandbox.rows(
        "select make_timestamp((epoch_us(time) // ($width * 60000000)) * ($width * 60000000)) as minute, "
        "case when cohort in ('prior', 'after') then 'baseline' else cohort end as cohort, count(*), "
        "count(*) filter (where http_response_status_code >= 500) "
        "from requests where cohort <> 'unknown' and time is not null group by 1, 2 order by 1, 2",
        {"width": width},
    )
    points = [
        {"time": moment(time), "cohort": cohort, "requests": count, "errors": errors}
        for time, cohort, count, errors in rows
    ]
    return {"minutes": points, "total": len(points), "minutes_per_bin": width}
