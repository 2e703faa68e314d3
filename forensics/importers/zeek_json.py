"""Zeek log as JSON lines.

Written with `LogAscii::use_json=T` or by the json-streaming-logs package (`_path` names the log); shippers rename `id.orig_h` to
`id_orig_h` and add `@stream`. Field reference: docs.zeek.org/en/master/logs/index.html.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from forensics.errors import FormatError, TruncatedError
from forensics.evidence import HashingReader
from forensics.importers import _zeek
from forensics.importers.contract import Head, LinePlan, json_fields, json_key_checks, other_keys
from forensics.store import literal, name

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
    known = [_path_of(item) in _zeek.LOGS for item in head.objects]
    zeek = sum(is_known or _is_stream(item) for item, is_known in zip(head.objects, known, strict=True))
    return round(96 * zeek / len(head.lines)) if any(known) and zeek * 2 > len(head.lines) else 0


def _is_stream(item: dict[str, object]) -> bool:
    return "ts" in item and any(isinstance(item.get(key), str) for key in _NAMES)


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


def plan(head: Head, path: Path) -> LinePlan:
    """One table for a file of one log; several where each record names its log."""
    keys = list(dict.fromkeys(key for item in head.objects for key in item))
    paths = [name for name, _ in Counter(_path_of(item) for item in head.objects).most_common() if name]
    stream = next((key for key in _NAMES if key in keys), "")
    paths = [*paths, *sorted(_streams(path, stream) - set(paths))] if stream else paths[:1]
    if not paths:
        raise FormatError(f"{path} holds no Zeek log that is known.", hint="Known: " + ", ".join(_zeek.LOGS))
    mapped = _structure(paths, keys)
    tables: dict[str, dict[str, str]] = {}
    conditions: dict[str, str] = {}
    for log in paths:
        table = _zeek.LOGS[log][0]
        if table in tables:
            continue
        same = [other for other in paths if _zeek.LOGS[other][0] == table]
        fill = partial(_field, keys)
        tables[table] = _merged({other: dict(_zeek.columns(other, fill, fill)) for other in same}, stream)
        if stream:
            conditions[table] = f"list_contains({literal(same)}, f.{name(stream)})"
    extra = other_keys(head, mapped)
    texts = _merged({log: _zeek.texts(log, partial(_field, keys)) for log in paths}, stream)
    checks = [(f"any_time({_field(keys, 'ts')}) is null", "ts is not a time")]
    if stream:
        checks.append(
            (
                f"f.{name(stream)} is null or not list_contains({literal(paths)}, f.{name(stream)})",
                "a Zeek log that is not mapped",
            )
        )
    return LinePlan(
        fields=json_fields({**mapped, **dict.fromkeys(extra, "JSON")}),
        tables=tables,
        conditions=conditions,
        raw=texts,
        checks=tuple(checks),
        attributes={key: f"f.{name(key)}" for key in extra},
        keys=json_key_checks(head, known=(*mapped, *extra)),
        time_rule="ts, seconds since 1970 or ISO 8601, UTC",
    )


def _streams(path: Path, key: str) -> set[str]:
    """Return the logs of the whole file: a stream may hold its first record of a log behind the head."""
    pattern = re.compile(rb'"%s"\s*:\s*"(\w{1,20})"' % re.escape(key).encode())
    found: set[str] = set()
    carry = b""
    with closing(HashingReader(path)) as reader, suppress(TruncatedError):
        while data := reader.read(1 << 22):
            found.update(name.decode() for name in pattern.findall(carry + data))
            carry = data[-64:]
    return found & _zeek.LOGS.keys()


def _structure(paths: list[str], keys: list[str]) -> dict[str, object]:
    """Every field we use, also those the head does not show: Zeek leaves out what is unset."""
    wanted = sorted({field for log in paths for field in _zeek.used_fields(log)})
    structure: dict[str, object] = {
        _key(keys, field): ["VARCHAR"] if field in _LISTS else "VARCHAR" for field in wanted
    }
    return structure | {key: "VARCHAR" for key in _NAMES if key in keys}


def _key(keys: list[str], field: str) -> str:
    flat = field.replace(".", "_")
    return flat if flat in keys and field not in keys else field


def _field(keys: list[str], field: str) -> str:
    return f"f.{name(_key(keys, field))}"


def _merged(parts: dict[str, dict[str, str]], stream: str) -> dict[str, str]:
    if len(parts) < 2:
        return next(iter(parts.values()), {})
    names = sorted({column for columns in parts.values() for column in columns})
    return {
        column: "case f."
        + name(stream)
        + " "
        + " ".join(f"when {literal(path)} then {columns.get(column, 'null')}" for path, columns in parts.items())
        + " end"
        for column in names
    }
