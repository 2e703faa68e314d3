"""Latency quantiles of both cohorts from the buckets of minute cells, the baseline's weighted to the canary's phases.

A quantile is off by at most 2.2 % (queries/macros/cells.sql). Its interval is Woodruff's (JASA 47:635, 1952): the share of requests below it
has an interval, whose ends are read off as quantiles; requests are counted as what independent ones would be worth: Kish's effective size for
the weights, the design effect over callers for the rest. The difference of both is put together by MOVER.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from forensics.results._clusters import Clustered
from forensics.results.context import Context

QUANTILES = (0.5, 0.95, 0.99)
_Z = NormalDist().inv_cdf(0.975)
_BUCKETS = 642  # 0 to 640, and the edge above
_SQL = """
select phase, cohort, bucket, sum(requests)::bigint
from minute_latencies
where cohort in ('canary', 'baseline') and not is_synthetic and phase = any($phases)
group by all
order by all
"""
_ABOVE = """
with callers as (
    select phase, cohort, coalesce(unit_key, record_id) as caller, count(*) as n, {counts}
    from requests
    where cohort in ('canary', 'baseline') and not is_synthetic and phase = any($phases) and duration_ms >= 0
    group by all
)
select cohort, sum(n)::bigint, count(*), sum(n * n)::bigint, {sums}
from callers
group by all
order by all
"""


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile with its interval; `n` counts the requests behind it."""

    value: float
    low: float
    high: float
    n: int


def quantiles(context: Context, phases: Sequence[str]) -> list[tuple[Quantile, Quantile]]:
    """Return canary and baseline for each of `QUANTILES`; empty where a cohort has no latencies in a phase of both."""
    counts: dict[str, dict[str, np.ndarray]] = {"canary": {}, "baseline": {}}
    for phase, cohort, bucket, requests in context.sandbox.rows(_SQL, {"phases": list(phases)}):
        counts[cohort].setdefault(phase, np.zeros(_BUCKETS))[bucket] = requests
    shared = sorted(counts["canary"].keys() & counts["baseline"].keys())
    if not shared:
        return []
    sizes = {phase: counts["canary"][phase].sum() for phase in shared}
    mixes = {
        cohort: _Mix.of([by_phase[phase] for phase in shared], [sizes[phase] for phase in shared])
        for cohort, by_phase in counts.items()
    }
    values = {cohort: [mix.at(quantile) for quantile in QUANTILES] for cohort, mix in mixes.items()}
    effects = _design_effects(context, shared, values)
    return [
        (_quantile(mixes["canary"], q, effects["canary"][i]), _quantile(mixes["baseline"], q, effects["baseline"][i]))
        for i, q in enumerate(QUANTILES)
    ]


@dataclass(frozen=True, slots=True)
class _Mix:
    """Shares of the requests up to the upper edge of each bucket; `size` is Kish's effective number."""

    up_to: np.ndarray
    n: int
    size: float

    @classmethod
    def of(cls, parts: Sequence[np.ndarray], sizes: Sequence[float]) -> _Mix:
        """Put phases together, each with the weight of its size in the canary."""
        weights = [size / part.sum() for part, size in zip(parts, sizes, strict=True)]
        total = sum(sizes)
        mass = sum(weight * part for weight, part in zip(weights, parts, strict=True)) / total
        spread = sum(weight * weight * part.sum() for weight, part in zip(weights, parts, strict=True))
        return cls(np.cumsum(mass), int(sum(part.sum() for part in parts)), total * total / spread)

    def at(self, share: float) -> float:
        """Return the latency up to which this share of requests took, inside its bucket on a straight line of logarithms."""
        bucket = min(int(np.searchsorted(self.up_to, min(max(share, 0.0), 1.0) * (1 - 1e-12))), _BUCKETS - 2)
        before = self.up_to[bucket - 1] if bucket else 0.0
        inside = self.up_to[bucket] - before
        part = (share - before) / inside if inside > 0 else 0.5
        return float(2 ** ((bucket - 160 + min(max(part, 0.0), 1.0)) / 16))


def _quantile(mix: _Mix, quantile: float, effect: float) -> Quantile:
    half = _Z * math.sqrt(quantile * (1 - quantile) * effect / mix.size)
    return Quantile(mix.at(quantile), mix.at(quantile - half), mix.at(quantile + half), mix.n)


def _design_effects(
    context: Context, phases: Sequence[str], values: Mapping[str, Sequence[float]]
) -> dict[str, list[float]]:
    """Return, for each cohort and quantile, how many requests are worth one independent one."""
    counts = ", ".join(
        f"count(*) filter (where duration_ms > case cohort when 'canary' then $c{i} else $b{i} end) as k{i}"
        for i in range(len(QUANTILES))
    )
    sums = ", ".join(
        f"sum(k{i})::bigint, sum(k{i} * k{i})::bigint, sum(k{i} * n)::bigint" for i in range(len(QUANTILES))
    )
    limits: dict[str, Any] = {"phases": list(phases)}
    for i in range(len(QUANTILES)):
        limits |= {f"c{i}": values["canary"][i], f"b{i}": values["baseline"][i]}
    rows = context.sandbox.rows(_ABOVE.format(counts=counts, sums=sums), limits)
    return {cohort: _effects(n, callers, nn, sums) for cohort, n, callers, nn, *sums in rows}


def _effects(n: int, callers: int, nn: int, sums: Sequence[int]) -> list[float]:
    triples = [sums[i : i + 3] for i in range(0, len(sums), 3)]
    parts = [Clustered(n, k, callers, 0, kk, kn, nn, 0, 0) for k, kk, kn in triples]
    return [part.n / part.effective for part in parts]
