"""Application log as text whose records begin with a date and a time, with stack traces over several lines.

The default and usual layouts of Logback and Log4j (logback.qos.ch/manual/layouts.html), Spring Boot
(docs.spring.io/spring-boot/reference/features/logging.html), Python (docs.python.org/3/library/logging.html), Flask, gunicorn and Celery, Go
(pkg.go.dev/log), Ruby (docs.ruby-lang.org/en/master/Logger.html), Serilog and NLog, Monolog, PostgreSQL and the error log of nginx. Where a record
does not have one of these layouts, all behind the stamp is the message.

Lines without a stamp belong to the record before (Java's "at" and "Caused by", Python's traceback, Go's goroutines), whose `record_no` is
its first line; the ledger counts them as skipped, `continued`. Lines before the first stamp, and lines that begin as a JSON object does, are rejects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from forensics.importers._stamps import begins
from forensics.importers.contract import Head, LinePlan
from forensics.store import literal

__all__ = ["begins"]

NAME = "app-text"
TABLES = ("app_logs",)
OBSERVER = "app"
GENERAL = True

# The expressions below are in the syntax of RE2, the first also in Python's. `#7` is Ruby's process.
_STAMP = r"(?:[A-Z], )?\[?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)( ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?(?: #\d+)?"
_START = rf"^({_STAMP}[\]:|]?[ \t]*)"
_SHOUTED = (
    "TRACE|DEBUG|INFO(?:RMATION)?|NOTICE|WARN(?:ING)?|ERR(?:OR)?|FATAL|CRIT(?:ICAL)?|SEVERE|ALERT|EMERG(?:ENCY)?|PANIC|LOG|VERBOSE|"
    "FINE(?:R|ST)?|CONFIG|UNKNOWN|ANY|INF|WRN|DBG|FTL|VRB|TRC"
)
_SAID = "(?i:trace|debug|info(?:rmation)?|notice|warn(?:ing)?|err(?:or)?|fatal|crit(?:ical)?|severe|alert|emerg|panic|verbose|inf|wrn|dbg|ftl|vrb|trc)"
_LOGGER = r"(?:([A-Za-z_$][\w.$/-]*)(?: +-|:) )?"
# Which layout what follows the stamp has, told by its first characters, and the parts of its head: level and logger or thread behind it.
_LAYOUTS = (
    ("starts_with(f.rest, '- ')", rf"^(- (?:([^ \n]+) - )?({_SAID}) - )", ("h", "logger", "level")),
    (
        "contains(left(f.rest, 32), ' --- ')",
        rf"^(({_SHOUTED}) +\d+ +--- +(?:\[[^\]\n]*\] +)*?(?:\[ *([^\]\n]*)\] +)?([^ \n]+) +: )",
        ("h", "level", "thread", "logger"),
    ),
    (
        "starts_with(f.rest, '[')",
        rf"^((?:\[ *([^\]\n]*)\] *(?:\[[^\]\n]*\] *)*?)??(?:\[({_SAID})\]|({_SHOUTED})\b)(?:: *| *{_LOGGER}))",
        ("h", "thread", "level", "shouted", "logger"),
    ),
    ("contains(left(f.rest, 12), '|')", rf"^(({_SHOUTED})\|([^|\n]*)\|)", ("h", "level", "logger")),
    (
        "f.rest[1] between 'A' and 'Z'",
        rf"^(({_SHOUTED})\b(?:[\]:] *|/[^\]\n ]+\] *| *(?:\[ *([^\]\n]*)\] +)?(?:in )?(?:-- ([^:\n]*): |{_LOGGER})))",
        ("h", "level", "thread", "program", "logger"),
    ),
    ("contains(left(f.rest, 64), ': ')", rf"^((\w+)\.({_SHOUTED}): )", ("h", "logger", "level")),
)
# With what the lines of a stack trace begin; before `at` and `:in` lines the message is the first of them.
_TRACE = (
    r"Traceback \(most recent call last\)|Exception in thread |Caused by: |goroutine \d+ \[|panic: |fatal error: |Stack trace:|\[stacktrace\]|#0 |"
    r'  File "|[A-Za-z_$][\w$.:\\/]*(?:Exception|Error|Throwable|Failure)(?:[:\n]|$)|'
    r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+(?:: [^\n]*)?\n[ \t]+at |[ \t]+at |[ \t]*(?:from )?[^\n ]*:\d+:in "
)
_SPLIT = rf"(?s)^(.*?)\n({_TRACE})"
_BLANK = "' ' || chr(9) || chr(10) || chr(13)"

# For the head, in Python: what is no access log of another kind, container log or table.
_RECORD = re.compile(rf'{_STAMP}(?:[\]|:](?!\d)[ \t]*+|[ \t]++)(?!"|\d+\.\d+\.\d+\.\d+[ \t]|std(?:out|err) [FP] )\S')
_FOLLOWING = re.compile(
    r"\s|Caused by|Traceback|\S*(?:Exception|Error)\b|goroutine |panic:|created by |#\d+ |[})\]]|\.\.\.|---"
)


def recognise(head: Head) -> int:
    """Score below every other format, by the share of lines that begin with a stamp or go on after one that does."""
    stamped = sum(bool(_RECORD.match(line)) for line in head.lines)
    if not stamped or any(line.startswith("#Fields:") for line in head.lines):
        return 0
    share = (stamped + sum(bool(_FOLLOWING.match(line)) for line in head.lines)) / len(head.lines)
    return round(30 + 15 * share) if share >= 0.5 else 0


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes both for formats that look ahead
    """Cut the stamp off, then the head of one layout; only records of several lines are searched for a stack trace."""
    columns = {
        "observer": literal(OBSERVER),
        "time": "f.time",
        "time_raw": "f.stamp",
        "log_level": "nullif(f.level, '')",
        "logger_name": "nullif(f.logger, '')",
        "message": "nullif(f.message, '')",
        "exception_type": "stack_exception(f.stack).type",
        "exception_message": "stack_exception(f.stack).message",
        "exception_stacktrace": "f.stack",
    }
    return LinePlan(
        fields=f"regexp_extract(line, {literal(_START)}, ['h', 'moment', 'zone'])",
        stages=(*_heads(), *_texts()),
        tables={"app_logs": columns},
        checks=(("f.time is null", "the time cannot be read"),),
        missing="f.stamp is null or f.stamp = ''",
        invalid_format="no date and time at its beginning",
        attributes={"thread_name": "nullif(f.thread, '')"},
        is_json=False,
        time_rule="the zone in the record, without one read as UTC",
    )


def _heads() -> tuple[str, str]:
    """Return the stages that take stamp and head apart; a head has 512 characters at most."""
    cases = " ".join(f"when {condition} then {_layout(pattern, parts)}" for condition, pattern, parts in _LAYOUTS)
    zone = "case when f.zone = '' or ends_with(f.zone, 'Z') or ends_with(f.zone, 'T') or ends_with(f.zone, 'C') then 'Z' else ltrim(f.zone) end"
    first = {
        "h": "f.h",
        "stamp": "f.moment || f.zone",
        "iso": f"replace(replace(f.moment, ',', '.'), '/', '-') || {zone}",
        "rest": "substr(line, length(f.h) + 1, 512)",
    }
    return _struct(first), _struct(
        {**{part: f"f.{part}" for part in ("h", "stamp", "iso")}, "head": f"case {cases} end"}
    )


def _layout(pattern: str, parts: tuple[str, ...]) -> str:
    """Return the SQL of the parts of a head, the same for each layout."""
    found = {name: f"p.{name}" if name in parts else "''" for name in ("h", "level", "logger", "thread")}
    if "shouted" in parts:
        found["level"] = "p.level || p.shouted"
    if "program" in parts:
        found["logger"] = "p.logger || p.program"
    if "logger" in parts:  # what stands there may be the exception that the message begins with
        is_error = "(ends_with(p.logger, 'Error') or ends_with(p.logger, 'Exception'))"
        found["h"] = f"case when {is_error} then split_part(p.h, p.logger, 1) else p.h end"
        found["logger"] = f"case when not {is_error} then {found['logger']} else '' end"
    return f"list_transform([regexp_extract(f.rest, {literal(pattern)}, {literal(list(parts))})], lambda p: {_struct(found)})[1]"


def _texts() -> tuple[str, ...]:
    """Return the stages that read the time and divide what follows the head into message and stack trace."""
    at = "length(f.h) + coalesce(length(f.head.h), 0)"
    end = "case when ends_with(line, chr(13) || chr(10)) then 2 when ends_with(line, chr(10)) then 1 else 0 end"
    known = {"time": "f.time", "stamp": "f.stamp", "level": "f.level", "logger": "f.logger", "thread": "f.thread"}
    first = {
        "time": "iso_time(f.iso)",
        "stamp": "f.stamp",
        **{part: f"f.head.{part}" for part in ("level", "logger", "thread")},
        "body": f"substr(line, {at} + 1, length(line) - ({at}) - {end})",
    }
    split = f"regexp_extract(left(f.body, 65536), {literal(_SPLIT)}, ['message', 'mark'])"
    tidy = f"replace(rtrim(f.body, {_BLANK}), chr(13) || chr(10), chr(10))"
    untidy = (
        "contains(f.body, chr(10)) or contains(f.body, chr(13)) or ends_with(f.body, ' ') or ends_with(f.body, chr(9))"
    )
    neat = {
        **known,
        "body": f"case when {untidy} then {tidy} else f.body end",
    }  # trimming every line costs as much as its head
    second = {**known, "body": "f.body", "cut": f"case when contains(f.body, chr(10)) then {split} end"}
    is_within = "ends_with(f.cut.mark, ':in ') or ltrim(f.cut.mark) = 'at '"
    third = {
        **known,
        "message": f"case when f.cut.mark <> '' then rtrim(f.cut.message, {_BLANK}) else f.body end",
        "stack": "case when f.cut.mark = '' then null "
        f"when {is_within} then f.body else substr(f.body, length(f.cut.message) + 2) end",
    }
    return _struct(first), _struct(neat), _struct(second), _struct(third)


def _struct(parts: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"'{part}': {sql}" for part, sql in parts.items()) + "}"
