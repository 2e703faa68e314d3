"""Two honest readings of a selector over records. TRUTH counts events by their time; SCRAPE is what Prometheus would have collected.

SCRAPE emulates counters by pod: scraped every interval, born with their first event (so `rate` of a first event is nothing), stale `lookback`
after the last scrape, with `extrapolatedRate` of promql/functions.go: resets where a value drops, extrapolation to the ends of the window unless
the nearest sample is more than 1.1 intervals away, never below zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from forensics.replay.promql.bindings import Metric, Times
from forensics.replay.promql.cells import Cells, Floats, Grid, Whole, cumulative, windowed
from forensics.replay.promql.vectors import Presence, Vector
from forensics.replay.refusal import RefusalError


class Reading(Protocol):
    """How a selector is read at ticks, given as slots of the grid."""

    def instant(self, metric: Metric, cells: Cells, ticks: Whole) -> Vector:
        """Return the value of each series at each tick."""
        ...

    def over(self, how: str, metric: Metric, cells: Cells, ticks: Whole, window: float) -> Vector:
        """Return rate, increase, irate or count_over_time over the window (seconds) before each tick."""
        ...


@dataclass(frozen=True, slots=True)
class Truth:
    """Event time: counts in (t - w, t], rate = count / w. A series is there from its first event on. `then`: only what was known by then."""

    grid: Grid
    times: Times
    then: bool = False

    def instant(self, metric: Metric, cells: Cells, ticks: Whole) -> Vector:
        """Return the count so far (counter), the last value (gauge), or 1 while there are events (exists)."""
        born = cumulative(cells, self.grid, cells.count, then=self.then) > 0
        if metric.kind == "counter":
            return _taken(cells, cumulative(cells, self.grid, cells.weight, then=self.then), born, ticks)
        if metric.kind == "exists":
            width = self.grid.slots(self.times.interval)
            here = windowed(cells, self.grid, width, cells.count, then=self.then) > 0
            return _taken(cells, np.ones_like(here, dtype=float), here, ticks)
        values, age = _last_values(cells, self.grid)
        return _taken(cells, values, age < self.grid.slots(self.times.lookback), ticks)

    def over(self, how: str, metric: Metric, cells: Cells, ticks: Whole, window: float) -> Vector:
        """Return counts, or counts by second; irate and samples of a counter are defined for scrapes alone."""
        if how == "irate" or (how == "count_over_time" and metric.kind == "counter"):
            raise RefusalError(
                "E-PROMQL-TRUTH",
                f"{how} of a counter speaks of scrapes, not of events",
                hint="Read it as SCRAPE, or use increase().",
                token=how,
            )
        amounts = cells.count if how == "count_over_time" else cells.weight
        sums = windowed(cells, self.grid, self.grid.slots(window), amounts, then=self.then)
        born = cumulative(cells, self.grid, cells.count, then=self.then) > 0
        here = sums > 0 if how == "count_over_time" else born
        return _taken(cells, sums / window if how == "rate" else sums, here, ticks)


def _taken(cells: Cells, values: Floats, present: Presence, ticks: Whole) -> Vector:
    return Vector(list(cells.labels), values[:, ticks], present[:, ticks])


def _last_values(cells: Cells, grid: Grid) -> tuple[Floats, Whole]:
    """Return the last value up to each slot and how many slots ago it was, both as [series, slots]."""
    values = np.full((len(cells.labels), grid.size), np.nan)
    at = np.full((len(cells.labels), grid.size), -(1 << 40), dtype=np.int64)
    inside = cells.slot < grid.size
    values[cells.series[inside], cells.slot[inside]] = cells.last[inside]
    at[cells.series[inside], cells.slot[inside]] = cells.slot[inside]
    newest = np.maximum.accumulate(at, axis=1)
    rows = np.arange(len(cells.labels))[:, None]
    return values[rows, np.maximum(newest, 0)], np.arange(grid.size)[None, :] - newest


@dataclass(frozen=True, slots=True)
class Scrape:
    """What Prometheus would have: samples every interval from `phase` slots on; `ends` has the slot in which a pod was gone."""

    grid: Grid
    times: Times
    phase: int
    ends: Mapping[str, int]

    def instant(self, metric: Metric, cells: Cells, ticks: Whole) -> Vector:
        """Return the newest sample of the lookback."""
        samples, times = self._samples(metric, cells), self._scrapes()
        newest = np.searchsorted(times, ticks, side="right") - 1
        back = np.maximum(newest, 0)[None, :]
        position = np.where(~np.isnan(samples), np.arange(len(times))[None, :], -1)
        last = np.take_along_axis(
            np.maximum.accumulate(position, axis=1), np.broadcast_to(back, (len(cells.labels), len(ticks))), axis=1
        )
        age = ticks[None, :] - times[np.maximum(last, 0)]
        present = (last >= 0) & (newest >= 0)[None, :] & (age < self.grid.slots(self.times.lookback))
        values = np.take_along_axis(samples, np.maximum(last, 0), axis=1)
        return Vector(list(cells.labels), np.where(present, values, 0.0), present)

    def over(self, how: str, metric: Metric, cells: Cells, ticks: Whole, window: float) -> Vector:
        """Return what Prometheus' function would of the samples in (t - w, t]."""
        samples, times = self._samples(metric, cells), self._scrapes()
        unit = self.grid.quantum / 1_000_000
        values, present = over_samples(how, (times * unit).astype(float), samples, (ticks * unit).astype(float), window)
        return Vector(list(cells.labels), values, present)

    def _scrapes(self) -> Whole:
        step = self.grid.slots(self.times.interval)
        return np.arange(self.phase % step, self.grid.size, step, dtype=np.int64)

    def _samples(self, metric: Metric, cells: Cells) -> Floats:
        """Return the value at each scrape as [series, scrapes], NaN where the series is not exported."""
        times = self._scrapes()
        if metric.kind == "exists":
            width = self.grid.slots(self.times.interval)
            here = windowed(cells, self.grid, width, cells.count)[:, times] > 0
            return np.where(here, 1.0, np.nan)
        if metric.kind == "gauge":
            values, age = _last_values(cells, self.grid)
            found = np.where(age[:, times] < self.grid.slots(self.times.lookback), values[:, times], np.nan)
        else:
            born = cumulative(cells, self.grid, cells.count)[:, times] > 0
            found = np.where(born, cumulative(cells, self.grid, cells.weight)[:, times], np.nan)
        gone = np.array([self.ends.get(dict(item).get("pod", ""), self.grid.size) for item in cells.labels]).reshape(
            -1, 1
        )
        return np.where(times[None, :] <= gone, found, np.nan)


