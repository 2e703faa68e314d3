"""Application logs as JSON lines: the names of the common loggers, levels, times, exceptions, what stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.ingest.helpers import at, attributes, lines, load

JAVA = "java.lang.IllegalStateException: no stock\n\tat com.shop.Cart.add(Cart.java:7)\nCaused by: java.io.IOException: gone"
PYTHON = 'Traceback (most recent call last):\n  File "a.py", line 7, in add\n    raise ValueError("no stock")\nValueError: no stock'
GO = "main.add\n\t/src/main.go:7\nmain.main\n\t/src/main.go:3"
NODE = "TypeError: x is not a function\n    at add (/app/cart.js:7:1)"
DOTNET = "System.InvalidOperationException: no stock\n   at Shop.Cart.Add() in /src/Cart.cs:line 7"
TIME = "2026-03-03T09:00:00.123Z"
SAME: dict[str, Any] = {"time": at("2026-03-03T09:00:00.123")}

# What a logger writes, and the columns by hand.
LOGGERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ECS, dotted": (
        {"@timestamp": TIME, "log.level": "ERROR", "message": "failed", "log.logger": "com.shop.Cart", "error.type": "a.B", "error.message": "no", "error.stack_trace": JAVA, "service.name": "shop", "service.version": "2.4.0", "trace.id": "t1"},
        {"log_level": "ERROR", "logger_name": "com.shop.Cart", "message": "failed", "exception_type": "a.B", "exception_message": "no", "exception_stacktrace": JAVA, "service_name": "shop", "service_version": "2.4.0", "trace_id": "t1"},
    ),
    "ECS, nested": (
        {"@timestamp": TIME, "log": {"level": "WARN", "logger": "c"}, "message": "m", "error": {"type": "a.B", "message": "no"}, "service": {"name": "shop"}, "kubernetes": {"pod": {"name": "shop-1"}, "namespace": "prod"}},
        {"log_level": "WARN", "logger_name": "c", "exception_type": "a.B", "exception_message": "no", "service_name": "shop", "k8s_pod_name": "shop-1", "k8s_namespace_name": "prod"},
    ),
    "logstash-logback": (
        {"@timestamp": TIME, "@version": "1", "message": "failed", "logger_name": "com.shop.Cart", "thread_name": "main", "level": "ERROR", "stack_trace": JAVA},
        {"log_level": "ERROR", "logger_name": "com.shop.Cart", "exception_type": "java.lang.IllegalStateException", "exception_message": "no stock", "exception_stacktrace": JAVA},
    ),
    "structlog": (
        {"event": "failed", "level": "error", "timestamp": TIME, "logger": "cart", "exception": PYTHON},
        {"log_level": "error", "logger_name": "cart", "message": "failed", "exception_type": "ValueError", "exception_message": "no stock", "exception_stacktrace": PYTHON},
    ),
    "python-json-logger": (
        {"asctime": "2026-03-03 09:00:00,123", "levelname": "ERROR", "name": "cart", "message": "failed", "exc_info": PYTHON},
        {"log_level": "ERROR", "logger_name": "cart", "message": "failed", "exception_type": "ValueError"},
    ),
    "zap": (
        {"level": "error", "ts": 1772528400.123, "logger": "cart", "msg": "failed", "caller": "main.go:7", "error": "no stock", "stacktrace": GO},
        {"log_level": "error", "logger_name": "cart", "exception_type": None, "exception_message": "no stock", "exception_stacktrace": GO},
    ),
    "slog": ({"time": "2026-03-03T10:00:00.123456789+01:00", "level": "INFO", "msg": "m", "source": {"line": 7}}, {"time": at("2026-03-03T09:00:00.123456"), "message": "m"}),
    "zerolog": ({"level": "error", "time": 1772528400, "message": "m", "error": "no"}, {"time": at("2026-03-03T09:00:00"), "exception_message": "no"}),
    "pino": (
        {"level": 50, "time": 1772528400123, "pid": 1, "hostname": "h", "msg": "m", "err": {"type": "TypeError", "message": "x", "stack": NODE}},
        {"log_level": "error", "exception_type": "TypeError", "exception_message": "x", "exception_stacktrace": NODE},
    ),
    "winston": ({"level": "error", "message": "x", "timestamp": TIME, "stack": NODE}, {"exception_type": "TypeError", "exception_message": "x is not a function"}),
    "bunyan": ({"name": "shop", "level": 60, "msg": "m", "time": TIME, "v": 0}, {"log_level": "fatal", "logger_name": "shop"}),
    "Serilog": (
        {"@t": "2026-03-03T09:00:00.1234567Z", "@mt": "Failed {Order}", "@l": "Error", "@x": DOTNET, "Order": 7},
        {"time": at("2026-03-03T09:00:00.123456"), "message": "Failed {Order}", "log_level": "Error", "exception_type": "System.InvalidOperationException", "exception_message": "no stock"},
    ),
    "Google Cloud": (
        {"severity": "ERROR", "message": "m", "timestamp": TIME, "logging.googleapis.com/trace": "projects/p/traces/t1"},
        {"log_level": "ERROR", "trace_id": "t1"},
    ),
    "Datadog": ({"timestamp": TIME, "level": "info", "message": "m", "dd.trace_id": "7", "dd": {"service": "shop"}}, {"trace_id": "7", "service_name": "shop"}),
}  # fmt: skip


@pytest.mark.parametrize("logger", LOGGERS)
def test_the_names_of_a_logger(tmp_path: Path, logger: str) -> None:
    record, expected = LOGGERS[logger]
    loaded = load(tmp_path, lines(record))
    assert loaded.entry.format == "app-json"
    row = loaded.row("app_logs")
    expected = {**SAME, "observer": "app", **expected}
    assert {key: row[key] for key in expected} == expected


def test_a_mixed_file(tmp_path: Path) -> None:
    """Names are looked for in every record, also behind the head."""
    first = lines({"level": "info", "time": TIME, "msg": "m", "pad": "x" * 1000}) * 100
    loaded = load(tmp_path, first + lines(*(record for record, _ in LOGGERS.values())))
    assert (loaded.entry.accepted, loaded.entry.rejected) == (100 + len(LOGGERS), 0)
    rows = loaded.rows("app_logs")[100:]
    for row, (_, expected) in zip(rows, LOGGERS.values(), strict=True):
        assert {key: row[key] for key in expected if key.startswith("exception")} == {
            key: value for key, value in expected.items() if key.startswith("exception")
        }


def test_what_no_column_takes_stays(tmp_path: Path) -> None:
    record = {
        "time": TIME, "level": "info", "msg": "m", "name": "a", "logger": "b", "user_id": "u-7", "error": {"message": "no", "code": 5},
        "service": ["x"], "event": {"kind": "alert"}, "trace_id": {"odd": 1},
    }  # fmt: skip
    row = load(tmp_path, lines(record)).row("app_logs")
    assert (row["logger_name"], row["exception_message"], row["service_name"]) == ("b", "no", None)
    assert attributes(row) == {
        "user_id": "u-7", "error": {"code": 5}, "service": ["x"], "event": {"kind": "alert"}, "name": "a",
    }  # fmt: skip


def test_a_second_name_of_a_column_stays(tmp_path: Path) -> None:
    record = {"time": TIME, "timestamp": "later", "level": "info", "event": "login", "message": "User logged in"}
    row = load(tmp_path, lines({**record, "timestamp": TIME, "time": "later"})).row("app_logs")
    assert (row["message"], row["time_raw"]) == ("User logged in", TIME)
    assert attributes(row) == {"event": "login", "time": "later"}


def test_pascal_case_names(tmp_path: Path) -> None:
    record = {"Timestamp": TIME, "Level": "Error", "MessageTemplate": "Failed", "Properties": {"SourceContext": "Cart"}}
    loaded = load(tmp_path, lines(record) * 2 + lines({**record, "Exception": DOTNET}))
    row = loaded.rows("app_logs")[2]
    assert (row["log_level"], row["exception_type"]) == ("Error", "System.InvalidOperationException")


def test_what_has_no_time_is_refused(tmp_path: Path) -> None:
    good = {"time": TIME, "level": "info", "msg": "m"}
    loaded = load(
        tmp_path,
        lines(good, {"level": "info", "msg": "m"}, {**good, "time": "soon"}, {**good, "time": [1]}, "text", good),
    )
    assert loaded.reasons() == [
        (2, "no time"),
        (3, "the time cannot be read"),
        (4, "the time cannot be read"),
        (5, "not a JSON object"),
    ]
    assert loaded.numbers("app_logs") == [1, 6]


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        (1772528400, "2026-03-03T09:00:00"),
        (1772528400.5, "2026-03-03T09:00:00.5"),
        (1772528400123, "2026-03-03T09:00:00.123"),
        (1772528400123456, "2026-03-03T09:00:00.123456"),
        (1772528400123456789, "2026-03-03T09:00:00.123456"),
        ("2026-03-03 09:00:00,5", "2026-03-03T09:00:00.5"),
        ("2026-03-03 10:00:00.5 +0100", "2026-03-03T09:00:00.5"),
        ("2026-03-03T09:00:00", "2026-03-03T09:00:00"),
        ("2026-03-03T04:00:00-0500", "2026-03-03T09:00:00"),
    ],
)  # fmt: skip
def test_times(tmp_path: Path, stamp: object, time: str) -> None:
    row = load(tmp_path, lines({"time": stamp, "level": "info", "msg": "m"})).row("app_logs")
    assert row["time"] == at(time)
    assert row["time_raw"] == str(stamp)


@pytest.mark.parametrize(
    ("stack", "type_", "message"),
    [
        ("java.lang.NullPointerException\n\tat a.B.c(B.java:1)", "java.lang.NullPointerException", None),
        ('Exception in thread "main" a.b.Odd: no\n\tat a.B.c(B.java:1)', "a.b.Odd", "no"),
        ('Traceback (most recent call last):\n  File "a", line 1\n    x\na.b.Gone', "a.b.Gone", None),
        ('Traceback (most recent call last):\n  File "a", line 1\nKeyError: 1\n\nDuring handling of the above:\n\nTraceback (most recent call last):\n  File "b", line 2\nValueError: two\nlines', "ValueError", "two\nlines"),
        ("panic: runtime error: index out of range [5]\n\ngoroutine 1 [running]:", "panic", "runtime error: index out of range [5]"),
        ("undefined method `x' for nil (NoMethodError)\na.rb:7:in `y'", "NoMethodError", "undefined method `x' for nil"),
        ("main.add\n\t/src/main.go:7", None, None),
        ("nothing of the kind", None, None),
    ],
)  # fmt: skip
def test_exceptions_of_a_stack_trace(tmp_path: Path, stack: str, type_: str | None, message: str | None) -> None:
    row = load(tmp_path, lines({"time": TIME, "level": "error", "msg": "m", "stack_trace": stack})).row("app_logs")
    assert (row["exception_type"], row["exception_message"]) == (type_, message)
