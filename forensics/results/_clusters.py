"""Shares of requests with intervals that know that requests of one caller are no independent draws.

Counts of a cohort and phase are divided by their design effect (Rao and Scott, Biometrics 48:577, 1992): the variance of the share over
callers (ratio estimator, Cochran, Sampling Techniques, 6.4) over that of as many independent requests. Where every or no request is an
event the callers are counted instead. Phases are put together by MOVER (Zou and Donner, Statistics in Medicine 27:1693, 2008).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forensics import statistics as st


@dataclass(frozen=True, slots=True)
class Clustered:
    """Requests `n` and events `k` of one cohort in one phase, made by `callers`, of whom `touched` met an event.

    `kk`, `kn`, `nn` are sums over callers of products; `top_k` and `top_n` are those of the busiest caller.
    """

    n: int
    k: int
    callers: int
    touched: int
    kk: int
    kn: int
    nn: int
    top_k: int
    top_n: int

    @property
    def share(self) -> float:
        """Events a request."""
        return self.k / self.n

    @property
    def share_without_top(self) -> float | None:
        """Return the share without the busiest caller; None where there is no other."""
        rest = self.n - self.top_n
        return (self.k - self.top_k) / rest if rest else None

    @property
    def effective(self) -> float:
        """How many independent requests say as much."""
        p, m = self.share, self.callers
        if p in (0.0, 1.0) or m < 2:
            return float(m)
        residual = self.kk - 2 * p * self.kn + p * p * self.nn
        variance = m / (m - 1) * residual / (self.n * self.n)
        effect = variance * self.n / (p * (1 - p))
        return self.n / max(effect, 1.0)


Phases = Mapping[str, tuple[Clustered, Clustered]]  # canary, baseline


@dataclass(frozen=True, slots=True)
class Comparison:
    """Shares of both cohorts, the baseline's weighted to the canary's phases, with the interval of their difference."""

    stable: float
    canary: float
    interval: tuple[float, float]
    test: st.Test
    without_top: float | None
    top_share: float


def compare(phases: Phases) -> Comparison:
    """Compare over the phases that both cohorts have; the test counts callers, phase by phase."""
    total = sum(canary.n for canary, _ in phases.values())
    weights = {phase: canary.n / total for phase, (canary, _) in phases.items()}
    canary_share = sum(weights[phase] * canary.share for phase, (canary, _) in phases.items())
    stable_share = sum(weights[phase] * stable.share for phase, (_, stable) in phases.items())
    below = above = 0.0
    for phase, (canary, stable) in phases.items():
        low, high = _newcombe(canary, stable)
        difference = canary.share - stable.share
        below += (weights[phase] * (difference - low)) ** 2
        above += (weights[phase] * (high - difference)) ** 2
    difference = canary_share - stable_share
    strata = [st.Stratum(c.touched, c.callers, b.touched, b.callers) for c, b in phases.values()]
    return Comparison(
        stable_share,
        canary_share,
        (difference - math.sqrt(below), difference + math.sqrt(above)),
        st.stratified_test(strata),
        _without_top([canary for canary, _ in phases.values()]),
        sum(canary.top_n for canary, _ in phases.values()) / total,
    )


def _newcombe(canary: Clustered, stable: Clustered) -> tuple[float, float]:
    interval = st.newcombe_interval(
        canary.share * canary.effective, canary.effective, stable.share * stable.effective, stable.effective
    )
    return interval or (-1.0, 1.0)


def _without_top(parts: Sequence[Clustered]) -> float | None:
    rest = sum(part.n - part.top_n for part in parts)
    return sum(part.k - part.top_k for part in parts) / rest if rest else None
