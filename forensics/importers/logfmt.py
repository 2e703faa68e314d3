r"""Application log in logfmt, `key=value` pairs, as Go kit, logrus, slog, Prometheus, Grafana and Loki write it.

Defined by example: brandur.org/logfmt, pkg.go.dev/github.com/go-logfmt/logfmt, pkg.go.dev/log/slog#TextHandler. Values with blanks stand in
quotes, in which Go's escapes hold. The first name that a record has gives the column; other keys that the head shows stay in `attributes`,
keys that it does not show are named there. What is no pair is kept as `_rest`. A record needs a time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from forensics.importers.contract import MAX_KEYS, Head, LinePlan
from forensics.store import literal

NAME = "logfmt"
TABLES = ("app_logs",)
OBSERVER = "app"
GENERAL = True

_NAMES = {
    "time_raw": ("ts", "time", "t", "timestamp", "@timestamp"),
    "log_level": ("level", "lvl", "severity"),
    "logger_name": ("logger", "component", "module"),
    "message": ("msg", "message", "event"),
    "exception_type": ("error.type", "exception.type", "error_type", "exception_type"),
    "exception_message": ("err", "error", "error.message", "exception.message", "exception_message"),
    "exception_stacktrace": ("stack", "stacktrace", "stack_trace", "exception", "errorVerbose"),
    "trace_id": ("trace_id", "traceID", "traceId", "traceid", "trace.id", "dd.trace_id"),
    "service_name": ("service", "service_name", "service.name", "app"),
    "service_version": ("service_version", "service.version", "version"),
    "k8s_pod_name": ("pod", "pod_name", "k8s_pod_name", "k8s.pod.name"),
    "k8s_namespace_name": ("namespace", "k8s_namespace_name", "k8s.namespace.name"),
}
_CUT = (
    "{'keys': list_transform(f, lambda x: split_part(x, '=', 1)), 'values': list_transform(f, lambda x: substr(x, instr(x, '=') + 1)), "
    "'length': list_sum(list_transform(f, lambda x: strlen(x)))}"
)
# Their columns take every name anywhere in a file; those of other columns are the names that the head shows, else the first.
_EVERY = ("time_raw", "log_level", "message", "exception_message", "exception_stacktrace")
_MAX_SHAPES = 16
_PAIR = r'[^\s="]+=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)'
_KEY = _PAIR.replace("+=", "+)=", 1).replace("[", "([", 1)
# For lines of the head: Python tries a pattern at every place, so that it may begin behind a blank only, in so much of a line.
_HEAD_KEY = re.compile(r"(?<!\S)" + _KEY)
_WIDTH = 16 * 1024
_STAMP = re.compile(
    r'(?:^|\s)(?:ts|time|t|timestamp|@timestamp)=(?:"?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\d{9,10}(?:\.\d+)?(?:\s|$))'
)
_WORD = re.compile(r"(?:^|\s)(?:level|lvl|msg|caller|logger|severity)=")
_FIRST = re.compile(r"\s*[A-Za-z_@][\w.@-]*=")
_PAIRS = f"regexp_extract_all(line, {literal(_PAIR)})"


def recognise(head: Head) -> int:
    """Score below the formats that have keys of their own, by the share of lines with a time, and a level, message or logger."""
    if not head.lines:
        return 0
    share = sum(_is_record(line) for line in head.lines) / len(head.lines)
    return round(33 + 20 * share) if share >= 0.3 else 0


def _is_record(line: str) -> bool:
    return bool(_FIRST.match(line) and _STAMP.search(line) and _WORD.search(line))


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes the path for formats that scan ahead
    """Cut a line into its pairs once; each column is the value of the first of its names."""
    seen = _keys(head)
    names = {column: _asked(column, seen) for column in _NAMES}
    texts = {column: f"coalesce({', '.join(map(_value, keys))})" for column, keys in names.items()}
    own = {key for keys in names.values() for key in keys}
    stack = texts["exception_stacktrace"]
    columns = texts | {
        "observer": literal(OBSERVER),
        "time": "f.time",
        "time_raw": "f.stamp",
        "exception_type": f"coalesce({texts['exception_type']}, stack_exception({stack}).type)",
        "exception_message": f"coalesce({texts['exception_message']}, stack_exception({stack}).message)",
    }
    return LinePlan(
        fields=_PAIRS,
        stages=(
            _CUT,
            f"{{'keys': f.keys, 'values': f.values, 'length': f.length, 'stamp': {texts['time_raw']}}}",
            "{'keys': f.keys, 'values': f.values, 'length': f.length, 'stamp': f.stamp, 'time': log_time(f.stamp)}",
        ),
        tables={"app_logs": columns},
        checks=(("f.stamp is null", "no time"), ("f.time is null", "the time cannot be read")),
        missing="coalesce(len(f.keys), 0) = 0",
        invalid_format="no key=value pairs",
        attributes={key: _value(key) for key in seen if key not in own} | _second(seen, texts) | {"_rest": _REST},
        field_keys=_key_checks(head, sorted({*seen, *own})),
        is_json=False,
        time_rule="ISO 8601 with zone, without zone read as UTC; numbers are seconds to nanoseconds since 1970, by size",
    )


def _key_lists(head: Head) -> list[list[str]]:
    return [_HEAD_KEY.findall(line[:_WIDTH]) for line in head.lines if _is_record(line)]


def _keys(head: Head) -> list[str]:
    """Return the keys of the records of the head in the order in which they come; of too many the most common."""
    counts = Counter(key for keys in _key_lists(head) for key in keys)
    kept = {key for key, _ in counts.most_common(MAX_KEYS)}
    return [key for key in counts if key in kept]


def _asked(column: str, seen: list[str]) -> list[str]:
    """Return the names of a column that are looked for, those of the head first: where they are, the others cost nothing."""
    names = [key for key in _NAMES[column] if key in seen]
    others = [key for key in _NAMES[column] if key not in names]
    return [*names, *others] if column in _EVERY else names or others[:1]


def _value(key: str) -> str:
    """Return the SQL of the text of a key's first value."""
    return f"logfmt_text(f.values[list_position(f.keys, {literal(key)})])"


