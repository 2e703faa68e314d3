"""Columnar files (native Parquet): the engine reads them; the file is hashed beside."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from forensics import lines
from forensics.errors import EvidenceError
from forensics.evidence import HashingReader
from forensics.importers import Importer
from forensics.ingest.line_files import Outcome
from forensics.store import Store, literal


def load(engine: Store, path: Path, importer: Importer, work: Path, notify: lines.Notify) -> Outcome:
    """Copy a columnar file into the case's own Parquet; rows without a time that can be read are rejected by the importer's SELECT.

    Raises:
        EvidenceError: the file changed while it was read, or the engine cannot read it.

    """
    with closing(HashingReader(path)) as reader:
        while data := reader.read(1 << 20):
            if notify:
                notify(len(data))
        safe = work / "input.parquet"
        safe.symlink_to(path.absolute())
        table, select = importer.call("table_sql", engine, safe)
        target = work / f"{table}.parquet"
        count = engine.execute(f"copy ({select}) to {literal(str(target))} (format parquet, compression zstd)")
        safe.unlink()
        if not reader.unchanged():
            raise EvidenceError(f"{path} changed while it was read.", hint="Copy it and ingest it again.")
        return Outcome(
            reader.identity(), {table: target}, {table: count}, count, time_rule="UTC", observer=importer.observer
        )
