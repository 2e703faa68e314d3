"""Bring bytes into a case and read its tables back with pyarrow, not with the engine that wrote them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from forensics.case import Case, LedgerEntry, create
from forensics.ingest import Options, ingest

Row = dict[str, Any]


@dataclass(frozen=True)
class Loaded:
    """A case after one ingest."""

    case: Case
    entries: list[LedgerEntry]

    @property
    def entry(self) -> LedgerEntry:
        (entry,) = self.entries
        return entry

    def rows(self, table: str) -> list[Row]:
        """All rows of a table in record order, with the evidence's id."""
        found: list[Row] = []
        for path in sorted((self.case.tables / table).glob("*.parquet")):
            found += [{"evidence_id": path.stem, **row} for row in pq.ParquetFile(path).read().to_pylist()]
        return sorted(found, key=lambda row: (row["evidence_id"], row["record_no"]))

    def row(self, table: str) -> Row:
        (row,) = self.rows(table)
        return row

    def numbers(self, table: str) -> list[int]:
        return [row["record_no"] for row in self.rows(table)]

    def reasons(self) -> list[tuple[int, str]]:
        return [(row["record_no"], row["reason"]) for row in self.rows("rejects")]


def load(folder: Path, data: bytes | str, name: str = "evidence", format: str = "") -> Loaded:  # noqa: A002 - as the option is called
    """Write one file and ingest it into a new case below `folder`."""
    source = folder / "evidence" / name
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(data if isinstance(data, bytes) else data.encode())
    return load_paths(folder, source, format=format)


def load_paths(folder: Path, *paths: Path, format: str = "", case: str = "test.case") -> Loaded:  # noqa: A002 - as the option is called
    made = create(folder / case)
    loaded = Loaded(made, ingest(made, paths, Options(format=format, threads=2)))
    for entry in loaded.entries:
        assert entry.records == entry.accepted + entry.rejected + sum(entry.skipped.values()), entry
    return loaded


def lines(*values: Row | str) -> str:
    """JSON lines of objects; strings stay as they are."""
    return "".join((value if isinstance(value, str) else json.dumps(value)) + "\n" for value in values)


def at(text: str) -> datetime:
    """A table time (UTC without zone)."""
    return datetime.fromisoformat(text)


def attributes(row: Row) -> Row:
    """The attributes of a row that are there; an importer writes null for what a record lacks."""
    found: Row = json.loads(row["attributes"]) if row["attributes"] else {}
    found["_invalid"] = {key: value for key, value in found.get("_invalid", {}).items() if value is not None}
    return {
        key: value
        for key, value in found.items()
        if value is not None and (value or key not in ("_invalid", "_salvaged"))
    }
