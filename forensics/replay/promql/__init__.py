"""PromQL over the records of a case, in two readings: TRUTH (event time) and SCRAPE (what Prometheus would have had).

The subset and its codes stand in docs/replay.md; the tree comes from promql_parser, sums come from the engine, algebra over all ticks from numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from forensics.replay.promql.bindings import Bindings, Metric, Times, load, scrape_times
from forensics.replay.promql.cells import Floats, Grid, Reader, Whole, cumulative, statement, windowed
from forensics.replay.promql.evaluate import Evaluation, matchers_of
from forensics.replay.promql.gaps import in_gaps, seconds_of_ticks, silences
from forensics.replay.promql.quantiles import exact_quantiles
from forensics.replay.promql.readings import Reading, Scrape, Truth
from forensics.replay.promql.syntax import column_of, parse, ranges, refuse_unsupported, seconds_of, selectors
from forensics.replay.promql.vectors import MatchError, Presence, Vector
from forensics.replay.refusal import RefusalError
from forensics.store import Sandbox

__all__ = [
    "Bindings",
    "Grid",
    "MatchError",
    "Metric",
    "Query",
    "Reader",
    "Reading",
    "Scrape",
    "Times",
    "Truth",
    "Vector",
    "evaluated",
    "gaps_of",
    "load",
    "matchers_of",
    "prepared",
    "samples_of",
    "scrape_times",
    "selectors",
    "spans_of",
    "statement",
]


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was parsed and checked against the bindings."""

    text: str
    tree: Any
    bindings: Bindings

    @property
    def window(self) -> float:
        """The longest window in seconds, 0 of instant selectors."""
        return max(ranges(self.tree), default=0.0)

    @property
    def tables(self) -> list[str]:
        """The tables that its metrics are bound to."""
        return sorted({self.bindings.metric[item.name].table for item in selectors(self.tree)})


def prepared(text: str, bindings: Bindings) -> Query:
    """Return a query.

    Raises:
        RefusalError: it cannot be parsed, or is outside of the subset, or names what is not bound.

    """
    tree = parse(text)
    refuse_unsupported(text, tree, bindings)
    return Query(text, tree, bindings)


def spans_of(query: Query) -> list[float]:
    """Return every window and offset of a query in seconds: the grid must divide them."""
    return [*ranges(query.tree), *(seconds_of(item.offset) for item in selectors(query.tree))]


def evaluated(query: Query, reader: Reader, reading: Reading, ticks: Whole) -> Vector:
    """Return the value of a query at ticks (positions in the grid).

    Raises:
        RefusalError: the binding's SQL fails, or the reading has no such function. MatchError: Prometheus would refuse it.

    """

    def quantile(metric: Metric, selector: Any, level: float, window: float, shifted: Whole) -> Vector:
        return exact_quantiles(reader, metric, matchers_of(selector), level, window, shifted)

    try:
        return Evaluation(query.bindings, reader, reading, ticks, quantile).value(query.tree)
    except RefusalError as error:
        raise _with_column(error, query.text) from error


def _with_column(error: RefusalError, text: str) -> RefusalError:
    """Return a refusal that names a word of the query with its column."""
    if not error.token or error.column:
        return error
    return RefusalError(error.code, error.plain, hint=error.hint, column=column_of(text, error.token))


def samples_of(query: Query, reader: Reader, ticks: Whole) -> tuple[Floats, Floats]:
    """Return (k, n) at each tick: events in the window of the first selector and of the last one (a ratio's numerator and denominator)."""
    found, spans = selectors(query.tree), ranges(query.tree)
    if not found:
        return np.zeros(len(ticks)), np.zeros(len(ticks))
    first, last = (spans[0], spans[-1]) if spans else (0.0, 0.0)
    return _events(query, reader, ticks, found[0], first), _events(query, reader, ticks, found[-1], last)


def _events(query: Query, reader: Reader, ticks: Whole, selector: Any, window: float) -> Floats:
    metric = query.bindings.metric[selector.name]
    if metric.kind == "latency":
        return np.full(len(ticks), np.nan)
    cells = reader.cells(metric, selector.name, matchers_of(selector))
    shifted = np.maximum(ticks - reader.grid.slots(seconds_of(selector.offset)), 0)
    sums = (
        windowed(cells, reader.grid, reader.grid.slots(window), cells.count)
        if window
        else cumulative(cells, reader.grid, cells.count)
    )
    total: Floats = sums.sum(axis=0)[shifted]
    return total


def gaps_of(query: Query, sandbox: Sandbox, grid: Grid, ticks: Whole) -> Presence:
    """Say for each tick whether a window of the query lies in a gap of the evidence."""
    seconds, found = seconds_of_ticks(grid, ticks), np.zeros(len(ticks), dtype=bool)
    reach = max(spans_of(query), default=0.0)
    for table in query.tables:
        found |= in_gaps(silences(sandbox, table, grid), seconds, max(reach, 1.0))
    return found
