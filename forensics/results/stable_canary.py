"""The stable/canary table as practitioners draw it: stable, canary, variance, interval, n, action required.

Stable is weighted to the canary's phases (direct standardisation): phases are never pooled across weights. Intervals know that requests of
one caller are no independent draws; docs/statistics.md says how.
"""

from __future__ import annotations

import math
from typing import Any

from forensics.results import _clusters, _samples
from forensics.results._clusters import Clustered, Comparison
from forensics.results._latency import QUANTILES, Quantile, quantiles
from forensics.results.context import Context
from forensics.text import listing

SHARES = {
    "error rate (5xx)": "http_response_status_code between 500 and 599",
    "4xx rate": "http_response_status_code between 400 and 499",
    "401 rate": "http_response_status_code = 401",
    "403 rate": "http_response_status_code = 403",
    "429 rate": "http_response_status_code = 429",
}
_ERRORS = "error rate (5xx)"
_SURE = 0.05  # p below which a difference counts as one
_NOTE = (
    "Phases {phases}; stable is weighted to the canary's phases. Intervals at 95 % count callers, not requests: one caller's requests are no "
    "independent draws. Handshakes, blocks and log records are counted one by one; throughput, sizes and metrics are compared minute by minute."
)
_COUNTS = """
with callers as (
    select phase, cohort, coalesce(unit_key, record_id) as caller, count(*) as n, {counts}
    from requests
    where in_phase and not is_synthetic and cohort in ('canary', 'baseline')
    group by all
)
select phase, cohort, sum(n)::bigint, count(*), sum(n * n)::bigint, max(n), {sums}
from callers
group by all
order by all
"""
_UNNAMED = """
select count(*) filter (where unit_key is null), count(*) filter (where unit_kind = 'client'), count(*), count(*) filter (where is_synthetic)
from requests
where in_phase and cohort in ('canary', 'baseline')
"""


def build(context: Context) -> dict[str, Any]:
    """Return the rows with notes; empty with a note where a cohort has no requests."""
    phases = _phases(context)
    if not phases:
        return {
            "rows": [],
            "note": "No phase has requests of both cohorts, so nothing can be compared.",
            "warnings": [],
        }
    rows = [_share(context, title, {phase: pair[index] for phase, pair in phases.items()}) for index, title in enumerate(SHARES)]  # fmt: skip
    rows += [_latency(context, q, *pair) for q, pair in zip(QUANTILES, quantiles(context, list(phases)), strict=False)]
    rows += _samples.volumes(context, list(phases))
    rows += _samples.other_tables(context)
    rows += _samples.exceptions(context)
    rows += _samples.metrics(context)
    return {"rows": rows, "note": _NOTE.format(phases=listing(list(phases))), "warnings": _warnings(context)}


def _phases(context: Context) -> dict[str, list[tuple[Clustered, Clustered]]]:
    """Return, for each phase that both cohorts have, the counts of each share."""
    numbers = range(len(SHARES))
    counts = ", ".join(f"count(*) filter (where {condition}) as k{i}" for i, condition in enumerate(SHARES.values()))
    sums = ", ".join(
        f"sum(k{i})::bigint, count(*) filter (where k{i} > 0), sum(k{i} * k{i})::bigint, sum(k{i} * n)::bigint, arg_max(k{i}, (n, caller))"
        for i in numbers
    )
    found: dict[tuple[str, str], list[Clustered]] = {}
    for phase, cohort, n, callers, nn, top_n, *rest in context.sandbox.rows(_COUNTS.format(counts=counts, sums=sums)):
        parts = [rest[i * 5 : i * 5 + 5] for i in numbers]
        found[phase, cohort] = [
            Clustered(n, k, callers, touched, kk, kn, nn, top_k, top_n) for k, touched, kk, kn, top_k in parts
        ]
    order = {
        phase: place
        for place, (phase,) in enumerate(context.sandbox.rows("select phase from dims.phases order by position"))
    }
    shared = sorted(
        {phase for phase, cohort in found if cohort == "canary" and (phase, "baseline") in found},
        key=lambda phase: (order.get(phase, len(order)), phase),
    )
    return {phase: list(zip(found[phase, "canary"], found[phase, "baseline"], strict=True)) for phase in shared}


