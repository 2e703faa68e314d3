"""Exact quantiles of raw values in a window: what histogram_quantile estimates from buckets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from forensics.errors import QueryError
from forensics.replay.promql.bindings import Metric
from forensics.replay.promql.cells import Reader, Whole, labels_of, test_of
from forensics.replay.promql.vectors import Vector
from forensics.replay.refusal import RefusalError
from forensics.store import name

NOTE = "exact quantile, not bucket interpolation"


def exact_quantiles(
    reader: Reader, metric: Metric, matchers: list[tuple[str, str, str]], level: float, window: float, ticks: Whole
) -> Vector:
    """Return the quantile of the values in (t - w, t] at each tick: one series, absent where the window has no value.

    Raises:
        RefusalError: E-BIND-SQL: the binding's SQL is refused or fails.

    """
    grid, labels = reader.grid, labels_of(metric)
    times = [grid.origin + timedelta(microseconds=int(tick + grid.first) * grid.quantum) for tick in ticks]
    tests = [
        test_of(f"coalesce(cast(({labels[label]}) as varchar), '')", sign, index)
        for index, (label, sign, _) in enumerate(matchers)
    ]
    table = ".".join(map(name, metric.table.split(".")))
    sql = (
        f"select t.place, quantile_cont(e.v, {min(max(level, 0.0), 1.0)!r}) from (select unnest($ticks) as tick, unnest(range(len($ticks))) as place) t "
        f"join (select time, cast(({metric.value}) as double) as v from {table} where {' and '.join([f'({metric.where})', *tests])}) e "
        "on e.time > t.tick - to_microseconds($window) and e.time <= t.tick group by t.place order by t.place"
    )
    parameters: dict[str, Any] = {f"m{index}": text for index, (_, _, text) in enumerate(matchers)}
    try:
        _, rows = reader.sandbox.select_rows(sql, {**parameters, "ticks": times, "window": round(window * 1_000_000)})
    except QueryError as error:
        raise RefusalError(
            "E-BIND-SQL", f"the binding of {metric.name} fails: {error.message}", hint=error.hint, token=metric.name
        ) from error
    values, present = np.zeros((1, len(times))), np.zeros((1, len(times)), dtype=bool)
    for place, value in rows:
        if value is not None:
            values[0, place], present[0, place] = value, True
    return Vector([()], values, present)
