"""Zeek log in its own tab-separated format.

Written by Zeek's ASCII writer (docs.zeek.org/en/master/log-formats.html): `#fields` names the columns, `#unset_field` and `#empty_field`
the placeholders, `#set_separator` the separator inside sets. Several logs may be concatenated: every `#fields` line starts a section.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import FormatError, TruncatedError
from forensics.evidence import HashingReader
from forensics.importers import _zeek
from forensics.importers.contract import Head, LinePlan
from forensics.store import literal

NAME = "zeek-tsv"
TABLES = ("connections", "dns_queries", "http_requests", "runtime_alerts")
OBSERVER = _zeek.OBSERVER

_HEADER = re.compile(rb"^#(path|fields|unset_field|empty_field|set_separator)[\t ]([^\r\n]*)", re.MULTILINE)


# Of a longer line only so much is kept in memory.
_MAX_HEADER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Section:
    """One log inside a file; `start` is the record number of its `#fields` line."""

    start: int
    path: str
    fields: tuple[str, ...]
    unset: str
    empty: str
    separator: str


def recognise(head: Head) -> int:
    """Certain where the head shows Zeek's own header of a log we know."""
    paths = re.findall(r"(?m)^#path[\t ](\w+)", head.text)
    if "#fields\t" not in head.text or not paths:
        return 0
    return 98 if any(path in _zeek.LOGS for path in paths) else 0


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - sections are found in the whole file
    """Return a plan over all sections; a section of a log we do not map is rejected with its name as reason."""
    sections = list(_sections(path))
    tables: dict[str, dict[str, str]] = {}
    conditions: dict[str, str] = {}
    for table in TABLES:
        mine = [
            (index, item)
            for index, item in enumerate(sections)
            if item.path in _zeek.LOGS and _zeek.LOGS[item.path][0] == table
        ]
        if mine:
            tables[table] = _merged([(index, dict(_columns(item))) for index, item in mine])
            conditions[table] = f"section in ({', '.join(str(index) for index, _ in mine)})"
    if not tables:
        raise FormatError(
            f"{path} holds no Zeek log that is known ({', '.join(item.path for item in sections)}).",
            hint="Known: " + ", ".join(_zeek.LOGS),
        )
    unknown = [str(index) for index, item in enumerate(sections) if item.path not in _zeek.LOGS]
    widths = " ".join(f"when {index} then {len(item.fields)}" for index, item in enumerate(sections))
    checks = [
        ("section < 0", "before any #fields line"),
        (f"len(f) <> case section {widths} end", "wrong number of fields"),
    ]
    if unknown:
        checks.append((f"section in ({', '.join(unknown)})", "a Zeek log that is not mapped"))
    times = " ".join(f"when {index} then any_time({_scalar(item, 'ts')})" for index, item in enumerate(sections))
    checks.append((f"case section {times} end is null", "ts is not a time"))
    return LinePlan(
        fields="string_split(rtrim(line, chr(10) || chr(13)), chr(9))",
        tables=tables,
        conditions=conditions,
        checks=tuple(checks),
        header=b"#",
        starts=tuple(item.start for item in sections),
        time_rule="ts, seconds since 1970 or ISO 8601, UTC",
        invalid_format="not a Zeek record",
        is_json=False,
    )


def _sections(path: Path) -> Iterator[Section]:
    """Find every `#fields` line of the file with the settings that hold there."""
    settings = {"path": "", "unset_field": "-", "empty_field": "(empty)", "set_separator": ","}
    for number, key, value in _headers(path):
        if key == "fields":
            fields = tuple(value.split("\t"))
            yield Section(
                number,
                settings["path"],
                fields,
                settings["unset_field"],
                settings["empty_field"],
                settings["set_separator"],
            )
        else:
            settings[key] = value


def _headers(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield (record number, key, value) of header lines; blocks are cut at line ends, so no header is split."""
    number, carry = 0, b""
    with closing(HashingReader(path)) as reader:
        while True:
            try:
                data = reader.read(1 << 22)
            except TruncatedError:
                data = b""
            block = carry + data
            cut = len(block) if not data else block.rfind(b"\n") + 1
            whole, carry = block[:cut], block[cut : cut + _MAX_HEADER_BYTES]
            if whole.startswith(b"#") or b"\n#" in whole:
                for match in _HEADER.finditer(whole):
                    line = number + whole.count(b"\n", 0, match.start()) + 1
                    yield line, match[1].decode(), match[2].decode("utf-8", "replace")
            number += whole.count(b"\n")
            if not data:
                return


def _scalar(section: Section, field: str) -> str:
    if field not in section.fields:
        return "null::varchar"
    return f"nullif(f[{section.fields.index(field) + 1}], {literal(section.unset)})"


def _many(section: Section, field: str) -> str:
    text = _scalar(section, field)
    if text.startswith("null::"):
        return "null::varchar[]"
    return f"string_split(nullif({text}, {literal(section.empty)}), {literal(section.separator)})"


def _columns(section: Section) -> dict[str, str]:
    return dict(_zeek.columns(section.path, lambda field: _scalar(section, field), lambda field: _many(section, field)))


def _merged(parts: list[tuple[int, dict[str, str]]]) -> dict[str, str]:
    """One expression a column: the same for all sections, or chosen by the section's number."""
    names = sorted({column for _, columns in parts for column in columns})
    merged = {}
    for column in names:
        expressions = {index: columns.get(column, "null") for index, columns in parts}
        distinct = set(expressions.values())
        if len(distinct) == 1:
            merged[column] = distinct.pop()
        else:
            cases = " ".join(f"when {index} then {expression}" for index, expression in expressions.items())
            merged[column] = f"case section {cases} end"
    return merged
