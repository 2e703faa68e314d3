"""The project's own tables as CSV: the header line holds column names (docs/formats.md).

RFC 4180, UTF-8, comma or semicolon; lists and objects are JSON text in a field; an empty field is NULL.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from forensics.importers._native import TIMELESS, table_of
from forensics.importers._values import integer, number, text, text_time, utc
from forensics.importers.contract import Head, Item, Reject, Row, Skip
from forensics.schema import NATIVE_TABLES
from forensics.schema import TABLES as SCHEMA

NAME = "native-csv"
TABLES = NATIVE_TABLES
OBSERVER = "native"
_OWN = {"evidence_id", "record_no", "record_offset", "attributes"}


def recognise(head: Head) -> int:
    """Score below every product format: they are more specific."""
    return 60 if head.lines and table_of(_header(head.lines[0])) else 0


def _header(line: str) -> list[str]:
    delimiter = ";" if line.count(";") > line.count(",") else ","
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def records(data: bytes) -> Iterator[Item]:
    """Yield a row a record; `record_no` is the physical line where the record begins."""
    source = _Lines(data)
    names, table = _header(source.first), table_of(_header(source.first))
    if table is None:
        yield Reject(1, "the header names no table's columns", data)
        return
    csv.field_size_limit(32 * 1024 * 1024)
    reader = csv.reader(source, delimiter=";" if source.first.count(";") > source.first.count(",") else ",")
    while True:
        line = source.begin()
        try:
            fields = next(reader, None)
        except csv.Error as error:
            yield Reject(line, f"not CSV: {error}", source.raw())
            continue
        if fields is None:
            return
        if line == 1:
            yield Skip(1, "header")
        elif not fields:
            yield Skip(line, "blank")
        else:
            yield _record(
                table, line, dict(zip(names, fields, strict=False)), source.raw(), fits=len(names) == len(fields)
            )


class _Lines:
    """The physical lines, with those of the present record; bytes that are not UTF-8 pass as surrogates and come back as they were."""

    def __init__(self, data: bytes) -> None:
        self._lines = io.StringIO(data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape"), newline="\n")
        self._record: list[str] = []
        self._count = 0
        self.first = self._lines.readline().rstrip("\r\n")
        self._lines.seek(0)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._record.append(line)
        self._count += 1
        return line

    def begin(self) -> int:
        """Begin a record; return its number."""
        self._record = []
        return self._count + 1

    def raw(self) -> bytes:
        """Return the present record as it stands in the file."""
        return "".join(self._record).encode("utf-8", "surrogateescape")


def _record(table: str, line: int, given: dict[str, str], raw: bytes, *, fits: bool) -> Item:
    if not fits:
        return Reject(line, "wrong number of fields", raw)
    types, values = SCHEMA[table].types, {}
    known = {name: _clean(field) for name, field in given.items() if name in types and name not in _OWN and field != ""}
    for name, field in known.items():
        values[name] = _value(types[name], field)
    if table not in TIMELESS and values.get("time") is None:
        return Reject(line, "time is missing or not a time", raw)
    extra: dict[str, Any] = {
        name: _clean(field)
        for name, field in given.items()
        if (name not in types or name == "attributes") and field != ""
    }
    if invalid := {name: field for name, field in known.items() if values[name] is None}:
        extra["_invalid"] = invalid
    if any(_clean(field) != field for field in given.values()):
        extra["_salvaged"] = True
    values.setdefault("observer", OBSERVER)
    values.setdefault("time_raw", known.get("time"))
    if extra:
        values["attributes"] = json.dumps(extra, sort_keys=True)
    return Row(table, line, values)


def _clean(field: str) -> str:
    """Return the text with bytes that are not UTF-8 as visible escapes."""
    return field.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _value(kind: str, field: str) -> Any:
    reader = _SCALARS.get(kind)
    try:
        return reader(field) if reader else _nested(kind, json.loads(field), field)
    except (ValueError, KeyError, RecursionError):
        return None


def _time(field: str) -> datetime | None:
    return utc(text_time(field)) or _epoch(field)


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


def _epoch(field: str) -> datetime | None:
    try:
        return utc(text_time(datetime.fromtimestamp(float(field), UTC).isoformat()))
    except (ValueError, OverflowError, OSError):
        return None
