"""The project's own tables as Parquet: the columns have our names (docs/formats.md), whatever wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from forensics.errors import FormatError
from forensics.importers._footer import strip
from forensics.importers._native import table_of
from forensics.importers.contract import ADDRESSES, Head, bounded
from forensics.schema import NATIVE_TABLES
from forensics.schema import TABLES as SCHEMA
from forensics.store import Store, literal, name

NAME = "native-parquet"
TABLES = NATIVE_TABLES
OBSERVER = "native"
_OWN = {"file_row_number", "evidence_id", "record_no", "record_offset"}


def recognise(head: Head) -> int:
    """Parquet's magic number; the columns are checked when it is read."""
    return 80 if head.data.startswith(b"PAR1") else 0


def prepare(path: Path) -> None:
    """Take what the writer claims about its values out of a copy of the file; raises `EvidenceError` where it has no sound footer."""
    strip(path)


def table_sql(engine: Store, path: Path, validation: str = "strict") -> tuple[str, str]:
    """Return the table and a SELECT that casts the columns; row numbers are record numbers.

    Text that is not UTF-8 is an error of the engine, or with `validation` "replace" has `?` for each such byte.

    Raises:
        FormatError: the file has no columns of one table.

    """
    source = f"read_parquet({literal(str(path))}, file_row_number = true, utf8_validation = {literal(validation)})"
    given = {row[0]: row[1] for row in engine.rows(f"describe select * from {source}") if row[0] not in _OWN}
    table = table_of(given)
    if table is None:
        raise FormatError(
            "The Parquet file has no set of columns of one table.",
            hint="docs/formats.md lists the columns of each table.",
        )
    types = SCHEMA[table].types
    casts = {
        column: _cast(column, types[column], kind)
        for column, kind in given.items()
        if column in types and column != "attributes"
    }
    special = {
        "record_no": "file_row_number + 1",
        "record_offset": "null::bigint",
        "observer": f"coalesce({casts.get('observer', 'null')}, {literal(OBSERVER)})",
        "time_raw": casts.get("time_raw") or (f"{name('time')}::varchar" if "time" in given else "null::varchar"),
        "attributes": _attributes(given, casts, types),
    }
    columns = [
        f"{special.get(column) or casts.get(column) or f'null::{kind}'} as {name(column)}"
        for column, kind in types.items()
        if column != "evidence_id"
    ]
    return table, f"select {', '.join(columns)} from {source}"


def _cast(column: str, kind: str, given: str) -> str:
    """Text and numbers become a time as everywhere: an offset is applied, seconds since 1970 are read, 1990 to 2100."""
    if kind != "TIMESTAMP":
        return bounded(column, f"try_cast({name(column)} as {kind})")
    if given.startswith("TIMESTAMP"):  # by way of TIMESTAMPTZ: nanoseconds with a zone have no other cast
        return f"in_range(try_cast(try_cast({name(column)} as timestamptz) as timestamp))"
    return f"any_time({name(column)}::varchar)"


def _attributes(given: Mapping[str, str], casts: Mapping[str, str], types: Mapping[str, str]) -> str:
    """Columns that are not ours, and values that do not cast; NULL where there is nothing."""
    extra = [f"{literal(column)}, {name(column)}" for column in given if column not in casts]
    checked = {
        column: f"{name(column)} is not null and {cast} is null"
        for column, cast in casts.items()
        if types[column] != "VARCHAR" or column in ADDRESSES
    }
    if not extra and not checked:
        return "null::json"
    invalid = ", ".join(
        f"{literal(column)}, case when {wrong} then {name(column)}::varchar end" for column, wrong in checked.items()
    )
    troubled = ", ".join([*extra, f"'_invalid', json_object({invalid})"])
    plain = f"json_object({', '.join(extra)})" if extra else "null::json"
    return f"case when {' or '.join(f'({wrong})' for wrong in checked.values()) or 'false'} then json_object({troubled}) else {plain} end"
