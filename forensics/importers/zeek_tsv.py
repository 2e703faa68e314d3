"""Zeek log in its own tab-separated format.

Written by Zeek's ASCII writer (docs.zeek.org/en/master/log-formats.html): `#fields` names the columns, `#unset_field` and `#empty_field`
the placeholders, `#set_separator` the separator inside sets. Several logs may be concatenated: every `#fields` line starts a section.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from forensics.errors import FormatError, TruncatedError
from forensics.evidence import HashingReader, open_file
from forensics.importers import _zeek
from forensics.importers._cells import STAMP, Cells
from forensics.importers.contract import NUMBERS, Head, LinePlan
from forensics.store import literal

NAME = "zeek-tsv"
TABLES = ("connections", "dns_queries", "http_requests", "runtime_alerts")
OBSERVER = _zeek.OBSERVER

_HEADER = re.compile(rb"^#(path|fields|unset_field|empty_field|set_separator)[\t ]([^\r\n]*)", re.MULTILINE)


_SPLIT = "string_split(rtrim(line, chr(10) || chr(13)), chr(9))"
_ALWAYS: dict[str, Any] = {
    "header": b"#",
    "time_rule": "ts, seconds since 1970 or ISO 8601, UTC",
    "invalid_format": "not a Zeek record",
    "is_json": False,
}

# Of a longer line only so much is kept in memory.
_MAX_HEADER_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 22


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
    if len(sections) == 1 and _can_be_cut(sections[0]):
        return _one_log(sections[0])
    return _many_logs(path, sections)


def _many_logs(path: Path, sections: list[Section]) -> LinePlan:
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
            # never `in`: from six on the engine makes it a join, and a join loses the order of the rows
            conditions[table] = f"list_contains([{', '.join(str(index) for index, _ in mine)}], section)"
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
        checks.append((f"list_contains([{', '.join(unknown)}], section)", "a Zeek log that is not mapped"))
    times = " ".join(f"when {index} then any_time({_scalar(item, 'ts')})" for index, item in enumerate(sections))
    checks.append((f"case section {times} end is null", "ts is not a time"))
    known = [(index, item) for index, item in enumerate(sections) if item.path in _zeek.LOGS]
    return LinePlan(
        fields=_SPLIT,
        raw=_merged([(index, _zeek.texts(item.path, partial(_scalar, item))) for index, item in known]),
        tables=tables,
        conditions=conditions,
        checks=tuple(checks),
        starts=tuple(item.start for item in sections),
        **_ALWAYS,
    )


def _can_be_cut(section: Section) -> bool:
    """Tell whether the cells of a log can be cut by Arrow: a log we map, with a time, and not so narrow that a line may look blank."""
    return section.path in _zeek.LOGS and "ts" in section.fields and len(section.fields) > 3


def _one_log(section: Section) -> LinePlan:
    """Return the plan of a file with one log: typed cells where Arrow could cut them, else the same struct made in SQL."""
    kinds = _zeek.kinds(section.path)
    wanted = {
        section.fields.index(field) + 1: kinds.get(field, "VARCHAR")
        for field in sorted(_zeek.used_fields(section.path) & set(section.fields))
    }
    stamp = section.fields.index("ts") + 1
    table = _zeek.LOGS[section.path][0]
    texts = _columns(section, _raw_cell(section))
    typed = _columns(section, lambda index: f"f.c{index}", kinds)
    return LinePlan(
        fields=f"case when cells.{STAMP} is not null then {_cut(wanted, len(section.fields))} "
        f"else list_transform([{_SPLIT}], lambda p: {_split(wanted, stamp, section.unset)})[1] end",
        tables={table: dict(sorted(texts.items()))},
        typed={column: sql.replace(f"any_time(f.c{stamp})", "f.time") for column, sql in typed.items()},
        raw=_zeek.texts(section.path, lambda field: _text(section, field, _raw_cell(section))),
        doubt="f.raw is not null",
        conditions={table: "section = 0"},
        checks=(
            ("section < 0", "before any #fields line"),
            (f"f.n <> {len(section.fields)}", "wrong number of fields"),
            ("f.time is null", "ts is not a time"),
        ),
        starts=(section.start,),
        feed=Cells(len(section.fields), wanted, stamp, section.unset, natural=True),
        **_ALWAYS,
    )


def _raw_cell(section: Section) -> Callable[[int], str]:
    return lambda index: f"nullif(f.raw[{index}], {literal(section.unset)})"


def _cut(wanted: Mapping[int, str], count: int) -> str:
    """Return a struct of the cells; seconds become a time as `any_time` makes it, but are read as a number once, not thrice."""
    cells = ", ".join(f"c{number} := cells.c{number}" for number in wanted)
    return f"struct_pack({cells}, time := seconds_time(cells.{STAMP}), n := {count}::bigint, raw := null::varchar[])"


def _split(wanted: Mapping[int, str], stamp: int, unset: str) -> str:
    """Return the same struct from a list of texts `p`."""
    cells = ", ".join(
        f"c{number} := {_cast(f'nullif(p[{number}], {literal(unset)})', kind)}" for number, kind in wanted.items()
    )
    return f"struct_pack({cells}, time := any_time(nullif(p[{stamp}], {literal(unset)})), n := len(p), raw := p)"


def _cast(text: str, kind: str) -> str:
    return f"{NUMBERS[kind]}({text})" if kind in NUMBERS else text


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


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the decompressed bytes; a plain file needs no hash here (0.2 s for 300 MB), the pass over its lines makes it."""
    with closing(HashingReader(path)) as reader, suppress(TruncatedError):
        if reader.compression == "none":
            with open_file(path) as file:
                yield from iter(lambda: file.read(_BLOCK_BYTES), b"")
            return
        while data := reader.read(_BLOCK_BYTES):
            yield data


def _headers(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield (record number, key, value) of header lines; blocks are cut at line ends, so no header is split."""
    number, carry = 0, b""
    for data in chain(_blocks(path), [b""]):
        block = carry + data
        cut = len(block) if not data else block.rfind(b"\n") + 1
        whole, carry = block[:cut], block[cut : cut + _MAX_HEADER_BYTES]
        if b"#" in whole:
            for match in _HEADER.finditer(whole):
                line = number + whole.count(b"\n", 0, match.start()) + 1
                yield line, match[1].decode(), match[2].decode("utf-8", "replace")
        number += whole.count(b"\n")


def _scalar(section: Section, field: str) -> str:
    return _text(section, field, lambda index: f"nullif(f[{index}], {literal(section.unset)})")


def _text(section: Section, field: str, cell: Callable[[int], str], kind: str = "VARCHAR") -> str:
    """Return the SQL of a field; `cell` gives that of the cell with a number from 1."""
    return cell(section.fields.index(field) + 1) if field in section.fields else f"null::{kind}"


def _many(section: Section, text: str) -> str:
    if text.startswith("null::"):
        return "null::varchar[]"
    return f"string_split(nullif({text}, {literal(section.empty)}), {literal(section.separator)})"


def _columns(
    section: Section, cell: Callable[[int], str] | None = None, kinds: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the columns of a log; without `cell` its texts are in the list `f`."""
    cell = cell or (lambda index: f"nullif(f[{index}], {literal(section.unset)})")

    def scalar(field: str) -> str:
        return _text(section, field, cell, (kinds or {}).get(field, "varchar"))

    return dict(_zeek.columns(section.path, scalar, lambda field: _many(section, scalar(field))))


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
