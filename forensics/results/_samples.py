"""Rows of the stable/canary table that are no shares of requests: throughput, bytes, other tables, imported metrics.

Throughput, sizes and metrics are compared minute by minute, both cohorts in the same minute, so that a load that comes and goes cancels out; the interval is the
normal one of the mean of those differences, for as many as independent ones would say the same (their correlation from minute to minute r
leaves (1 - r) / (1 + r) of them; Bayley and Hammersley, JRSS Suppl. 8:184, 1946). Counters (`_total`, `_count`, `_sum`) become increases a second of each series; a counter that
went back was reset and counts from zero, as Prometheus does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

from forensics.results.context import Context
from forensics.statistics import newcombe_interval

MAX_METRICS = 40
_Z = NormalDist().inv_cdf(0.975)
_VOLUMES = """
with minutes as (
    select minute, cohort, sum(requests) as requests, sum(bytes) as bytes, sum(requests) filter (where bytes is not null) as sized
    from minute_cells
    where not is_synthetic and cohort in ('canary', 'baseline') and phase = any($phases)
    group by all
), sides as (
    select m.minute, coalesce(c.requests, 0) as canary, coalesce(b.requests, 0) as stable, c.bytes / c.sized as canary_size, b.bytes / b.sized as stable_size,
        coalesce(c.sized, 0) as canary_sized, coalesce(b.sized, 0) as stable_sized
    from (select distinct minute from minutes) m
    left join minutes c on c.minute = m.minute and c.cohort = 'canary'
    left join minutes b on b.minute = m.minute and b.cohort = 'baseline'
), pairs as (
    select 'throughput' as metric_name, 'a minute' as unit, minute, canary::double as canary, stable::double as stable, canary as n_canary, stable as n_stable
    from sides
    union all
    select 'response size, mean of minutes', 'bytes', minute, canary_size, stable_size, canary_sized, stable_sized
    from sides
    where canary_size is not null and stable_size is not null
)
"""
_EXCEPTIONS = """
with kinds as (
    select exception_type, exception_frame, bool_or(cohort = 'canary' and {inside}) as canary, bool_or(cohort = 'baseline' and {inside}) as stable,
        bool_or(cohort in ('baseline', 'prior', 'after')) as known
    from log_faults
    where exception_type is not null
    group by all
)
select
    (select count(*) from kinds where stable), (select count(*) from kinds where canary), (select count(*) from kinds where canary and not known),
    (select count(*) from main.app_logs where cohort = 'baseline' and {inside}), (select count(*) from main.app_logs where cohort = 'canary' and {inside})
""".format(inside="phase not in ('before', 'after', 'between')")
# title -> (rows of what happened, condition on them, rows of what it could have happened to; empty = the same rows)
_OTHERS = {
    "TLS handshakes that failed": ("tls_handshakes", "not is_established", ""),
    "WAF blocks by request": ("main.runtime_alerts", "event_action = 'blocked'", "main.http_requests"),
    "log records of level error": ("main.app_logs", "log_severity(log_level) in ('error', 'critical')", ""),
}
_METRICS = """
with samples as (
    select metric_name, coalesce(metric_unit, '') as unit, cohort, time, metric_value,
        coalesce(k8s_pod_name, '') || coalesce(labels::varchar, '') as series,
        regexp_matches(metric_name, '(_total|_count|_sum)$') as is_counter
    from main.metrics
    where cohort in ('canary', 'baseline') and metric_value is not null and time is not null
        and phase not in ('before', 'after', 'between') and not regexp_matches(metric_name, '_bucket$')
), before as (
    select *, lag(metric_value) over w as last_value, lag(epoch_us(time)) over w as last_time
    from samples
    window w as (partition by metric_name, cohort, series order by time, metric_value)
), readings as (
    select metric_name, unit || case when is_counter then ' a second' else '' end as unit, cohort, epoch_us(time) // 60000000 as minute,
        case when not is_counter then metric_value
            when epoch_us(time) > last_time
                then (metric_value - case when metric_value < last_value then 0 else last_value end) / ((epoch_us(time) - last_time) / 1e6)
        end as reading
    from before
), minutes as (
    select metric_name, unit, cohort, minute, avg(reading) as reading, count(reading) as n
    from readings
    where reading is not null
    group by all
), pairs as (
    select c.metric_name, c.unit, c.minute, c.reading as canary, b.reading as stable, c.n as n_canary, b.n as n_stable
    from minutes c
    join minutes b on b.metric_name = c.metric_name and b.unit = c.unit and b.minute = c.minute and b.cohort = 'baseline'
    where c.cohort = 'canary'
)
"""
_DIFFERENCES = """
, differences as (
    select *, canary - stable as difference, lag(canary - stable) over (partition by metric_name, unit order by minute) as last_difference
    from pairs
)
select metric_name, trim(unit), avg(stable), avg(canary), avg(difference), stddev_samp(difference),
    count(*), corr(difference, last_difference),
    sum(n_stable)::bigint, sum(n_canary)::bigint