def _second(seen: list[str], texts: dict[str, str]) -> dict[str, str]:
    """Keep values that stood behind another of their column."""
    later = {key: column for column, names in _NAMES.items() for key in [name for name in names if name in seen][1:]}
    return {
        key: f"case when {_value(key)} is distinct from {texts[column]} then {_value(key)} end"
        for key, column in later.items()
    }


# What stands between the pairs, where it is more than one blank each.
_REST = (
    "case when strlen(trim(line, ' ' || chr(10) || chr(13))) > f.length + len(f.keys) - 1 "
    f"then nullif(trim(regexp_replace(line, {literal(_PAIR)}, '', 'g'), ' ' || chr(9) || chr(10) || chr(13)), '') end"
)


def _key_checks(head: Head, known: Sequence[str]) -> str:
    """Return a SQL expression as `json_key_checks` does: keys that a line has twice, and keys that no column and no attribute has.

    Lines with one of the key lists of the head are not looked at closely.
    """
    lists = Counter(literal(keys) for keys in _key_lists(head) if len(set(keys)) == len(keys) and {*keys} <= {*known})
    shapes = f"[{', '.join(shape for shape, _ in lists.most_common(_MAX_SHAPES))}]::varchar[][]"
    twice = "list_distinct(list_transform([list_sort(f.keys)], lambda s: list_filter(s, lambda x, i: coalesce(x = s[i - 1], false)))[1])"
    unseen = f"list_filter(list_distinct(f.keys), lambda x: not list_contains({literal(sorted(known))}::varchar[], x))"
    checks = f"struct_pack(duplicates := nullif(list_sort({twice}), []), unseen := nullif(list_sort({unseen}), []))"
    odd = f"list_transform([{checks}], lambda c: case when c.duplicates is not null or c.unseen is not null then c end)[1]"
    return f"case when not list_contains({shapes}, f.keys) then {odd} end"
