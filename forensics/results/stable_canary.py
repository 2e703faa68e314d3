"""The stable/canary table as practitioners draw it: stable, canary, variance, interval, n, action required.

Shares of the stable cohort are standardised to the canary's phases (direct standardisation): phases are never pooled across weights.
"""

from __future__ import annotations

from typing import Any

from forensics import statistics as st
from forensics.results.context import Context

_SHARES = {
    "5xx error rate": "http_response_status_code >= 500",
    "4xx rate": "http_response_status_code between 400 and 499",
    "401 rate": "http_response_status_code = 401",
    "403 rate": "http_response_status_code = 403",
    "429 rate": "http_response_status_code = 429",
}
_NOTE = "Phases only; stable shares are weighted to the canary's phases. The interval is Newcombe's at 95 %."


def build(context: Context) -> dict[str, Any]:
    """Return the rows; empty with a note where a cohort has no requests."""
    rows = context.sandbox.rows(
        "select phase, cohort, count(*), "
        + ", ".join(f"count(*) filter (where {condition})" for condition in _SHARES.values())
        + " from requests where in_phase and cohort in ('canary', 'baseline') group by all order by all"
    )
    cells = {(phase, cohort): counts for phase, cohort, *counts in rows}
    phases = sorted({phase for phase, _ in cells})
    shared = [phase for phase in phases if (phase, "canary") in cells and (phase, "baseline") in cells]
    if not shared:
        return {"rows": [], "note": "No phase has requests of both cohorts, so nothing can be compared."}
    table = [_share(context, title, index, shared, cells) for index, title in enumerate(_SHARES, 1)]
    return {"rows": [*table, *_quantities(context, shared)], "note": _NOTE}


def _share(
    context: Context, title: str, index: int, phases: list[str], cells: dict[tuple[str, str], list[int]]
) -> dict[str, Any]:
    strata = [
        st.Stratum(
            cells[phase, "canary"][index],
            cells[phase, "canary"][0],
            cells[phase, "baseline"][index],
            cells[phase, "baseline"][0],
        )
        for phase in phases
    ]
    n_canary, n_stable = sum(s.canary_total for s in strata), sum(s.baseline_total for s in strata)
    canary = sum(s.canary_n for s in strata) / n_canary
    stable = sum(s.canary_total * s.baseline_n / s.baseline_total for s in strata) / n_canary
    interval = st.newcombe_interval(sum(s.canary_n for s in strata), n_canary, round(stable * n_stable), n_stable)
    test = st.stratified_test(strata)
    return {
        "metric": title, "unit": "share", "stable": stable, "canary": canary, "variance": canary - stable,
        "interval": list(interval) if interval else None, "n_stable": n_stable, "n_canary": n_canary, "p_value": test.two_sided,
        "action": _action(context, title, stable, canary, test),
    }  # fmt: skip


def _action(context: Context, title: str, stable: float, canary: float, test: st.Test) -> str:
    """Name the action the checklist asks for; a difference that chance explains (p above 0.05) asks for none."""
    limits = context.config.thresholds
    if title == "5xx error rate" and canary > limits.error_rate and test.higher <= 0.05:
        return f"above the limit of {limits.error_rate:.1%}: roll back"
    if title == "5xx error rate" and canary - stable > limits.rollback_error_rate_above_stable and test.higher <= 0.05:
        return "above stable: roll back"
    return "look into it" if test.two_sided <= 0.01 else "none"


def _quantities(context: Context, phases: list[str]) -> list[dict[str, Any]]:
    measures = {
        "latency p50": ("ms", "quantile_cont(duration_ms, 0.5)", "count(duration_ms)"),
        "latency p95": ("ms", "quantile_cont(duration_ms, 0.95)", "count(duration_ms)"),
        "latency p99": ("ms", "quantile_cont(duration_ms, 0.99)", "count(duration_ms)"),
        "response size, mean": ("bytes", "avg(http_response_body_size::double)", "count(http_response_body_size)"),
    }
    columns = ", ".join(f"{value}, {count}" for _, value, count in measures.values())
    sql = f"select cohort, {columns} from requests where in_phase and cohort in ('canary', 'baseline') and phase = any($phases) group by cohort"
    by_cohort = {row[0]: row[1:] for row in context.sandbox.rows(sql, {"phases": phases})}
    rows = []
    for index, (title, (unit, _, _)) in enumerate(measures.items()):
        stable, n_stable = by_cohort["baseline"][index * 2 : index * 2 + 2]
        canary, n_canary = by_cohort["canary"][index * 2 : index * 2 + 2]
        if stable is None or canary is None:
            continue
        slow = unit == "ms" and canary > context.config.thresholds.latency_ms and canary > stable
        rows.append({
            "metric": title, "unit": unit, "stable": stable, "canary": canary, "variance": canary - stable, "interval": None,
            "n_stable": n_stable, "n_canary": n_canary, "p_value": None,
            "action": f"above {context.config.thresholds.latency_ms:g} ms: look into it" if slow else "none",
        })  # fmt: skip
    return rows
