"""How often chance alone aborts a healthy canary: rates over overlapping windows of independent events, by simulation with a fixed seed."""

from __future__ import annotations

import numpy as np

RUNS = 2000
HOURS = 2
_SEED = 20260303  # fixed: the same policy and case give the same number


def false_aborts(
    per_minute: float, rate: float, limit: float, window: float, interval: float, failure_limit: int
) -> float:
    """Return the share of two-hour windows in which more than `failure_limit` ticks are not below `limit`.

    Events come as a Poisson process of `per_minute`, each counts with chance `rate`. A window without events is NaN, which fails. `window` and
    `interval` are seconds; the first tick has a window that is full.
    """
    generator = np.random.default_rng(_SEED)
    step = interval
    ticks, width = int(HOURS * 3600 / step), max(1, round(window / step))
    events = generator.poisson(per_minute * step / 60, size=(RUNS, ticks + width))
    hits = generator.binomial(events, rate)
    n, k = _windows(events, width), _windows(hits, width)
    with np.errstate(invalid="ignore", divide="ignore"):
        failed = ~(k / n < limit)
    return float((failed.sum(axis=1) > failure_limit).mean())


def _windows(
    counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]], width: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    total = np.cumsum(counts, axis=1)
    return total[:, width:] - total[:, :-width]
