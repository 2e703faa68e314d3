"""evidence/: the records that findings cite, one CSV a table, masked by the classes of schema.py; and what was read.

`none` is shown as it is, `direct` and `indirect` become stand-ins, of `content` only its length is told. Only cited records are read (at most 20 a
finding), so that the size follows the findings, not the evidence.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from forensics.findings import canonical, moment, rounded
from forensics.package.pseudonyms import Names, kind_of
from forensics.package.source import Files, Source
from forensics.schema import TABLES, Column, Table
from forensics.store import name
from forensics.text import cell_text, safe_text

_PIECE = 10_000  # records looked up at once
_REASON = 200  # characters of a reason
MAX_REASONS = 1000
# Records that could not be parsed are told by their reasons only.
_TABLES = [table for table in TABLES.values() if table.name != "rejects"]
_SIDES = ("cohort", "phase")  # what the configuration says of a row; tables without common columns have none


def evidence(source: Source) -> Files:
    """Return the extracts of the tables that are cited, what their columns are, the ledger and the rejects."""
    records = sorted({record for item in source.findings["findings"] for record in item["evidence"]}, key=_place)
    extracts = {f"{table.name}.csv": data for table in _TABLES if (data := _extract(source, table, records))}
    shown = [table for table in _TABLES if f"{table.name}.csv" in extracts]
    return {
        **extracts,
        "columns.json": canonical({table.name: _treatments(table) for table in shown}),
        "sources.json": canonical(source.findings["evidence"]),
        "rejects.json": canonical(_rejects(source)),
    }


def _place(record: str) -> tuple[str, int]:
    evidence_id, _, number = record.rpartition(":")
    return evidence_id, int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0


def _treatments(table: Table) -> dict[str, dict[str, str]]:
    return {column.name: {"personal_data": column.personal, "shown_as": shown_as(column)} for column in table.columns}


def shown_as(column: Column) -> str:
    """Return what an extract shows of a column: value, stand-in or length."""
    return {"none": "value", "direct": "stand-in", "indirect": "stand-in", "content": "length"}[column.personal]


def _extract(source: Source, table: Table, records: Sequence[str]) -> bytes:
    """Return the CSV of one table; nothing where none of its rows is cited."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rows = 0
    for piece in _pieces(source, table, records):
        writer.writerows(_masked(table, piece, source.names))
        rows += len(piece)
    sides = _SIDES if table.has_common else ()
    titles = [
        "record",
        *sides,
        *(column.name + ("_length" if shown_as(column) == "length" else "") for column in table.columns),
    ]
    head = io.StringIO()
    csv.writer(head, lineterminator="\n").writerow(titles)
    return (head.getvalue() + out.getvalue()).encode() if rows else b""


def _pieces(source: Source, table: Table, records: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of cited records, some at a time, in order of evidence and record."""
    schema = "observed" if table.has_common else "facts"
    sides = "".join(f"t.{side}, " for side in _SIDES) if table.has_common else ""
    columns = ", ".join(map(_expression, table.columns))
    sql = (
        f"select w.place, t.record_id, {sides}{columns} from (select unnest($places) as place, unnest($numbers) as record_no, unnest($records) as record_id) w "
        f"join {schema}.{table.name} t on t.record_no = w.record_no and t.record_id = w.record_id order by all"
    )
    for start in range(0, len(records), _PIECE):
        part = records[start : start + _PIECE]
        bound = {"places": list(range(len(part))), "numbers": [_place(record)[1] for record in part], "records": part}
        yield source.sandbox.rows(sql, bound)


def _expression(column: Column) -> str:
    """Read of content its length only: the text never leaves the engine."""
    field = f"t.{name(column.name)}"
    if shown_as(column) != "length":
        return field
    return f"len({field})" if column.type.endswith("[]") else f"len({field}::varchar)"


def _masked(table: Table, rows: Sequence[tuple[Any, ...]], names: Names) -> Iterator[list[Any]]:
    first = 2 + (len(_SIDES) if table.has_common else 0)
    stand_ins = {
        index: names.of(kind_of(column.name), [str(row[index]) for row in rows if row[index] is not None])
        for index, column in enumerate(table.columns, first)
        if shown_as(column) == "stand-in"
    }
    for row in rows:
        yield [_cell(_shown(value, stand_ins.get(index))) for index, value in enumerate(row) if index]


def _shown(value: Any, stand_ins: Mapping[str, str] | None) -> Any:
    return value if value is None or stand_ins is None else stand_ins[str(value)]


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else rounded(value)
    if isinstance(value, datetime):
        return moment(value)
    return cell_text(value if isinstance(value, str) else json.dumps(value, default=str))


def _rejects(source: Source) -> dict[str, Any]:
    """Return how many records of each file could not be parsed and why; never a byte of them."""
    rows = source.sandbox.rows(
        "select evidence_id, reason, count(*)::bigint, sum(record_length)::bigint from facts.rejects group by all order by 3 desc, 1, 2"
    )
    told = [
        {"evidence": evidence_id, "reason": safe_text(reason or "", _REASON), "records": records, "bytes": size}
        for evidence_id, reason, records, size in rows[:MAX_REASONS]
    ]
    return {
        "records": sum(row[2] for row in rows),
        "reasons": told,
        "reasons_left_out": max(0, len(rows) - MAX_REASONS),
    }
