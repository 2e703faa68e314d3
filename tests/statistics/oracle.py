"""Exact p-values in whole numbers: chances relative to the mode as integers of 1,400 bits, which lose nothing that a double can show.

The rules are those of `forensics.statistics.tails`, written down a second time: equal within 1e-7; a mid-p takes half of the observed
outcome and of the one that ties with it on the other side of the mean, which is the first there that is not likelier.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

_MODE = 1 << 1400
FIELDS = ("two_sided", "lower", "higher", "mid_p", "lower_mid_p", "higher_mid_p", "attainable")
Ratio = Callable[[int], tuple[int, int]]


def fisher(a: int, b: int, c: int, d: int) -> dict[str, float]:
    """Return every p-value of a table `[[a, b], [c, d]]`."""
    first, second, events = a + b, c + d, a + c
    low, high = max(0, events - second), min(first, events)
    mode = (first + 1) * (events + 1) // (first + second + 2)

    def up(k: int) -> tuple[int, int]:
        return (first - k) * (events - k), (k + 1) * (second - events + k + 1)

    mean = Fraction(first * events, max(first + second, 1))
    return _tests(a, mean, (low, max(low, min(high, mode)), high), up)


def binomial(k: int, trials: int, chance: float) -> dict[str, float]:
    """Return every p-value of `k` of `trials`."""
    exact = Fraction(chance)

    def up(j: int) -> tuple[int, int]:
        return (trials - j) * exact.numerator, (j + 1) * (exact.denominator - exact.numerator)

    return _tests(k, trials * exact, (0, min(trials, int((trials + 1) * exact)), trials), up)


def _tests(seen: int, mean: Fraction, support: tuple[int, int, int], up: Ratio) -> dict[str, float]:
    low, mode, high = support
    weights = dict(_weights(low, mode, high, up))
    total, observed = sum(weights.values()), weights.get(seen, 0)
    least = observed - observed // 10**7
    most = observed + observed // 10**7
    step = 1 if seen < mean else -1
    edge = next(
        (k for k in range(seen + step, (high + 1 if step > 0 else low - 1), step) if weights.get(k, 0) <= most), None
    )
    tied = weights.get(edge, 0) if edge is not None and weights.get(edge, 0) >= least else 0
    found = {
        "two_sided": sum(w for w in weights.values() if w <= most),
        "lower": sum(w for k, w in weights.items() if k <= seen),
        "higher": sum(w for k, w in weights.items() if k >= seen),
    }
    ends = sorted((weights.get(low, 0), weights.get(high, 0)))
    ends_tie = low < high and ends[1] - ends[0] <= ends[0] // 10**7
    values = {
        **{name: Fraction(part, total) for name, part in found.items()},
        "mid_p": Fraction(2 * found["two_sided"] - observed - tied, 2 * total),
        "lower_mid_p": Fraction(2 * found["lower"] - observed, 2 * total),
        "higher_mid_p": Fraction(2 * found["higher"] - observed, 2 * total),
        "attainable": Fraction(sum(ends) if ends_tie else ends[0], total),
    }
    return {name: float(value) for name, value in values.items()}


def _weights(low: int, mode: int, high: int, up: Ratio) -> list[tuple[int, int]]:
    """Return counts with their chances relative to the mode, as far as these are not below 2^-1400."""
    found, weight, k = [(mode, _MODE)], _MODE, mode
    while k < high and weight:
        numerator, denominator = up(k)
        weight, k = weight * numerator // denominator, k + 1
        found.append((k, weight))
    weight, k = _MODE, mode
    while k > low and weight:
        numerator, denominator = up(k - 1)
        weight, k = weight * denominator // numerator, k - 1
        found.append((k, weight))
    return found
