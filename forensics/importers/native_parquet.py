"""This project's own tables as Parquet: the columns have our names (docs/formats.md), whatever wrote them."""

from __future__ import annotations

from pathlib import Path

from forensics.errors import FormatError
from forensics.importers._native import table_of
from forensics.importers.contract import Head
from forensics.schema import NATIVE_TABLES
from forensics.schema import TABLES as SCHEMA
from forensics.store import Store, literal, name

NAME = "native-parquet"
TABLES = NATIVE_TABLES
OBSERVER = "native"


def recognise(head: Head) -> int:
    """Parquet's magic number; the columns are checked when it is read."""
    return 80 if head.data.startswith(b"PAR1") else 0


def table_sql(engine: Store, path: Path) -> tuple[str, str]:
    """Return the table and a SELECT that casts the columns; row numbers are record numbers."""
    source = f"read_parquet({literal(str(path))}, file_row_number = true)"
    given = {row[0] for row in engine.rows(f"describe select * from {source}")}
    table = table_of(given - {"file_row_number", "evidence_id", "record_no", "record_offset"})
    if table is None:
        raise FormatError("The Parquet file has no set of columns of one table.", hint="docs/formats.md lists the columns of each table.")
    columns = []
    for column, kind in SCHEMA[table].types.items():
        if column == "record_no":
            columns.append("file_row_number + 1 as record_no")
        elif column not in ("evidence_id", "record_offset"):
            text = f"try_cast({name(column)} as {kind})" if column in given else f"null::{kind}"
            columns.append(f"coalesce({text}, '{OBSERVER}') as observer" if column == "observer" else f"{text} as {name(column)}")
    columns.insert(1, "null::bigint as record_offset")
    return table, f"select {', '.join(columns)} from {source}"
