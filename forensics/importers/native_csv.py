"""The project's own tables as CSV: a header line holds column names (docs/formats.md).

RFC 4180, UTF-8, comma or semicolon; lists and objects are JSON text in a field; an empty field is NULL. Lines before the header are rejected;
`_csv.py` says what becomes of records that are not well-formed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forensics.importers import _csv
from forensics.importers._csv import Layout, Record, clean, delimiter_of, layout
from forensics.importers._native import TIMELESS, table_of
from forensics.importers._values import epoch, integer, number, text, text_time, utc
from forensics.importers.contract import Head, Item, Reject, Row, Skip, in_bounds
from forensics.schema import NATIVE_TABLES
from forensics.schema import TABLES as SCHEMA

NAME = "native-csv"
TABLES = NATIVE_TABLES
OBSERVER = "native"
BY_LINE = True
_OWN = {"evidence_id", "record_no", "record_offset", "attributes"}
# What a header begins with: most lines of other formats are told apart by it, 64 KiB in 0.1 ms.
_FIRST = re.compile(r'[ "]*+[\w .-]++"?[,;]')
_NAMES = {name.encode() for table in NATIVE_TABLES for name in SCHEMA[table].types}


def recognise(head: Head) -> int:
    """Score below every product format: they are more specific."""
    return 60 if any(_dialect(line.encode()) for line in filter(_FIRST.match, head.every_line)) else 0


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What the header says: the table, the names of the fields, and how records look."""

    table: str
    names: list[str]
    layout: Layout


def _dialect(line: bytes) -> _Dialect | None:
    """Read a header line; None where it names no table's columns. Of two columns with one name the second is `name (2)`."""
    if sum(cell.strip(b' "\r\n') in _NAMES for cell in line.split(delimiter_of(line))) < 2:
        return None
    read = layout(line)
    names = _unique(read.cells)
    table = table_of(names)
    return _Dialect(table, names, read) if table else None


def _unique(names: list[str]) -> list[str]:
    """Give names that come again a number, so that no field hides another."""
    seen: dict[str, int] = {}
    for name in names:
        found = name
        while found in seen:
            seen[name] += 1
            found = f"{name} ({seen[name]})"
        seen[found] = 1
    return list(seen)


def records(data: bytes) -> Iterator[Item]:
    """Yield a row a record; `record_no` is the physical line where the record begins."""
    header = _csv.header(data, _dialect)
    if header is None:
        yield Reject(1, "no line names a table's columns", data, 0)
        return
    dialect, line = header
    for record in _csv.records(data, dialect.layout, line):
        raw = data[record.start : record.end]
        if record.trouble:
            yield Reject(record.number, record.trouble, raw, record.start)
        elif record.number == line:
            yield Skip(line, "header")
        elif not record.fields:
            yield Skip(record.number, "blank")
        else:
            yield _record(dialect, record, raw)


def spans(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield record number, first byte and byte behind the last of every record."""
    header = _csv.header(data, _dialect)
    found = _csv.records(data, header[0].layout, header[1]) if header else [Record(1, 0, len(data), [])]
    return ((record.number, record.start, record.end) for record in found)


def _record(dialect: _Dialect, record: Record, raw: bytes) -> Item:
    if len(record.fields) != len(dialect.names):
        return Reject(record.number, "wrong number of fields", raw, record.start)
    texts = (cell.decode("utf-8", "surrogateescape") for cell in record.fields)
    given, types = dict(zip(dialect.names, texts, strict=True)), SCHEMA[dialect.table].types
    values: dict[str, Any] = {"record_offset": record.start}
    known = {name: clean(field) for name, field in given.items() if name in types and name not in _OWN and field != ""}
    for name, field in known.items():
        values[name] = in_bounds(name, _value(types[name], field))
    if dialect.table not in TIMELESS and values.get("time") is None:
        return Reject(record.number, "time is missing or not a time", raw, record.start)
    extra: dict[str, Any] = {
        name: clean(field)
        for name, field in given.items()
        if (name not in types or name == "attributes") and field != ""
    }
    if invalid := {name: field for name, field in known.items() if values[name] is None}:
        extra["_invalid"] = invalid
    if any(clean(field) != field for field in given.values()):
        extra["_salvaged"] = True
    values.setdefault("observer", OBSERVER)
    values.setdefault("time_raw", known.get("time"))
    if extra:
        values["attributes"] = json.dumps(extra, sort_keys=True)
    return Row(dialect.table, record.number, values)


def _value(kind: str, field: str) -> Any:
    reader = _SCALARS.get(kind)
    try:
        return reader(field) if reader else _nested(kind, json.loads(field), field)
    except (ValueError, KeyError, RecursionError):
        return None


def _time(field: str) -> datetime | None:
    return utc(text_time(field)) or epoch(field)


_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_SCALARS: dict[str, Callable[[str], Any]] = {
    "VARCHAR": str,
    "INTEGER": lambda field: integer(field, 32),
    "BIGINT": integer,
    "DOUBLE": lambda field: number(float(field)),
    "BOOLEAN": lambda field: _BOOLEANS[field.lower()],
    "TIMESTAMP": _time,
}


def _nested(kind: str, value: Any, field: str) -> Any:
    """Return JSON as its text, a list where every entry has the column's shape, else None."""
    if kind == "JSON":
        return field
    shape = str if kind == "VARCHAR[]" else dict
    if not isinstance(value, list) or not all(isinstance(entry, shape) for entry in value):
        return None
    return value if shape is str else _structs(kind, value)


def _structs(kind: str, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries with the struct's own keys only, numbers where it has numbers."""
    keys = [part.split() for part in kind.removeprefix("STRUCT(").removesuffix(")[]").split(", ")]
    return [
        {key: number(entry.get(key)) if what == "DOUBLE" else text(entry.get(key)) for key, what in keys}
        for entry in value
    ]
