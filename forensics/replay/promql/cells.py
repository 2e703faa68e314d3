"""What a selector reads: events of the case, counted by the engine into slots of time and label sets.

A slot ends at `origin + index * quantum` and is open at its beginning, as Prometheus' windows are. The quantum divides every window, offset,
interval and phase of scraping that is asked for, so that sums over slots are exact. What happened before the first slot is counted in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forensics.errors import QueryError
from forensics.replay.promql.bindings import Metric
from forensics.replay.refusal import RefusalError
from forensics.store import Sandbox, name

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Labels = tuple[tuple[str, str], ...]

MAX_CELLS = 1_000_000
MAX_VALUES = 40_000_000  # series times slots: 320 MB of doubles
MAX_SERIES = 10_000
_OPERATORS = {
    "Equal": "{} = {}",
    "NotEqual": "{} <> {}",
    "Re": "regexp_full_match({}, {})",
    "NotRe": "not regexp_full_match({}, {})",
}


@dataclass(frozen=True, slots=True)
class Grid:
    """Slots from `first` to `last` of `quantum` microseconds; slot 0 ends at `origin`."""

    origin: datetime
    quantum: int
    first: int
    last: int

    @property
    def size(self) -> int:
        """Number of slots."""
        return self.last - self.first + 1

    def slots(self, seconds: float) -> int:
        """Return a span in slots."""
        return round(seconds * 1_000_000 / self.quantum)


@dataclass(frozen=True, slots=True)
class Cells:
    """Counts by series and slot. `known` is the slot in which the events were known; `weight` is 1 / sampling rate, times the value.

    `last` is the last value of a slot (gauges).
    """

    labels: list[Labels]
    series: Whole
    slot: Whole
    known: Whole
    count: Floats
    weight: Floats
    last: Floats


@dataclass(slots=True)
class Reader:
    """Reads selectors once each; `then` counts events only from when they were known."""

    sandbox: Sandbox
    grid: Grid
    known: dict[str, Cells] = field(default_factory=dict)

    def cells(self, metric: Metric, title: str, matchers: Sequence[tuple[str, str, str]]) -> Cells:
        """Return the cells of a selector; matchers are (label, operator, value).

        Raises:
            RefusalError: E-BIND-SQL: the binding's SQL is refused or fails; E-TOO-MANY: more cells or series than are looked at;
                E-SAMPLE-RATE: rows without a sampling rate.

        """
        sql, parameters = statement(metric, matchers, self.grid)
        key = json.dumps([sql, parameters], default=str)
        if key not in self.known:
            self.known[key] = self._read(title, metric, sql, parameters)
        return self.known[key]

    def _read(self, title: str, metric: Metric, sql: str, parameters: dict[str, Any]) -> Cells:
        try:
            _, rows = self.sandbox.select_rows(sql, parameters, limit=MAX_CELLS + 1)
        except QueryError as error:
            raise RefusalError(
                "E-BIND-SQL", f"the binding of {title} fails: {error.message}", hint=error.hint, token=title
            ) from error
        if any(row[-1] for row in rows):
            raise RefusalError(
                "E-SAMPLE-RATE",
                f"rows of {title} have no {metric.sample_rate} between 0 and 1",
                hint="Narrow `where`.",
                token=title,
            )
        return _gathered(title, list(labels_of(metric)), rows, self.grid)


def statement(metric: Metric, matchers: Sequence[tuple[str, str, str]], grid: Grid) -> tuple[str, dict[str, Any]]:
    """Return the SELECT that counts what a selector names, with its values bound. A label that a row lacks is empty, as in Prometheus."""
    labels = labels_of(metric)
    columns = [
        f"coalesce(cast(({expression}) as varchar), '') as {name('l_' + label)}" for label, expression in labels.items()
    ]
    value = f"cast(({metric.value}) as double)" if metric.value else "1.0"
    rate = f"cast({name(metric.sample_rate)} as double)" if metric.sample_rate else "1.0"
    known = f"greatest(time, cast(({metric.known_at}) as timestamp))" if metric.known_at else "time"
    table = ".".join(map(name, metric.table.split(".")))
    inner = ", ".join([f"time, {value} as v, {rate} as r, {known} as k", *columns])
    tests = [test_of(name("l_" + label), sign, index) for index, (label, sign, _) in enumerate(matchers)]
    parameters: dict[str, Any] = {f"m{index}": text for index, (_, _, text) in enumerate(matchers)}
    groups = "".join(f"{name('l_' + label)}, " for label in labels)
    slot = "cast(ceil((epoch_us({}) - epoch_us($origin)) / $quantum) as bigint)"
    sql = (
        f"select {groups}greatest({slot.format('time')}, $first) as slot, greatest({slot.format('k')}, $first) as known, count(*) as n, "
        "fsum(case when r > 0 and r <= 1 then coalesce(v, 0) / r else 0 end) as weight, max_by(v, (time, v)) as last, count(*) filter (where coalesce(r <= 0 or r > 1, true)) as unrated "
        f"from (select {inner} from {table} where time is not null and ({metric.where})) "
        f"where {' and '.join(['time <= $until', *tests])} group by all order by all"
    )
    return sql, {
        **parameters,
        "origin": grid.origin,
        "quantum": grid.quantum,
        "first": grid.first,
        "until": _until(grid),
    }


def labels_of(metric: Metric) -> dict[str, str]:
    """Return label -> SQL expression; the instance is the label `pod`, unless the binding has one of that name."""
    return {**({"pod": name(metric.instance)} if metric.instance else {}), **metric.labels}


def test_of(subject: str, sign: str, index: int) -> str:
    """Return the SQL of one matcher; its value is bound as `$m<index>`. Regular expressions are RE2 and match the whole value."""
    return _OPERATORS[sign].format(subject, f"$m{index}")


def _until(grid: Grid) -> datetime:
    return grid.origin + timedelta(microseconds=grid.last * grid.quantum)


def _gathered(title: str, names: list[str], rows: list[tuple[Any, ...]], grid: Grid) -> Cells:
    width = len(names)
    found: dict[tuple[str, ...], int] = {}
    series = [found.setdefault(row[:width], len(found)) for row in rows]
    if len(rows) > MAX_CELLS or len(found) > MAX_SERIES or len(found) * grid.size > MAX_VALUES:
        what = f"{title} has more than {MAX_CELLS:,} cells, {MAX_SERIES:,} series or {MAX_VALUES:,} values"
        raise RefusalError(
            "E-TOO-MANY", what, hint='Leave out labels with many values, or set instance = "".', token=title
        )
    numbers = np.array([row[width : width + 5] for row in rows], dtype=float).reshape(-1, 5)
    labels = [tuple((label, str(text)) for label, text in zip(names, texts, strict=True) if text) for texts in found]
    return Cells(
        labels, np.array(series, dtype=np.int64), numbers[:, 0].astype(np.int64) - grid.first, numbers[:, 1].astype(np.int64) - grid.first,
        numbers[:, 2], numbers[:, 3], numbers[:, 4],
    )  # fmt: skip


def windowed(cells: Cells, grid: Grid, width: int, amounts: Floats, *, then: bool = False) -> Floats:
    """Return sums over the last `width` slots as [series, slots]; with `then` an event counts only from when it was known.

    An event is in the windows that end from its slot on until `width` slots later.
    """
    sums = np.zeros((len(cells.labels), grid.size + 1))
    begin = np.maximum(cells.slot, cells.known) if then else cells.slot
    stop = cells.slot + width
    seen = (begin < stop) & (begin < grid.size)
    np.add.at(sums, (cells.series[seen], begin[seen]), amounts[seen])
    np.add.at(sums, (cells.series[seen], np.minimum(stop[seen], grid.size)), -amounts[seen])
    return _whole(np.cumsum(sums[:, :-1], axis=1), amounts)


def cumulative(cells: Cells, grid: Grid, amounts: Floats, *, then: bool = False) -> Floats:
    """Return sums up to each slot as [series, slots]."""
    sums = np.zeros((len(cells.labels), grid.size))
    begin = np.maximum(cells.slot, cells.known) if then else cells.slot
    seen = begin < grid.size
    np.add.at(sums, (cells.series[seen], begin[seen]), amounts[seen])
    return np.cumsum(sums, axis=1)


def _whole(sums: Floats, amounts: Floats) -> Floats:
    """Take the dust of subtraction away where all amounts are whole; else what is nearly nothing is nothing."""
    if (amounts == np.floor(amounts)).all():
        return np.round(sums)
    return np.where(np.abs(sums) < 1e-9 * max(1.0, float(np.abs(amounts).sum())), 0.0, sums)