def over_samples(how: str, times: Floats, samples: Floats, ticks: Floats, window: float) -> tuple[Floats, Presence]:
    """Return rate, increase, irate or count_over_time of samples in (t - w, t] as [series, ticks], and where there is a result.

    `times` and `ticks` are seconds, `samples` is [series, scrapes] with NaN for a scrape that has none.
    """
    values = np.zeros((samples.shape[0], len(ticks)))
    present = np.zeros(values.shape, dtype=bool)
    for row, line in enumerate(samples):
        there = ~np.isnan(line)
        values[row], present[row] = _series_over(how, times[there], line[there], ticks, window)
    return values, present


def _series_over(how: str, times: Floats, line: Floats, ticks: Floats, window: float) -> tuple[Floats, Presence]:
    if not len(times):
        return np.zeros(len(ticks)), np.zeros(len(ticks), dtype=bool)
    first = np.searchsorted(times, ticks - window, side="right")
    last = np.searchsorted(times, ticks, side="right") - 1
    if how == "count_over_time":
        return (last - first + 1).astype(float), last >= first
    enough = last > first
    low, high = np.minimum(first, len(times) - 1), np.maximum(last, 0)
    gains = np.diff(line, prepend=line[:1])
    gains = np.where(gains < 0, line, gains)  # a drop is a reset: it has counted from zero again
    if how == "irate":
        before = np.maximum(high - 1, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(enough, gains[high] / (times[high] - times[before]), 0.0), enough
    total = np.cumsum(gains)
    gained = total[high] - total[low]
    factor = _extrapolation(times, line, ticks, window, low, high, gained)
    stretched = np.where(enough, gained, 0.0) * np.where(enough, factor, 1.0)
    return stretched / (window if how == "rate" else 1.0), enough


def _extrapolation(
    times: Floats, line: Floats, ticks: Floats, window: float, low: Whole, high: Whole, gained: Floats
) -> Floats:
    """Return by how much the gain between the samples is to be stretched to the window (extrapolatedRate)."""
    sampled = times[high] - times[low]
    with np.errstate(invalid="ignore", divide="ignore"):
        average = sampled / (high - low)
        to_start, to_end = times[low] - (ticks - window), ticks - times[high]
        to_start = np.where(to_start >= average * 1.1, average / 2, to_start)
        to_zero = np.where((gained > 0) & (line[low] >= 0), sampled * (line[low] / gained), to_start)
        to_end = np.where(to_end >= average * 1.1, average / 2, to_end)
        return (sampled + np.minimum(to_start, to_zero) + to_end) / sampled
