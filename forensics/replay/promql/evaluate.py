"""Evaluates a query at all ticks of a run at once, by one reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import promql_parser as pq

from forensics.replay.promql.bindings import Bindings, Metric
from forensics.replay.promql.cells import Cells, Floats, Reader, Whole
from forensics.replay.promql.readings import Reading
from forensics.replay.promql.syntax import OVER_RANGE, parts, seconds_of
from forensics.replay.promql.vectors import Vector, aggregated, combined, constant, either


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a query is evaluated with: the bindings, the reader of cells, a reading, and the ticks as slots of the grid."""

    bindings: Bindings
    reader: Reader
    reading: Reading
    ticks: Whole
    quantile: Callable[[Metric, Any, float, float, Whole], Vector]

    def value(self, node: Any) -> Vector:
        """Return the vector (or scalar) of an expression that was checked; raises `MatchError`, `RefusalError`."""
        return _NODES[type(node)](self, node)

    def cells(self, node: Any) -> tuple[Metric, Cells]:
        """Return the binding and the cells of a selector."""
        metric = self.bindings.metric[node.name]
        return metric, self.reader.cells(metric, node.name, matchers_of(node))

    def shifted(self, node: Any) -> Whole:
        """Return the ticks moved back by an offset, not before the first slot."""
        return np.maximum(self.ticks - self.reader.grid.slots(seconds_of(node.offset)), 0)

    def number(self, node: pq.NumberLiteral) -> Vector:
        """Return a literal."""
        return constant(float(node.val), len(self.ticks))

    def inner(self, node: Any) -> Vector:
        """Return what stands in parentheses."""
        return self.value(node.expr)

    def negative(self, node: pq.UnaryExpr) -> Vector:
        """Return `-x`."""
        found = self.value(node.expr)
        return Vector(found.labels, -found.values, found.present, found.is_scalar)

    def selector(self, node: pq.VectorSelector) -> Vector:
        """Return an instant vector."""
        metric, cells = self.cells(node)
        return self.reading.instant(metric, cells, self.shifted(node))

    def aggregate(self, node: pq.AggregateExpr) -> Vector:
        """Return sum, count, min, max or avg."""
        modifier = node.modifier
        labels = list(modifier.labels) if modifier else []
        by = modifier is None or modifier.type == pq.AggModifierType.By
        return aggregated(self.value(node.expr), str(node.op), labels, by=by)

    def binary(self, node: pq.BinaryExpr) -> Vector:
        """Return `a sign b`."""
        modifier: Any = node.modifier
        matching = modifier.matching if modifier else None
        on = list(matching.labels) if matching else None
        left, right = self.value(node.lhs), self.value(node.rhs)
        if str(node.op) == "or":
            return either(left, right, on)
        return combined(left, right, str(node.op), on, is_bool=bool(modifier and modifier.return_bool))

    def call(self, node: pq.Call) -> Vector:
        """Return the value of a function."""
        name = node.func.name
        if name in OVER_RANGE:
            matrix: Any = node.args[0]
            metric, cells = self.cells(matrix.vector_selector)
            return self.reading.over(
                name, metric, cells, self.shifted(matrix.vector_selector), seconds_of(matrix.range)
            )
        if name == "histogram_quantile":
            return self.quantiles(node)
        vector = self.value(node.args[0])
        if name == "vector":
            return Vector(vector.labels, vector.values, vector.present)
        if name == "absent":
            return self.absent(node, vector)
        others = [self.value(item).values[0] for item in node.args[1:]]
        return Vector(vector.labels, _ELEMENTWISE[name](vector.values, *others), vector.present)

    def absent(self, node: pq.Call, vector: Vector) -> Vector:
        """Return 1 where there is no series; its labels are those that the selector fixes."""
        selector: Any = node.args[0]
        fixed = (
            [item for item in matchers_of(selector) if item[1] == "Equal"]
            if isinstance(selector, pq.VectorSelector)
            else []
        )
        labels = tuple((label, text) for label, _, text in fixed)
        return Vector([labels], np.ones((1, len(self.ticks))), np.atleast_2d(~vector.present.any(axis=0)))

    def quantiles(self, node: pq.Call) -> Vector:
        """Return exact quantiles of raw values: buckets do not exist in records."""
        level: Any = node.args[0]
        matrix = next(item for item in parts(node.args[1]) if isinstance(item, pq.MatrixSelector))
        selector = matrix.vector_selector
        metric = self.bindings.metric[selector.name or ""]
        return self.quantile(metric, selector, float(level.val), seconds_of(matrix.range), self.shifted(selector))


def matchers_of(node: Any) -> list[tuple[str, str, str]]:
    """Return the matchers of a selector as (label, operator, value)."""
    return [(item.name, repr(item.op).rpartition(".")[2], item.value) for item in node.matchers.matchers]


_NODES: dict[type, Callable[[Evaluation, Any], Vector]] = {
    pq.NumberLiteral: Evaluation.number, pq.ParenExpr: Evaluation.inner, pq.UnaryExpr: Evaluation.negative, pq.VectorSelector: Evaluation.selector,
    pq.AggregateExpr: Evaluation.aggregate, pq.BinaryExpr: Evaluation.binary, pq.Call: Evaluation.call,
}  # fmt: skip


def _clamped_below(values: Floats, least: Floats) -> Floats:
    return np.where(np.isnan(values), values, np.maximum(values, least))


def _clamped_above(values: Floats, most: Floats) -> Floats:
    return np.where(np.isnan(values), values, np.minimum(values, most))


_ELEMENTWISE: dict[str, Callable[..., Floats]] = {
    "abs": np.abs,
    "clamp_min": _clamped_below,
    "clamp_max": _clamped_above,
}
