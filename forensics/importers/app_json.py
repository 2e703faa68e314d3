"""Application log as JSON lines, as the common loggers of Java, Python, Go, Node, .NET and Google Cloud write it.

ECS (elastic.co/guide/en/ecs-logging), Log4j 2 and Logback (logging.apache.org/log4j/2.x/manual/json-template-layout.html,
github.com/logfellow/logstash-logback-encoder), structlog (structlog.org/en/stable) and python-json-logger, zap, zerolog, logrus and slog
(pkg.go.dev/log/slog), pino, bunyan and winston (getpino.io/#/docs/api), Serilog's compact format (clef-json.org), Google Cloud
(cloud.google.com/logging/docs/structured-logging). The first name that a record has gives the column; `a.b` is a key of that name or `b` in
the object `a`. Names that no column takes stay in `attributes`. A record needs a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from forensics.importers.contract import Head, LinePlan, json_fields, json_key_checks, other_keys
from forensics.store import literal, name

NAME = "app-json"
TABLES = ("app_logs",)
OBSERVER = "app"
GENERAL = True

_STAMPS = ("@timestamp", "timestamp", "time", "ts", "asctime", "@t", "datetime", "timeMillis")
_MESSAGES = ("message", "msg", "event", "@m", "@mt", "RenderedMessage", "MessageTemplate")
_LEVELS = ("log.level", "level", "severity", "levelname", "@l", "lvl", "loglevel", "log_level")
_LOGGERS = ("log.logger", "logger_name", "logger", "loggerName", "SourceContext", "channel", "name")
_NAMES = {
    "time_raw": _STAMPS,
    "log_level": _LEVELS,
    "logger_name": _LOGGERS,
    "message": _MESSAGES,
    "exception_type": (
        *("error.type", "error.kind", "error.name", "err.type", "err.name", "exception.type", "exception.class", "exception.name"),
        *("exception.exception_class", "exception_type", "exc_type", "thrown.name"),
    ),
    "exception_message": (
        *("error.message", "err.message", "exception.message", "exception.exception_message", "exception_message", "thrown.message"),
        *("error", "err"),
    ),
    "exception_stacktrace": (
        *("error.stack_trace", "error.stack", "err.stack", "exception.stacktrace", "exception.stack_trace", "exception.stack"),
        *("stack_trace", "stacktrace", "exception", "exc_info", "@x", "stack", "errorVerbose", "thrown.extendedStackTrace", "traceback"),
    ),
    "trace_id": ("trace_id", "traceId", "trace.id", "dd.trace_id", "logging.googleapis.com/trace", "@tr", "otelTraceID"),
    "service_name": ("service.name", "service_name", "dd.service", "service", "serviceName", "application", "app"),
    "service_version": ("service.version", "service_version", "dd.version", "version", "app_version"),
    "k8s_pod_name": ("kubernetes.pod.name", "kubernetes.pod_name", "k8s.pod.name", "k8s_pod_name", "pod_name", "pod"),
    "k8s_namespace_name": (
        *("kubernetes.namespace_name", "kubernetes.namespace", "k8s.namespace.name", "k8s_namespace_name", "namespace_name", "namespace"),
    ),
}  # fmt: skip
# Keys that hold an object with some loggers and a text with others, or an object only.
_OBJECTS = ("log", "error", "err", "exception", "thrown", "service", "trace", "dd", "kubernetes", "k8s", "event", "app")
# Those of them that a log may hold first behind its head: errors are rare.
_LATE = ("error", "err", "exception")


def recognise(head: Head) -> int:
    """Score below the formats that have keys of their own, by the share of lines with a time, a message, and a level or logger."""
    if not head.lines:
        return 0
    share = sum(_is_record(item) for item in head.objects) / len(head.lines)
    return round(35 + 20 * share) if share >= 0.3 else 0


def _is_record(item: dict[str, object]) -> bool:
    folded = {key.lower() for key in item}
    stamped, told, graded = (
        any(key.lower() in folded for key in keys) for keys in (_STAMPS, _MESSAGES, (*_LEVELS, *_LOGGERS, "log"))
    )
    return stamped and told and (graded or "@t" in folded)


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes the path for formats that scan ahead
    """Return each column as the first of its names; names are looked for wherever the record has them, not only in the head."""
    spelling = _spelling(head)
    mapped = {key: "JSON" if key.lower() in _OBJECTS else "VARCHAR" for key in spelling.values()}
    texts = {column: _first(names, spelling, head) for column, names in _NAMES.items()}
    stamp, stack = texts["time_raw"], texts["exception_stacktrace"]
    columns = texts | {
        "observer": literal(OBSERVER),
        "time": f"log_time({stamp})",
        "log_level": f"level_word({texts['log_level']})",
        "trace_id": f"split_part({texts['trace_id']}, '/', -1)",
        "exception_type": f"coalesce({texts['exception_type']}, stack_exception({stack}).type)",
        "exception_message": f"coalesce({texts['exception_message']}, stack_exception({stack}).message)",
    }
    extra = other_keys(head, mapped)
    return LinePlan(
        fields=json_fields({**mapped, **dict.fromkeys(extra, "JSON")}),
        tables={"app_logs": columns},
        checks=((f"{stamp} is null", "no time"), (f"log_time({stamp}) is null", "the time cannot be read")),
        attributes={key: f"f.{name(key)}" for key in extra} | dict(_left_over(head, spelling, texts)),
        keys=json_key_checks(head),
        time_rule="ISO 8601 with zone, without zone read as UTC; numbers are seconds to nanoseconds since 1970, by size",
    )


def _spelling(head: Head) -> dict[str, str]:
    """Return lower-case key -> key as the file writes it: names of a struct differ by more than case."""
    known = [key for names in _NAMES.values() for key in names] + list(_OBJECTS)
    default = {key.lower(): key for key in known}
    if "MessageTemplate" in head.keys:  # Serilog's other format writes all names so
        default |= {key: key.capitalize() for key in ("exception", "level", "timestamp")}
    seen = {key.lower(): key for key in reversed(head.keys) if key.lower() in default}
    return default | seen


def _first(names: tuple[str, ...], spelling: dict[str, str], head: Head) -> str:
    """Return the first of some keys that is there; those that the head shows are asked first, since the others then cost nothing."""
    ordered = sorted(names, key=lambda key: not {spelling[key.lower()], key.partition(".")[0]} & set(head.keys))
    return f"coalesce({', '.join(found for key in ordered for found in _texts(key, spelling))})"


def _texts(key: str, spelling: dict[str, str]) -> Iterator[str]:
    """Yield the SQL of a key as text, or NULL; of a key within an object both ways of writing it."""
    top, _, inner = key.partition(".")
    field = f"f.{name(spelling[key.lower()])}"
    if key.lower() not in _OBJECTS:
        yield f"nullif({field}, '')"
    else:
        yield f"case when json_type({field}) = 'VARCHAR' then nullif({field} ->> '$', '') end"
    if inner and top in _OBJECTS:
        yield f"nullif(json_extract_string(f.{name(spelling[top])}, {literal('$.' + inner)}), '')"


def _left_over(head: Head, spelling: dict[str, str], texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what stays of known keys: objects without what columns took, and values that stood behind another of their column."""
    for column, names in _NAMES.items():
        seen = [key for key in names if spelling.get(key.lower()) in head.keys and key.lower() not in _OBJECTS]
        for key in (spelling[key.lower()] for key in seen[1:]):
            yield key, f"case when f.{name(key)} is distinct from {texts[column]} then f.{name(key)} end"
    for top in _OBJECTS:
        if spelling[top] in head.keys or top in _LATE:
            yield spelling[top], _rest_of(top, f"f.{name(spelling[top])}", texts)


def _rest_of(top: str, field: str, texts: dict[str, str]) -> str:
    """Return the SQL of a key's value without what columns took of it."""
    taken = {key.partition(".")[2] for names in _NAMES.values() for key in names if key.startswith(f"{top}.")}
    patch = literal(json.dumps(dict.fromkeys(sorted(key for key in taken if "." not in key))))
    columns = [column for column, names in _NAMES.items() if top in names]
    text = "".join(
        f"when json_type({field}) = 'VARCHAR' and {field} ->> '$' = {texts[column]} then null " for column in columns
    )
    return f"case {text}when json_type({field}) = 'OBJECT' then nullif(json_merge_patch({field}, {patch}), '{{}}') else {field} end"
