"""Metrics as CSV: a row a sample (`time,metric,value,...labels`) or a column a series (`Time,{pod="a"},...`).

Written by Grafana's "Download CSV" (grafana.com/docs/grafana/latest/panels-visualizations/panel-inspector), by the scripts that follow
robustperception.io/prometheus-query-results-as-csv, and by hand. The header is among the first five lines; `sep=,` may come before it. Times
are ISO 8601 (without zone: UTC) or seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size. An empty cell of
a series is no sample. A series is a name, PromQL such as `up{pod="a"}`, or whatever Grafana's legend says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forensics.importers import _csv
from forensics.importers._csv import Layout, Record, clean, delimiter_of, layout
from forensics.importers._native import table_of
from forensics.importers._series import sample, series
from forensics.importers._values import epoch, text_time, utc
from forensics.importers.contract import Head, Item, Reject, Row, Skip

NAME = "metrics-csv"
TABLES = ("metrics",)
OBSERVER = "metrics"
BY_LINE = True
TIME_RULE = "the time column, ISO 8601 (without zone read as UTC) or time since 1970"

_TIMES = ("time", "timestamp", "date", "datetime", "ts")
_TIME_CELLS = {name.encode() for name in _TIMES}
_TITLES = ("metric", "name", "__name__", "metric_name", "series")
_VALUES = ("value", "metric_value")
_UNITS = ("unit", "metric_unit")
_MAX_HEADER_BYTES = 1 << 20
_LABEL = re.compile(r'\s*+([a-zA-Z_][\w.]*+)\s*+=\s*+"((?:[^"\\]|\\.)*+)"\s*+(,|$)', re.ASCII)
_PROMQL = re.compile(r"([a-zA-Z_:][\w:]*+)?+\{(.*)\}", re.ASCII | re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What the header says: which cell holds the time, and either those of name, value and unit or the series of every other."""

    layout: Layout
    time: int
    title: int = -1
    value: int = -1
    unit: int = -1
    columns: tuple[tuple[int, Mapping[str, Any]], ...] = ()


def recognise(head: Head) -> int:
    """Score below formats that say their name; the first record must have a time, and a number where a sample is expected."""
    lines = head.lines[:6]
    for number, line in enumerate(lines[:5]):
        dialect = _dialect(line.encode("utf-8", "surrogatepass"))
        if dialect:
            return _score(dialect, lines[number + 1 :])
    return 0


def _score(dialect: _Dialect, following: list[str]) -> int:
    is_named = dialect.value >= 0 or any("{" in cell for cell in dialect.layout.cells)
    if not following:
        return 50 if is_named else 0
    data = following[0].encode("utf-8", "surrogatepass")
    record = next(_csv.records(data, dialect.layout, 0))
    items = list(_record(dialect, record, data))
    fits = all(isinstance(item, Row) and item.values["metric_value"] is not None for item in items)
    return (55 if is_named else 45) if fits or (is_named and isinstance(items[0], Row | Skip)) else 0


def _dialect(line: bytes) -> _Dialect | None:
    """Read a header line; None where it names no time and no values, or is one of the project's own tables."""
    if len(line) > _MAX_HEADER_BYTES:
        return None
    if not any(cell.strip(b' "\r\n').lower() in _TIME_CELLS for cell in line.split(delimiter_of(line))):
        return None
    read = layout(line)
    names = [cell.lower() for cell in read.cells]
    time, title, value = (_place(names, known) for known in (_TIMES, _TITLES, _VALUES))
    if len(names) < 2 or time < 0 or table_of(read.cells):
        return None
    if title >= 0 and value >= 0:
        return _Dialect(read, time, title, value, _place(names, _UNITS))
    if time > 0 or not (names[0] == "time" or any(_PROMQL.fullmatch(cell) for cell in read.cells)):
        return None
    return _Dialect(
        read, 0, columns=tuple((place, series(_named(cell))) for place, cell in enumerate(read.cells) if place)
    )


