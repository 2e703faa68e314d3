"""Vectors over all ticks at once: labels by series, values and presence as [series, ticks]. Scalars are one series without labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.replay.promql.cells import Floats, Labels

Presence = NDArray[np.bool_]


class MatchError(Exception):
    """Prometheus refuses the query when it runs: two series of one side match; the measurement is an Error."""


@dataclass(frozen=True, slots=True)
class Vector:
    """Series with their labels; `present` says at which ticks a series is there, whatever its value."""

    labels: list[Labels]
    values: Floats
    present: Presence
    is_scalar: bool = False

    @property
    def ticks(self) -> int:
        """Number of ticks."""
        return int(self.values.shape[1])


def constant(number: float, ticks: int, *, is_scalar: bool = True) -> Vector:
    """Return a number at every tick: a scalar, or the vector of `vector(n)`."""
    return Vector([()], np.full((1, ticks), number), np.ones((1, ticks), dtype=bool), is_scalar)


def aggregated(vector: Vector, how: str, labels: Sequence[str], *, by: bool) -> Vector:
    """Return sum, count, min, max or avg over groups of series: `by` labels, or by all labels without them."""
    keys = [tuple(pair for pair in item if (pair[0] in labels) == by) for item in vector.labels]
    groups = sorted(set(keys))
    rows = [[index for index, key in enumerate(keys) if key == group] for group in groups]
    present = np.array([vector.present[row].any(axis=0) for row in rows], dtype=bool).reshape(len(groups), vector.ticks)
    values = [_HOW[how](vector.values[row], vector.present[row]) for row in rows]
    return Vector(groups, np.array(values, dtype=float).reshape(len(groups), vector.ticks), present)


def _average(values: Floats, present: Presence) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = np.where(present, values, 0.0).sum(axis=0) / present.sum(axis=0)
    return mean


def _extreme(values: Floats, present: Presence, how: Callable[..., Floats], none: float) -> Floats:
    """NaN counts only where all are NaN, as in Prometheus."""
    numbers = np.where(present & ~np.isnan(values), values, none)
    all_nan = (present & np.isnan(values)).any(axis=0) & ~(present & ~np.isnan(values)).any(axis=0)
    return np.where(all_nan, np.nan, how(numbers, axis=0))


_HOW: dict[str, Callable[[Floats, Presence], Floats]] = {
    "sum": lambda values, present: np.where(present, values, 0.0).sum(axis=0),
    "count": lambda _values, present: present.sum(axis=0).astype(float),
    "avg": _average,
    "min": lambda values, present: _extreme(values, present, np.min, np.inf),
    "max": lambda values, present: _extreme(values, present, np.max, -np.inf),
}


def combined(left: Vector, right: Vector, sign: str, on: Sequence[str] | None, *, is_bool: bool) -> Vector:
    """Return `left sign right`: arithmetic, or a comparison that filters, or gives 0 and 1 with `bool`.

    Raises:
        MatchError: two series of one side have the same labels to match by.

    """
    pairs, labels = _pairs(left, right, on)
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    a, b = left.values[first], right.values[second]
    present = left.present[first] & right.present[second]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = _OPERATORS[sign](a, b)
    scalar = left.is_scalar and right.is_scalar
    if sign not in _COMPARES:
        return Vector(labels, found.astype(float), present, scalar)
    if is_bool or scalar:
        return Vector(labels, found.astype(float), present, scalar)
    return Vector(labels, b if left.is_scalar else a, present & found.astype(bool))


def either(left: Vector, right: Vector, on: Sequence[str] | None) -> Vector:
    """Return `left or right`: of the right side the series that match none of the left at that tick."""
    keys = [_key(item, on) for item in left.labels]
    values, present = [], []
    for index, item in enumerate(right.labels):
        same = [row for row, key in enumerate(keys) if key == _key(item, on)]
        taken = left.present[same].any(axis=0) if same else np.zeros(left.ticks, dtype=bool)
        values.append(right.values[index])
        present.append(right.present[index] & ~taken)
    both = np.vstack([left.values, np.array(values).reshape(-1, left.ticks)])
    return Vector(
        [*left.labels, *right.labels],
        both,
        np.vstack([left.present, np.array(present, dtype=bool).reshape(-1, left.ticks)]),
    )


def _key(labels: Labels, on: Sequence[str] | None) -> Labels:
    return labels if on is None else tuple(pair for pair in labels if pair[0] in on)


def _pairs(left: Vector, right: Vector, on: Sequence[str] | None) -> tuple[list[tuple[int, int]], list[Labels]]:
    if right.is_scalar:
        return [(index, 0) for index in range(len(left.labels))], list(left.labels)
    if left.is_scalar:
        return [(0, index) for index in range(len(right.labels))], list(right.labels)
    other: dict[Labels, list[int]] = {}
    for index, item in enumerate(right.labels):
        other.setdefault(_key(item, on), []).append(index)
    own: dict[Labels, list[int]] = {}
    for index, item in enumerate(left.labels):
        own.setdefault(_key(item, on), []).append(index)
    common = [key for key in own if key in other]
    for key in common:
        _require_one(left, own[key])
        _require_one(right, other[key])
    pairs = [(i, j) for key in common for i in own[key] for j in other[key]]
    return pairs, [_key(left.labels[i], on) for i, _ in pairs]


def _require_one(vector: Vector, rows: list[int]) -> None:
    if len(rows) > 1 and (vector.present[rows].sum(axis=0) > 1).any():
        raise MatchError("many-to-many matching not allowed: matching labels must be unique on one side")


_COMPARES = ("==", "!=", "<", ">", "<=", ">=")
_OPERATORS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "==": np.equal, "!=": np.not_equal, "<": np.less, ">": np.greater,
    "<=": np.less_equal, ">=": np.greater_equal,
}  # fmt: skip
