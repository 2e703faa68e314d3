"""Columnar files (native Parquet): the engine reads them; the file is hashed beside."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from forensics import lines
from forensics.errors import EvidenceError
from forensics.evidence import HashingReader, Identity
from forensics.importers import Importer
from forensics.importers._native import TIMELESS
from forensics.ingest.line_files import Outcome
from forensics.store import Store, literal


def load(engine: Store, path: Path, importer: Importer, work: Path, notify: lines.Notify) -> Outcome:
    """Copy a columnar file into the case's own Parquet; rows without a time that can be read are rejected.

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
        outcome = _written(engine, table, select, work)
        safe.unlink()
        if not reader.unchanged():
            raise EvidenceError(f"{path} changed while it was read.", hint="Copy it and ingest it again.")
        outcome.identity, outcome.observer = reader.identity(), importer.observer
        return outcome


def _written(engine: Store, table: str, select: str, work: Path) -> Outcome:
    wrong = "false" if table in TIMELESS else "time is null"
    outcome = Outcome(Identity("", "", 0, 0), time_rule="UTC")
    _copy(engine, outcome, table, f"select * from ({select}) where not ({wrong})", work)
    outcome.records = int(engine.value(f"select count(*) from ({select})"))
    outcome.rejected = outcome.records - outcome.rows[table]
    if outcome.rejected:
        raw = f"select record_no, to_json(r)::varchar as raw from ({select}) r where {wrong}"
        columns = "record_no, null::bigint as record_offset, 'time is missing or not a time' as reason, strlen(raw) as record_length, encode(raw) as raw"
        _copy(engine, outcome, "rejects", f"select {columns} from ({raw})", work)
    return outcome


def _copy(engine: Store, outcome: Outcome, table: str, select: str, work: Path) -> None:
    target = work / f"{table}.parquet"
    outcome.rows[table] = engine.execute(
        f"copy ({select}) to {literal(str(target))} (format parquet, compression zstd)"
    )
    outcome.files[table] = target
