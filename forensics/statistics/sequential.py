"""Evidence that may be looked at every minute: the conditional e-process.

Of the events of one minute, each is the canary's with chance `theta r / (theta r + 1 - theta)`, where theta is the canary's observed share
of that minute's exposure and r the ratio of the two rates; with equal rates r is 1 and the chance is theta. The e-value is the likelihood
ratio of all minutes so far, averaged over log r standard normal on 41 points of [-3, 3]. With equal rates its mean never exceeds 1, whatever
the base rate does from minute to minute and however the weights are ramped, so by Ville's inequality it reaches 20 with a chance of at most
5 %, however often one looks (Turner and Grunwald 2023; Lindon and Malek 2022 for the Poisson form).

An exposure can fail only once. The canary's events of a minute are then hypergeometric, not binomial; that is smaller in convex order
(Hoeffding 1963, theorem 4), the likelihood ratio is convex in them, and the mean stays below 1. What breaks the guarantee is dependence:
count the first event of each user, not every request.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from forensics.statistics.distributions import Floats
from forensics.statistics.tails import SMALLEST

_LOG_RATIOS = np.linspace(-3.0, 3.0, 41)
_DENSITY = np.exp(-0.5 * _LOG_RATIOS**2)
_LOG_WEIGHTS = np.log(_DENSITY / _DENSITY.sum())
_LARGEST = 700.0  # natural logarithm beyond which an e-value is given as e^700: a double ends at e^709


def e_process(canary: ArrayLike, baseline: ArrayLike, share: ArrayLike) -> Floats:
    """Return the e-value after each minute; the last axis is time, others are independent series.

    Args:
        canary: events of the canary in each minute.
        baseline: events of the baseline in each minute.
        share: the canary's observed share of exposure in each minute; minutes in which one cohort had none say nothing.

    """
    first, second, theta = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (canary, baseline, share)))
    both = (theta > 0) & (theta < 1)
    own, events, theta = (np.where(both, x, 0.0) for x in (first, first + second, theta))
    seen, logs = np.cumsum(own, axis=-1), np.full(own.shape, -np.inf)
    for log_ratio, log_weight in zip(_LOG_RATIOS, _LOG_WEIGHTS, strict=True):
        expected = np.cumsum(events * np.log1p(theta * np.expm1(log_ratio)), axis=-1)
        logs = np.logaddexp(logs, log_weight + log_ratio * seen - expected)
    e_values: Floats = np.exp(np.minimum(logs, _LARGEST))
    return e_values


def anytime_p(e_values: ArrayLike) -> Floats:
    """Return the p-value that holds at every minute up to each one: the smallest 1/e so far, at most 1."""
    largest = np.maximum.accumulate(np.asarray(e_values, dtype=float), axis=-1)
    return np.clip(1 / np.maximum(largest, SMALLEST), SMALLEST, 1.0)
