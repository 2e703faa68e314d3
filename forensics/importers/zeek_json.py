"""Zeek log as JSON lines.

Written with `LogAscii::use_json=T` or by the json-streaming-logs package (`_path` names the log); shippers rename `id.orig_h` to
`id_orig_h` and add `@stream`. Field reference: docs.zeek.org/en/master/logs/index.html.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from forensics.importers import _zeek
from forensics.importers.contract import Head, LinePlan
from forensics.store import literal

NAME = "zeek-json"
TABLES = ("connections", "dns_queries", "http_requests", "runtime_alerts")
OBSERVER = _zeek.OBSERVER

# Keys that, with `ts`, are in every record of a log and in no other's.
_MARKS = {
    "conn": {"conn_state", "proto", "uid"},
    "dns": {"qclass_name", "trans_id", "uid"},
    "http": {"trans_depth", "uid"},
    "ssl": {"established", "uid"},
    "weird": {"notice", "peer", "name"},
}
_DNS_BARE = {"trans_id", "proto", "uid"}
_NAMES = ("_path", "@stream")
_LISTS = {"answers", "TTLs"}


def recognise(head: Head) -> int:
    """Score by the share of sampled lines that are of a log we know."""
    if not head.lines:
        return 0
    known = sum(_path_of(item) in _zeek.LOGS for item in head.objects)
    return round(96 * known / len(head.lines)) if known * 2 > len(head.lines) else 0


def _path_of(item: dict[str, object]) -> str:
    if "ts" not in item:
        return ""
    named = next((item[key] for key in _NAMES if key in item), None)
    if isinstance(named, str) and named in _zeek.LOGS and ("uid" in item or named == "weird"):
        return named
    for path, keys in _MARKS.items():
        if keys <= item.keys():
            return path
    return "dns" if item.keys() >= _DNS_BARE and "conn_state" not in item else ""


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes the path for formats that scan ahead
    """One table for a file of one log; several where each record names its log."""
    keys = list(dict.fromkeys(key for item in head.objects for key in item))
    paths = [name for name, _ in Counter(_path_of(item) for item in head.objects).most_common() if name]
    stream = next((key for key in _NAMES if key in keys), "")
    if not stream:
        paths = paths[:1]
    mapped = _structure(paths, keys)
    tables: dict[str, dict[str, str]] = {}
    conditions: dict[str, str] = {}
    for name in paths:
        table = _zeek.LOGS[name][0]
        if table in tables:
            continue
        same = [other for other in paths if _zeek.LOGS[other][0] == table]
        parts = {other: dict(_zeek.columns(other, lambda field: _scalar(field, keys), lambda field: _many(field, keys))) for other in same}
        tables[table] = _merged(parts, stream)
        if stream:
            conditions[table] = f"f.{_quoted(stream)} in ({', '.join(literal(other) for other in same)})"
    extra = [key for key in keys if key not in mapped]
    structure = json.dumps({**mapped, **dict.fromkeys(extra, "JSON")})
    checks = [(f"any_time({_scalar('ts', keys)}) is null", "ts is not a time")]
    if stream:
        known = ", ".join(literal(name) for name in paths)
        checks.append((f"f.{_quoted(stream)} is null or f.{_quoted(stream)} not in ({known})", "a Zeek log that is not mapped"))
    return LinePlan(
        fields=f"try(from_json(line, {literal(structure)}))",
        tables=tables,
        conditions=conditions,
        checks=tuple(checks),
        attributes={key: f"f.{_quoted(key)}" for key in extra},
        time_rule="ts, seconds since 1970 or ISO 8601, UTC",
    )


def _structure(paths: list[str], keys: list[str]) -> dict[str, object]:
    wanted = {field for name in paths for field in _zeek.used_fields(name)}
    structure: dict[str, object] = {key: ["VARCHAR"] if key in _LISTS else "VARCHAR" for key in keys if key.replace("id_", "id.", 1) in wanted or key in wanted}
    return structure | {key: "VARCHAR" for key in _NAMES if key in keys}


def _key(field: str, keys: list[str]) -> str:
    flat = field.replace(".", "_")
    return field if field in keys else flat if flat in keys else ""


def _scalar(field: str, keys: list[str]) -> str:
    key = _key(field, keys)
    return f"f.{_quoted(key)}" if key else "null::varchar"


def _many(field: str, keys: list[str]) -> str:
    key = _key(field, keys)
    return f"f.{_quoted(key)}" if key else "null::varchar[]"


def _merged(parts: dict[str, dict[str, str]], stream: str) -> dict[str, str]:
    if len(parts) == 1:
        return next(iter(parts.values()))
    names = sorted({column for columns in parts.values() for column in columns})
    return {
        column: "case f." + _quoted(stream) + " " + " ".join(f"when {literal(path)} then {columns.get(column, 'null')}" for path, columns in parts.items()) + " end"
        for column in names
    }


def _quoted(key: str) -> str:
    return '"' + key.replace('"', '""') + '"'