def _share(context: Context, title: str, phases: dict[str, tuple[Clustered, Clustered]]) -> dict[str, Any]:
    compared = _clusters.compare(phases)
    return {
        "metric": title, "unit": "share", "stable": compared.stable, "canary": compared.canary,
        "variance": compared.canary - compared.stable, "interval": list(compared.interval),
        "n_stable": sum(stable.n for _, stable in phases.values()), "n_canary": sum(canary.n for canary, _ in phases.values()),
        "p_value": compared.test.two_sided, "canary_without_top_caller": compared.without_top, "top_caller_share": compared.top_share,
        "action": _share_action(context, title, compared),
    }  # fmt: skip


def _share_action(context: Context, title: str, compared: Comparison) -> str:
    """Name the action the checklist asks for; a difference that chance explains asks for none."""
    limits = context.config.thresholds
    excess = compared.canary - compared.stable
    sure = compared.test.higher <= _SURE and compared.interval[0] > 0
    if title == _ERRORS and sure and compared.canary > limits.error_rate:
        return f"above the limit of {limits.error_rate:.1%}: roll back"
    if title == _ERRORS and sure and excess > limits.rollback_error_rate_above_stable:
        return f"more than {limits.rollback_error_rate_above_stable:.1%} above stable: roll back"
    if title == _ERRORS and compared.canary > limits.error_rate:
        so = ", and so is stable" if compared.stable > limits.error_rate else ""
        return f"above the limit of {limits.error_rate:.1%}{so}: look into it"
    differs = compared.interval[0] > 0 or compared.interval[1] < 0
    return "look into it" if differs and compared.test.two_sided <= _SURE else "none"


def _latency(context: Context, quantile: float, canary: Quantile, stable: Quantile) -> dict[str, Any]:
    difference = canary.value - stable.value
    low = difference - math.hypot(canary.value - canary.low, stable.high - stable.value)
    high = difference + math.hypot(canary.high - canary.value, stable.value - stable.low)
    return {
        "metric": f"latency p{quantile * 100:g}", "unit": "ms", "stable": stable.value, "canary": canary.value, "variance": difference,
        "interval": [low, high], "n_stable": stable.n, "n_canary": canary.n, "p_value": None, "canary_without_top_caller": None,
        "top_caller_share": None, "action": _latency_action(context, quantile, canary.value, stable.value, low),
    }  # fmt: skip


def _latency_action(context: Context, quantile: float, canary: float, stable: float, low: float) -> str:
    limits = context.config.thresholds
    if quantile == 0.95 and low > 0 and canary > stable * (1 + limits.rollback_p95_above_stable):
        return "worse than stable: roll back"
    if canary > limits.latency_ms and (low > 0 or stable <= limits.latency_ms):
        return f"above {limits.latency_ms:g} ms: look into it"
    if low > 0:
        return "look into it"
    return f"none: above {limits.latency_ms:g} ms, and so is stable" if canary > limits.latency_ms else "none"


def _warnings(context: Context) -> list[str]:
    """Say where callers cannot be told apart: then requests are counted one by one, and intervals are too narrow."""
    unnamed, by_address, total, synthetic = context.sandbox.rows(_UNNAMED)[0]
    found = []
    if unnamed:
        found.append(
            f"{unnamed:,} of {total:,} requests name neither user, session nor client and are counted one by one: intervals are too narrow."
        )
    if by_address:
        found.append(
            f"{by_address:,} of {total:,} requests are told apart by client address only: one address may be many people, or one person several."
        )
    if synthetic:
        found.append(f"{synthetic:,} of {total:,} requests are checks by the team itself and are left out.")
    return found
