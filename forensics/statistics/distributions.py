"""Distributions of one count, over arrays and to full precision: hypergeometric, binomial, Poisson.

Logarithms of factorials cancel: at 20 million their difference has lost eight digits. Loader (Fast and accurate computation of binomial
probabilities, 2000) writes a probability as deviances from expected counts and the small rest of Stirling's formula, neither of which
cancels. The hypergeometric probability has the same form, with four cells in place of two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
_FROM = 16  # five terms of the series are exact to 1e-17 from here on
_BELOW = np.array([math.lgamma(x + 1) - (x * math.log(x) - x if x else 0) for x in range(_FROM)])


class Distribution(Protocol):
    """What a tail needs to know: the chance of a count, and of its neighbours relative to it."""

    def take(self, index: Index) -> Self:
        """Return the members at `index`, in its shape: a column is broadcast against rows of counts."""
        ...

    def log_chance(self, count: Floats) -> Floats:
        """Return ln P(count)."""
        ...

    def up(self, count: Floats) -> Floats:
        """Return P(count + 1) / P(count); 0 at the highest count."""
        ...

    def down(self, count: Floats) -> Floats:
        """Return P(count - 1) / P(count); 0 at the lowest count."""
        ...


class Bounded(Distribution, Protocol):
    """A distribution between two counts that can be read from its other end."""

    @property
    def low(self) -> Floats:
        """Lowest count."""
        ...

    @property
    def high(self) -> Floats:
        """Highest count."""
        ...

    @property
    def mean(self) -> Floats:
        """Expected count."""
        ...

    @property
    def whole(self) -> Floats:
        """A count and its mirrored one make this."""
        ...

    def mirrored(self, where: Mask) -> Self:
        """Return the distribution of `whole - count` where asked for."""
        ...


def stirling_rest(x: Floats) -> Floats:
    """Return ln x! - (x ln x - x) of whole numbers; small ones are looked up, which makes one small table four times as fast."""
    return _TABLE[x.astype(np.intp)] if x.size and x.max() < _TABLE.size else _stirling_series(x)


def _stirling_series(x: Floats) -> Floats:
    large = np.maximum(x, _FROM)
    square = large * large
    series = (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / large
    small = _BELOW[np.minimum(x, _FROM - 1).astype(np.intp)]
    return np.where(x < _FROM, small, _HALF_LOG_TAU + 0.5 * np.log(large) + series)


_TABLE = _stirling_series(np.arange(4096.0))


def _cell(x: Floats, mean: Floats, excess: Floats) -> Floats:
    """Return x ln(x / mean) + stirling_rest(x); `excess` is x - mean, since the quotient would round a small one away."""
    safe = np.where(mean > 0, mean, 1.0)
    near = np.abs(excess) < 0.5 * safe
    log = np.where(near, np.log1p(np.where(near, excess / safe, 0.0)), np.log(np.maximum(x, 1.0) / safe))
    return np.where(x > 0, x * log, 0.0) + stirling_rest(x)


@dataclass(frozen=True, slots=True)
class Hypergeometric:
    """Events among the canary's `first` when `events` fall among `first + second` (a 2 x 2 table whose margins are fixed)."""

    first: Floats
    second: Floats
    events: Floats

    def take(self, index: Index) -> Self:
        """Return members."""
        return type(self)(self.first[index], self.second[index], self.events[index])

    @property
    def total(self) -> Floats:
        """Size of the table."""
        return self.first + self.second

    @property
    def whole(self) -> Floats:
        """A count and its mirrored one make this."""
        return self.first

    @property
    def low(self) -> Floats:
        """Lowest count."""
        return np.maximum(0.0, self.events - self.second)

    @property
    def high(self) -> Floats:
        """Highest count."""
        return np.minimum(self.first, self.events)

    @property
    def mean(self) -> Floats:
        """Expected count."""
        return self.first * self.events / np.maximum(self.total, 1.0)

    @property
    def variance(self) -> Floats:
        """Variance of the count."""
        total = self.total
        variance: Floats = self.mean * self.second * (total - self.events) / np.maximum(total * (total - 1), 1.0)
        return variance

    def mirrored(self, where: Mask) -> Self:
        """Count what are no events."""
        return type(self)(self.first, self.second, np.where(where, self.total - self.events, self.events))

    def log_chance(self, count: Floats) -> Floats:
        """Return ln P(count)."""
        total, others = self.total, self.total - self.events
        scale = np.maximum(total, 1.0)
        excess = (count * total - self.first * self.events) / scale
        cells = (
            _cell(count, self.first * self.events / scale, excess)
            + _cell(self.first - count, self.first * others / scale, -excess)
            + _cell(self.events - count, self.second * self.events / scale, -excess)
            + _cell(self.second - self.events + count, self.second * others / scale, excess)
        )
        margins = stirling_rest(self.first) + stirling_rest(self.second) - stirling_rest(total)
        return margins + stirling_rest(self.events) + stirling_rest(others) - cells

    def up(self, count: Floats) -> Floats:
        """Return P(count + 1) / P(count)."""
        free = self.second - self.events + count + 1
        return (self.first - count) * (self.events - count) / ((count + 1) * free)

    def down(self, count: Floats) -> Floats:
        """Return P(count - 1) / P(count)."""
        free = self.second - self.events + count
        return count * free / ((self.first - count + 1) * (self.events - count + 1))


@dataclass(frozen=True, slots=True)
class Binomial:
    """Successes among `trials`; `chance` and `rest` are the chances of success and failure, both given since one may be tiny."""

    trials: Floats
    chance: Floats
    rest: Floats

    def take(self, index: Index) -> Self:
        """Return members."""
        return type(self)(self.trials[index], self.chance[index], self.rest[index])

    @property
    def whole(self) -> Floats:
        """A count and its mirrored one make this."""
        return self.trials

    @property
    def low(self) -> Floats:
        """Lowest count."""
        return np.zeros_like(self.trials)

    @property
    def high(self) -> Floats:
        """Highest count."""
        return self.trials

    @property
    def mean(self) -> Floats:
        """Expected count."""
        return self.trials * self.chance

    def mirrored(self, where: Mask) -> Self:
        """Count failures."""
        chance, rest = np.where(where, self.rest, self.chance), np.where(where, self.chance, self.rest)
        return type(self)(self.trials, chance, rest)

    def log_chance(self, count: Floats) -> Floats:
        """Return ln P(count)."""
        misses = self.trials - count
        excess = np.where(self.chance < self.rest, count - self.mean, self.trials * self.rest - misses)
        failures = _cell(misses, self.trials * self.rest, -excess)
        return stirling_rest(self.trials) - _cell(count, self.mean, excess) - failures

    def up(self, count: Floats) -> Floats:
        """Return P(count + 1) / P(count)."""
        return (self.trials - count) * self.chance / ((count + 1) * self.rest)

    def down(self, count: Floats) -> Floats:
        """Return P(count - 1) / P(count)."""
        return count * self.rest / ((self.trials - count + 1) * self.chance)


@dataclass(frozen=True, slots=True)
class Poisson:
    """Events of which `mean` are expected."""

    mean: Floats

    def take(self, index: Index) -> Self:
        """Return members."""
        return type(self)(self.mean[index])

    def log_chance(self, count: Floats) -> Floats:
        """Return ln P(count)."""
        return count - self.mean - _cell(count, self.mean, count - self.mean)

    def up(self, count: Floats) -> Floats:
        """Return P(count + 1) / P(count)."""
        return self.mean / (count + 1)

    def down(self, count: Floats) -> Floats:
        """Return P(count - 1) / P(count)."""
        return count / self.mean