from differences
group by all
order by metric_name, 2
"""


def row(metric: str, unit: str, stable: Any, canary: Any, **more: Any) -> dict[str, Any]:
    """Return a row of the table; what is not given is not known."""
    both = stable is not None and canary is not None
    empty = dict.fromkeys(
        ("interval", "n_stable", "n_canary", "p_value", "canary_without_top_caller", "top_caller_share")
    )
    base = {
        "metric": metric,
        "unit": unit,
        "stable": stable,
        "canary": canary,
        "variance": canary - stable if both else None,
    }
    return {**base, **empty, "action": "none", **more}


def volumes(context: Context, phases: Sequence[str]) -> list[dict[str, Any]]:
    """Return throughput and mean response size, minute by minute; a canary has less traffic by design, so no action follows."""
    rows = context.sandbox.rows(_VOLUMES + _DIFFERENCES, {"phases": list(phases)})
    found = [{**_compared(*values), "action": "none"} for values in rows]
    return sorted(found, key=lambda item: item["metric"] != "throughput")


def exceptions(context: Context) -> list[dict[str, Any]]:
    """Return how many kinds of exceptions (type and innermost function) each side threw; left out where one has no application logs."""
    rows = context.sandbox.rows(_EXCEPTIONS)[0]
    stable, canary, new, n_stable, n_canary = rows
    if not n_stable or not n_canary:
        return []
    action = f"{new:,} new on the canary: look into it" if new else "none"
    return [row("kinds of exceptions", "", stable, canary, n_stable=n_stable, n_canary=n_canary, action=action)]


def other_tables(context: Context) -> list[dict[str, Any]]:
    """Return shares of rows of other tables, counted one by one; left out where a cohort has none."""
    found = []
    for title, (view, condition, of) in _OTHERS.items():
        if not context.sandbox.value(f"select count(*) from (select 1 from {view} limit 1)"):
            continue
        happened, whole = _by_cohort(context, view, condition), _by_cohort(context, of or view)
        if whole.keys() == {"canary", "baseline"}:
            counts = [(min(happened.get(side, 0), whole[side]), whole[side]) for side in ("canary", "baseline")]
            found.append(_counted(title, *counts))
    return found


def _by_cohort(context: Context, view: str, condition: str = "true") -> dict[str, int]:
    sql = (
        f"select cohort, count(*) from {view} where ({condition}) and cohort in ('canary', 'baseline') "
        "and phase not in ('before', 'after', 'between') group by cohort order by cohort"
    )
    return dict(context.sandbox.rows(sql))


def _counted(title: str, canary: tuple[int, int], stable: tuple[int, int]) -> dict[str, Any]:
    interval = newcombe_interval(*canary, *stable)
    differs = interval is not None and not interval[0] <= 0 <= interval[1]
    return row(
        title, "share", stable[0] / stable[1], canary[0] / canary[1], n_stable=stable[1], n_canary=canary[1],
        interval=list(interval) if interval else None, action="look into it" if differs else "none",
    )  # fmt: skip


def metrics(context: Context) -> list[dict[str, Any]]:
    """Return imported metrics that both cohorts have in the same minutes, the first `MAX_METRICS` by name, then how many are left out."""
    rows = context.sandbox.rows(_METRICS + _DIFFERENCES)
    found = [_compared(*values) for values in rows[:MAX_METRICS]]
    if len(rows) > MAX_METRICS:
        found.append(row(f"{len(rows) - MAX_METRICS:,} more metrics, not shown", "", None, None))
    return found


def _compared(name: str, unit: str, *numbers: Any) -> dict[str, Any]:
    """Return the row of one reading, from the columns of `_DIFFERENCES`."""
    stable, canary, difference, spread, minutes, correlation, n_stable, n_canary = numbers
    alike = _independent(minutes, correlation)
    return row(
        name, unit, stable, canary, variance=difference, n_stable=n_stable, n_canary=n_canary,
        interval=_interval(difference, spread, alike), action=_action(difference, spread, alike),
    )  # fmt: skip


def _independent(minutes: int, correlation: float | None) -> float:
    """Return how many independent minutes say as much; a constant series has no correlation (NaN)."""
    known = correlation is not None and math.isfinite(correlation)
    r = min(max(correlation if known and correlation else 0.0, 0.0), 0.99)
    return minutes * (1 - r) / (1 + r)


def _interval(difference: float, spread: float | None, minutes: float) -> list[float] | None:
    if spread is None or minutes < 2:
        return None
    half = _Z * spread / math.sqrt(minutes)
    return [difference - half, difference + half]


def _action(difference: float, spread: float | None, minutes: float) -> str:
    interval = _interval(difference, spread, minutes)
    return "look into it" if interval and not interval[0] <= 0 <= interval[1] else "none"
