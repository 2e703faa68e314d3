"""The project's own tables as JSON lines: the keys are column names (docs/formats.md).

Whoever can run SQL can export this; the table is the one that knows the keys.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from forensics.errors import FormatError
from forensics.importers._native import TIMELESS, table_of
from forensics.importers.contract import Head, LinePlan, json_plan
from forensics.schema import NATIVE_TABLES
from forensics.schema import TABLES as SCHEMA

NAME = "native-ndjson"
TABLES = NATIVE_TABLES
OBSERVER = "native"
_OWN = {"evidence_id", "record_no", "record_offset", "attributes"}


def recognise(head: Head) -> int:
    """Score below every product format: they are more specific."""
    return 60 if len(head.objects) * 2 > len(head.lines) and table_of(_keys(head)) else 0


def _keys(head: Head) -> list[str]:
    """Return the keys of at least a tenth of the records: a few odd records do not make it another table."""
    counts = Counter(key for item in head.objects for key in item)
    return [key for key, count in counts.items() if count * 10 >= len(head.objects)]


def plan(head: Head, path: Path) -> LinePlan:
    """Return a plan in which each key is its own column; keys that are no column go to attributes."""
    keys = _keys(head)
    table = table_of(keys)
    if table is None:
        raise FormatError(
            f"{path} has no set of columns of one table.", hint="docs/formats.md lists the columns of each table."
        )
    types = {name: kind for name, kind in SCHEMA[table].types.items() if name not in _OWN}
    mapped = {key: _json_type(types[key]) for key in types}
    columns = {key: _expression(key, types[key]) for key in types}
    columns["observer"] = f"coalesce(f.observer, '{OBSERVER}')"
    columns["time_raw"] = "coalesce(f.time_raw, f.time)"
    checks = () if table in TIMELESS else (("any_time(f.time) is null", "time is missing or not a time"),)
    raw = {key: f"f.{key}::varchar" for key, kind in types.items() if _json_type(kind) == "JSON" or kind == "TIMESTAMP"}
    return json_plan(mapped, head, table, columns, checks=checks, raw=raw)


def _json_type(kind: str) -> str:
    return "VARCHAR" if kind in ("VARCHAR", "TIMESTAMP", "INTEGER", "BIGINT", "DOUBLE", "BOOLEAN") else "JSON"


def _expression(key: str, kind: str) -> str:
    return f"any_time(f.{key})" if kind == "TIMESTAMP" else f"f.{key}"
