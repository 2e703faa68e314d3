"""This project's own tables as CSV: the header line holds column names (docs/formats.md).

RFC 4180, UTF-8, comma or semicolon; lists and objects are JSON text in a field; an empty field is NULL.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from forensics.importers._native import TIMELESS, table_of
from forensics.importers._values import integer, text_time, utc
from forensics.importers.contract import Head, Item, Reject, Row, Skip
from forensics.schema import NATIVE_TABLES
from forensics.schema import TABLES as SCHEMA

NAME = "native-csv"
TABLES = NATIVE_TABLES
OBSERVER = "native"
_OWN = {"evidence_id", "record_no", "record_offset"}


def recognise(head: Head) -> int:
    """Score below every product format: they are more specific."""
    return 60 if head.lines and table_of(_header(head.lines[0])) else 0


def _header(line: str) -> list[str]:
    delimiter = ";" if line.count(";") > line.count(",") else ","
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]


def records(data: bytes) -> Iterator[Item]:
    """Yield a row a record; `record_no` is the physical line where the record begins."""
    content = data.decode("utf-8-sig", "backslashreplace")
    first = content.partition("\n")[0]
    names, table = _header(first.rstrip("\r")), table_of(_header(first.rstrip("\r")))
    if table is None:
        yield Reject(1, "the header names no table's columns", data)
        return
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    before = 0
    csv.field_size_limit(32 * 1024 * 1024)
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            yield Reject(before + 1, f"not CSV: {error}", b"")
            before = reader.line_num
            continue
        if fields is None:
            return
        number, before = before + 1, reader.line_num
        if number == 1:
            yield Skip(1, "header")
        elif not fields:
            yield Skip(number, "blank")
        else:
            yield _record(table, number, names, fields)


def _record(table: str, number: int, names: list[str], fields: list[str]) -> Item:
    raw = ",".join(fields).encode()
    if len(fields) != len(names):
        return Reject(number, "wrong number of fields", raw)
    given = dict(zip(names, fields, strict=True))
    types, values, invalid = SCHEMA[table].types, {}, {}
    for name, field in given.items():
        if name in types and name not in _OWN and field != "":
            values[name] = _value(types[name], field)
            if values[name] is None:
                invalid[name] = field
    if table not in TIMELESS and values.get("time") is None:
        return Reject(number, "time is missing or not a time", raw)
    extra: dict[str, Any] = {name: field for name, field in given.items() if name not in types and field != ""}
    if invalid:
        extra["_invalid"] = invalid
    values.setdefault("observer", OBSERVER)
    values.setdefault("time_raw", given.get("time"))
    if extra:
        values["attributes"] = json.dumps(extra, sort_keys=True)
    return Row(table, number, values)


def _value(kind: str, field: str) -> Any:
    if kind in ("VARCHAR", "JSON"):
        return field
    if kind in ("INTEGER", "BIGINT"):
        return integer(field)
    if kind == "TIMESTAMP":
        return utc(text_time(field)) or _epoch(field)
    try:
        if kind == "DOUBLE":
            return float(field)
        if kind == "BOOLEAN":
            return {"true": True, "false": False, "1": True, "0": False}[field.lower()]
        return json.loads(field)
    except (ValueError, KeyError, RecursionError):
        return None


def _epoch(field: str) -> datetime | None:
    try:
        return utc(text_time(datetime.fromtimestamp(float(field), UTC).isoformat()))
    except (ValueError, OverflowError, OSError):
        return None