def _place(names: list[str], known: tuple[str, ...]) -> int:
    return next((place for place, name in enumerate(names) if name in known), -1)


def _named(cell: str) -> dict[str, str]:
    """Return the labels of `name{label="value"}` with the name as `__name__`; what is none of it is a name."""
    match = _PROMQL.fullmatch(cell)
    labels = _labels(match[2]) if match else None
    if match is None or labels is None:
        return {"__name__": cell}
    return {**labels, "__name__": match[1]} if match[1] else labels


def _labels(inside: str) -> dict[str, str] | None:
    labels, place = {}, 0
    while place < len(inside):
        match = _LABEL.match(inside, place)
        if match is None:
            return None
        labels[match[1]] = _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], match[2])
        place = match.end()
    return labels


def records(data: bytes) -> Iterator[Item]:
    """Yield the samples of every record; `record_no` is the physical line where it begins."""
    header = _csv.header(data, _dialect)
    if header is None:
        yield Reject(1, "no line names a time and values", data, 0)
        return
    dialect, line = header
    for record in _csv.records(data, dialect.layout, line):
        raw = data[record.start : record.end]
        if record.number < line and raw.startswith(b"sep="):
            yield Skip(record.number, "separator")
        elif record.trouble:
            yield Reject(record.number, record.trouble, raw, record.start)
        elif record.number == line or not record.fields:
            yield Skip(record.number, "header" if record.number == line else "blank")
        else:
            yield from _record(dialect, record, raw)


def spans(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield record number, first byte and byte behind the last of every record."""
    header = _csv.header(data, _dialect)
    found = _csv.records(data, header[0].layout, header[1]) if header else [Record(1, 0, len(data), [])]
    return ((record.number, record.start, record.end) for record in found)


def _record(dialect: _Dialect, record: Record, raw: bytes) -> Iterator[Item]:
    texts = [cell.decode("utf-8", "surrogateescape").strip() for cell in record.fields]
    fields = [clean(cell) for cell in texts]
    moment = _time(fields[dialect.time]) if len(fields) == len(dialect.layout.cells) else None
    if len(fields) != len(dialect.layout.cells):
        yield Reject(record.number, record.trouble or "wrong number of fields", raw, record.start)
    elif moment is None:
        yield Reject(record.number, "time is missing or not a time", raw, record.start)
    elif not (samples := list(_samples(dialect, fields))):
        yield Skip(record.number, "no sample")
    else:
        extra = {"_salvaged": True} if fields != texts else None
        common = {"observer": OBSERVER, "time": moment, "time_raw": fields[dialect.time], "record_offset": record.start}
        for shared, value in samples:
            yield Row("metrics", record.number, {**common, **shared, **sample(value, extra)})


def _samples(dialect: _Dialect, fields: list[str]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield series and value of the samples of a record."""
    if dialect.value < 0:
        yield from ((shared, fields[place]) for place, shared in dialect.columns if fields[place])
        return
    special = {dialect.time, dialect.title, dialect.value, dialect.unit}
    cells = enumerate(zip(dialect.layout.cells, fields, strict=True))
    labels = {name: field for place, (name, field) in cells if place not in special and field}
    unit = {"metric_unit": fields[dialect.unit]} if dialect.unit >= 0 and fields[dialect.unit] else {}
    yield {**series({**labels, **_named(fields[dialect.title])}), **unit}, fields[dialect.value]


def _time(field: str) -> datetime | None:
    """Return the time of ISO 8601 text, or of a number since 1970 by its size: from 1e11 on milliseconds, 1e14 micro-, 1e17 nanoseconds."""
    moment = utc(text_time(field))
    if moment or not re.fullmatch(r"[0-9]{1,25}(\.[0-9]{0,25})?", field, re.ASCII):
        return moment
    digits = len(field.partition(".")[0])
    return epoch(field, 1.0 if digits < 12 else 1e-3 if digits < 15 else 1e-6 if digits < 18 else 1e-9)
