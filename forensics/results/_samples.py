"""Rows of the stable/canary table that are no shares of requests: throughput, bytes, other tables, imported metrics.

Metrics are compared minute by minute, both cohorts in the same minute, so that a load that comes and goes cancels out; the interval is the
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

MAX_METRICS = 40
_Z = NormalDist().inv_cdf(0.975)
_VOLUMES = """
select cohort, sum(requests)::bigint, count(distinct minute), sum(bytes)::bigint, sum(requests) filter (where bytes is not null)::bigint
from minute_cells
where not is_synthetic and cohort in ('canary', 'baseline') and phase = any($phases)
group by cohort
"""
# title -> (view, condition on its rows); the denominators are all rows of the cohort in the same view
_OTHERS = {
    "TLS handshakes that failed": ("tls_handshakes", "not is_established"),
    "WAF blocks": (
        "(select cohort, phase, event_action from main.runtime_alerts where event_action is not null)",
        "event_action = 'blocked'",
    ),
    "log records of level error": (
        "(select cohort, phase, lower(log_level) as level from main.app_logs)",
        "level in ('error', 'fatal', 'critical', 'severe', 'panic', 'alert', 'emergency')",
    ),
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
), differences as (
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
    """Return throughput and mean response size over the phases; a canary has less traffic by design, so no action follows."""
    rows = {cohort: rest for cohort, *rest in context.sandbox.rows(_VOLUMES, {"phases": list(phases)})}
    (stable, stable_minutes, stable_bytes, stable_sized) = rows["baseline"]
    (canary, canary_minutes, canary_bytes, canary_sized) = rows["canary"]
    found = [
        row("throughput", "a minute", stable / stable_minutes, canary / canary_minutes, n_stable=stable, n_canary=canary)
    ]  # fmt: skip
    if stable_sized and canary_sized:
        found.append(
            row("response size, mean", "bytes", stable_bytes / stable_sized, canary_bytes / canary_sized, n_stable=stable_sized, n_canary=canary_sized)
        )  # fmt: skip
    return found


def other_tables(context: Context) -> list[dict[str, Any]]:
    """Return shares of rows of other tables; left out where a cohort has none."""
    found = []
    for title, (view, condition) in _OTHERS.items():
        sql = (
            f"select cohort, count(*) filter (where {condition}), count(*) from {view} "
            "where cohort in ('canary', 'baseline') and phase not in ('before', 'after', 'between') group by cohort order by cohort"
        )
        counts = {cohort: (k, n) for cohort, k, n in context.sandbox.rows(sql)}
        if counts.keys() == {"canary", "baseline"}:
            (stable, n_stable), (canary, n_canary) = counts["baseline"], counts["canary"]
            found.append(
                row(title, "share", stable / n_stable, canary / n_canary, n_stable=n_stable, n_canary=n_canary)
            )
    return found


def metrics(context: Context) -> list[dict[str, Any]]:
    """Return imported metrics that both cohorts have in the same minutes, the first `MAX_METRICS` by name, then how many are left out."""
    rows = context.sandbox.rows(_METRICS)
    found = [
        row(
            name, unit, stable, canary, variance=difference, n_stable=n_stable, n_canary=n_canary,
            interval=_interval(difference, spread, _independent(minutes, r)), action=_action(difference, spread, _independent(minutes, r)),
        )
        for name, unit, stable, canary, difference, spread, minutes, r, n_stable, n_canary in rows[:MAX_METRICS]
    ]  # fmt: skip
    if len(rows) > MAX_METRICS:
        found.append(row(f"{len(rows) - MAX_METRICS:,} more metrics, not shown", "", None, None))
    return found


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
