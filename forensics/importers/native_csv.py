r"""The project's own tables as CSV: a header line holds column names (docs/formats.md).

RFC 4180, UTF-8, comma or semicolon; lists and objects are JSON text in a field; an empty field is NULL. Lines before the header are rejected.

A record begins at a line and may go on over others inside of quotes (RFC 4180, 2.6). Whoever forgets one quote would swallow what follows;
therefore a record of several lines has 1 MiB at most. One that does not close by then, or is not well-formed, is a reject of its first line,
and reading goes on at the next. Beyond the RFC, quotes inside a field that does not begin with one are text, where the line alone is a record.

Each line is looked at twice at most: where a record begins, and as the rest of another. Where it is the rest and goes on it has an even number
of quotes; where such a line begins a record it ends in itself.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forensics.importers._native import TIMELESS, table_of
from forensics.importers._values import epoch, integer, number, text, text_time, utc
from forensics.importers.contract import Head, Item, Reject, Row, Skip
from forensics.lines import MAX_LINE_BYTES
from forensics.schema import NATIVE_TABLES
from forensics.schema import TABLES as SCHEMA

NAME = "native-csv"
TABLES = NATIVE_TABLES
OBSERVER = "native"
BY_LINE = True
MAX_RECORD_BYTES = 1 << 20  # of a record of several lines
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
    delimiter: bytes
    record: re.Pattern[bytes]
    alone: re.Pattern[bytes]
    field: re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class _Record:
    """A record: the line where it begins, its place, and its fields or why there are none."""

    number: int
    start: int
    end: int
    fields: list[bytes]
    trouble: str = ""


def _dialect(line: bytes) -> _Dialect | None:
    """Read a header line; None where it names no table's columns. Of two columns with one name the second is `name (2)`."""
    delimiter = b";" if line.count(b";") > line.count(b",") else b","
    if sum(cell.strip(b' "\r\n') in _NAMES for cell in line.split(delimiter)) < 2:
        return None
    record, alone = _pattern(delimiter, strict=True), _pattern(delimiter, strict=False)
    field = re.compile(rb'(?:"((?:[^"]++|"")*+)"|([^%b]*+))%b' % (delimiter, delimiter))
    names = _unique([cell.decode("utf-8", "backslashreplace").strip() for cell in _fields(line, delimiter, field)])
    table = table_of(names)
    return _Dialect(table, names, delimiter, record, alone, field) if table else None


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


def _pattern(delimiter: bytes, *, strict: bool) -> re.Pattern[bytes]:
    """Return what a record is, possessive so that nothing is tried twice; a record that is not strict is one line."""
    plain = rb'[^"%b\r\n]*+' % delimiter
    if strict:
        field = rb'(?:"(?:[^"]++|"")*+"|%b)' % plain
    else:
        field = rb'(?:"(?:[^"\n]++|"")*+"|(?:[^"%b\r\n][^%b\r\n]*+)?+)' % (delimiter, delimiter)
    return re.compile(rb"%b(?:%b%b)*+\r?\n?" % (field, delimiter, field))


def records(data: bytes) -> Iterator[Item]:
    """Yield a row a record; `record_no` is the physical line where the record begins."""
    header = _header(data)
    if header is None:
        yield Reject(1, "no line names a table's columns", data, 0)
        return
    dialect, line = header
    for record in _records(data, dialect, line):
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
    header = _header(data)
    found = _records(data, *header) if header else [_Record(1, 0, len(data), [])]
    return ((record.number, record.start, record.end) for record in found)


def _header(data: bytes) -> tuple[_Dialect, int] | None:
    """Find the header line and its number."""
    number, start = 1, 0
    while start < len(data):
        end = _line_end(data, start)
        line = data[start:end] if start else data[:end].removeprefix(codecs.BOM_UTF8)
        if dialect := _dialect(line):
            return dialect, number
        number, start = number + 1, end
    return None


def _line_end(data: bytes, start: int) -> int:
    return data.find(b"\n", start) + 1 or len(data)


def _records(data: bytes, dialect: _Dialect, header: int) -> Iterator[_Record]:
    number, start = 1, 0
    while start < len(data):
        if number <= header:
            record = _Record(number, start, _line_end(data, start), [], "" if number == header else "before the header")
        else:
            record = _next(data, number, start, dialect)
        yield record
        number, start = number + data.count(b"\n", start, record.end), record.end


def _next(data: bytes, number: int, start: int, dialect: _Dialect) -> _Record:
    """Read the record that begins at `start`."""
    line_end = _line_end(data, start)
    if line_end - start > MAX_LINE_BYTES:
        return _Record(number, start, line_end, [], "longer than 32 MiB")
    if not data[start:line_end].strip(b" \t\r\n"):
        return _Record(number, start, line_end, [])
    for pattern, limit in ((dialect.record, max(line_end, start + MAX_RECORD_BYTES)), (dialect.alone, line_end)):
        match = pattern.match(data, start, limit)
        end = match.end() if match else start
        if end == len(data) or data[max(end - 1, start)] == 10:  # it ends where a line does
            return _Record(number, start, end, _fields(data[start:end], dialect.delimiter, dialect.field))
    quotes = data.count(b'"', start, line_end)
    why = "a quote that does not close" if quotes % 2 else "text around a quote, or a carriage return"
    return _Record(number, start, line_end, [], f"not CSV: {why} (RFC 4180)")


def _fields(record: bytes, delimiter: bytes, field: re.Pattern[bytes]) -> list[bytes]:
    body = record.removesuffix(b"\n").removesuffix(b"\r")
    if b'"' not in body:
        return body.split(delimiter)
    found = (match.group(1, 2) for match in field.finditer(body + delimiter))
    return [plain if quoted is None else quoted.replace(b'""', b'"') for quoted, plain in found]


def _record(dialect: _Dialect, record: _Record, raw: bytes) -> Item:
    if len(record.fields) != len(dialect.names):
        return Reject(record.number, "wrong number of fields", raw, record.start)
    texts = (cell.decode("utf-8", "surrogateescape") for cell in record.fields)
    given, types = dict(zip(dialect.names, texts, strict=True)), SCHEMA[dialect.table].types
    values: dict[str, Any] = {"record_offset": record.start}
    known = {name: _clean(field) for name, field in given.items() if name in types and name not in _OWN and field != ""}
    for name, field in known.items():
        values[name] = _value(types[name], field)
    if dialect.table not in TIMELESS and values.get("time") is None:
        return Reject(record.number, "time is missing or not a time", raw, record.start)
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
    return Row(dialect.table, record.number, values)


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
