"""Columnar files (native Parquet): the engine reads them; the file is hashed beside."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from forensics.errors import EvidenceError
from forensics.evidence import HashingReader, Identity
from forensics.importers._native import TIMELESS
from forensics.ingest.line_files import Job, Outcome
from forensics.store import PARQUET, Store, literal

# The engine takes a name for a pattern: it gets one without surprises, a link outside the case (which holds no links).
SAFE_NAME = "input.parquet"


def load(job: Job) -> Outcome:
    """Copy a columnar file into the case's own Parquet; rows without a time that can be read are rejected.

    Raises:
        EvidenceError: the file changed while it was read, or the engine cannot read it.

    """
    with closing(HashingReader(job.path)) as reader:
        while data := reader.read(1 << 20):
            if job.notify:
                job.notify(len(data))
        with TemporaryDirectory(prefix="canary-") as folder:
            safe = Path(folder) / SAFE_NAME
            safe.symlink_to(job.path.absolute())
            table, select = job.importer.call("table_sql", job.engine, safe)
            outcome = _written(job.engine, table, select, job.work)
        if reader.change():
            raise EvidenceError(f"{job.path} changed while it was read.", hint="Copy it and ingest it again.")
        outcome.identity, outcome.observer = reader.identity(), job.importer.observer
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
    outcome.rows[table] = engine.execute(f"copy ({select}) to {literal(str(target))} ({PARQUET})")
    outcome.files[table] = target
