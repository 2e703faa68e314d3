"""`replay sweep`: one gate on a share of requests over a grid of settings, on minute cells.

Less is honest, more is a model: a smaller weight thins the canary's requests (binomial, fixed seed), a shorter rollout cuts it off; a larger weight
scales the counts that were seen, and says so. Argo's limit: failed > failure_limit, and a window without requests is NaN, which fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forensics.errors import UsageError
from forensics.findings import moment
from forensics.replay.rollout import Episode
from forensics.store import Sandbox

Counts = NDArray[np.int64]
MAX_POLICIES = 100_000
_MOST_MINUTES = 1_000_000
# What each side of the grid may hold: least, most, and in words.
_SIDES = {
    "thresholds": (0, 1, "Shares are"),
    "windows": (1, _MOST_MINUTES, "Windows are whole minutes"),
    "intervals": (1, _MOST_MINUTES, "Intervals are whole minutes"),
    "limits": (0, _MOST_MINUTES, "Failures that are tolerated are whole numbers"),
    "delays": (0, _MOST_MINUTES, "Delays are whole minutes"),
    "weights": (0.001, 1000, "Factors of the traffic are"),
    "durations": (0, _MOST_MINUTES, "Durations are whole minutes"),
}
_SEED = 20260303  # fixed: the same case and grid give the same rows
# What is counted of a minute cell's outcome.
OUTCOMES = {
    "errors": ("5xx",),
    "refusals": ("401", "403"),
    "unauthorized": ("401",),
    "forbidden": ("403",),
    "throttled": ("429",),
}
_SERIES = """
select minute, sum(requests)::bigint as n, coalesce(sum(requests) filter (where list_contains($outcomes, outcome)), 0)::bigint as k
from minute_cells
where cohort = 'canary' and not is_synthetic and minute >= $start and minute < $stop
group by minute
order by minute
"""


@dataclass(frozen=True, slots=True)
class Axes:
    """The grid: limits of the share, windows, intervals and delays in minutes, failure limits, factors of the weight, durations in minutes (0 = all)."""

    thresholds: Sequence[float] = (0.05,)
    windows: Sequence[int] = (5,)
    intervals: Sequence[int] = (1,)
    limits: Sequence[int] = (0,)
    delays: Sequence[int] = (0,)
    weights: Sequence[float] = (1.0,)
    durations: Sequence[int] = (0,)

    @property
    def size(self) -> int:
        """Number of policies."""
        sides = (self.thresholds, self.windows, self.intervals, self.limits, self.delays, self.weights, self.durations)
        return int(np.prod([len(side) for side in sides]))


@dataclass(frozen=True, slots=True)
class Minutes:
    """Counts by minute from `start` on: all requests of the canary, and those that count."""

    start: datetime
    n: Counts
    k: Counts


def minutes_of(sandbox: Sandbox, episode: Episode, metric: str) -> Minutes:
    """Return the canary's minutes of an episode.

    Raises:
        UsageError: there is no such metric, or no request of the canary.

    """
    if metric not in OUTCOMES:
        raise UsageError(f"There is no metric {metric}.", hint=f"One of {', '.join(OUTCOMES)}.")
    start = episode.start.replace(second=0, microsecond=0)
    size = int((episode.end - start).total_seconds() // 60)
    n, k = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    given = {"outcomes": list(OUTCOMES[metric]), "start": start, "stop": start + timedelta(minutes=size)}
    for minute, requests, counted in sandbox.rows(_SERIES, given):
        place = int((minute - start).total_seconds() // 60)
        n[place], k[place] = requests, counted
    if not n.any():
        raise UsageError(
            "There is no request of the canary in the phases.",
            hint="Correct [[phase]] and [[cohort]] in canary.toml: canary-forensics status CASE shows who is who.",
        )
    return Minutes(start, n, k)


def sweep(series: Minutes, axes: Axes, onset: datetime | None, action: datetime | None) -> list[dict[str, Any]]:
    """Return a row a policy, in order of the grid: when it triggers, how long after the onset, whether too early.

    Raises:
        UsageError: the grid is too large, or a side of it is none.

    """
    _require(axes, len(series.n))
    rows: list[dict[str, Any]] = []
    for weight, window in product(axes.weights, axes.windows):
        n, k = _scaled(series, weight)
        rates = _rates(k, n, window)
        for interval, delay in product(axes.intervals, axes.delays):
            ticks = np.arange(delay, len(series.n) + 1, interval)
            triggers = _triggers(rates[ticks], axes.thresholds, axes.limits)
            rows += _rows(series, axes, (weight, window, interval, delay), ticks, triggers, onset, action)
    return rows


def _require(axes: Axes, size: int) -> None:
    if axes.size > MAX_POLICIES:
        raise UsageError(f"The grid has {axes.size:,} policies; {MAX_POLICIES:,} at most.", hint="Leave out values.")
    for name, (least, most, what) in _SIDES.items():
        wrong = next((value for value in getattr(axes, name) if not least <= value <= most), None)
        if wrong is not None:
            raise UsageError(f"--{name} {wrong:g} makes no sense.", hint=f"{what} from {least:,} to {most:,}.")
    if max(axes.durations) > size:
        raise UsageError(
            f"--durations {max(axes.durations):,}: the rollout lasted {size:,} minutes.",
            hint="A longer one was not recorded.",
        )


def _scaled(series: Minutes, weight: float) -> tuple[Counts, Counts]:
    """Return counts at another weight: thinned below 1, scaled up above."""
    if weight == 1:
        return series.n, series.k
    if weight > 1:
        return np.rint(series.n * weight).astype(np.int64), np.rint(series.k * weight).astype(np.int64)
    generator = np.random.default_rng(_SEED)
    counted = generator.binomial(series.k, weight)
    return counted + generator.binomial(series.n - series.k, weight), counted


def _rates(k: Counts, n: Counts, window: int) -> NDArray[np.float64]:
    """Return the share over the `window` minutes before each tick, tick 0 to the end; NaN where there was nothing."""
    sums = [np.concatenate([[0], np.cumsum(counts)]) for counts in (k, n)]
    before = np.maximum(np.arange(len(k) + 1) - window, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        rates: NDArray[np.float64] = (sums[0] - sums[0][before]) / (sums[1] - sums[1][before])
    return rates


def _triggers(rates: NDArray[np.float64], thresholds: Sequence[float], limits: Sequence[int]) -> Counts:
    """Return the place of the trigger as [threshold, limit]; the number of ticks where there is none."""
    failed = np.cumsum(~(rates[None, :] < np.array(thresholds)[:, None]), axis=1)
    over = failed[:, None, :] > np.array(limits)[None, :, None]
    triggers: Counts = np.where(over.any(axis=2), over.argmax(axis=2), rates.shape[0])
    return triggers


def _rows(
    series: Minutes, axes: Axes, chosen: tuple[float, int, int, int], ticks: Counts, triggers: Counts, onset: datetime | None, action: datetime | None
) -> Iterator[dict[str, Any]]:  # fmt: skip
    weight, window, interval, delay = chosen
    for (i, threshold), (j, limit), duration in product(
        enumerate(axes.thresholds), enumerate(axes.limits), axes.durations
    ):
        place = int(triggers[i, j])
        minute = int(ticks[place]) if place < len(ticks) else None
        hit = minute is not None and (not duration or minute <= duration)
        when = series.start + timedelta(minutes=minute or 0) if hit else None
        yield {
            "threshold": threshold, "window": window, "interval": interval, "failure_limit": limit, "initial_delay": delay, "weight": weight,
            "duration": duration or len(series.n), "trigger": moment(when),
            "seconds_after_onset": (when - onset).total_seconds() if when and onset else None,
            "seconds_before_action": (action - when).total_seconds() if when and action else None,
            "false_alarm": bool(when and onset and when < onset),
            "basis": "model" if weight > 1 else "thinned" if weight < 1 else "recorded",
        }  # fmt: skip
