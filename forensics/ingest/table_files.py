"""Columnar files (native Parquet): the engine reads a copy of the very bytes that were hashed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from forensics.errors import EvidenceError, FormatError
from forensics.evidence import MAX_RATIO, Compression, HashingReader, Identity
from forensics.importers._native import TIMELESS
from forensics.ingest.line_files import Job, Outcome
from forensics.lines import MAX_RAW_BYTES
from forensics.store import PARQUET, EngineError, Store, literal, name
from forensics.text import safe_text

# The engine takes a name for a pattern: it gets one without surprises, a link outside the case (which holds no links).
SAFE_NAME = "input.parquet"
# A few bytes can stand for a billion rows or texts. What is beyond must have come from 200 times less, as with compressed files.
FREE_ROWS, FREE_TEXT = 10_000_000, 1 << 30
_NOT_TEXT = "text that is not UTF-8 is there: each such byte reads ?"


def load(job: Job) -> Outcome:
    """Copy a columnar file into the case's own Parquet; rows without a time that can be read are rejected.

    Raises:
        EvidenceError: the file changed while it was read, the engine cannot read it, or it expands beyond the limit.

    """
    copy = job.work / SAFE_NAME
    try:
        identity, compression = _copied(job, copy)
        with TemporaryDirectory(prefix="canary-") as folder:
            safe = Path(folder) / SAFE_NAME
            safe.symlink_to(copy.absolute())
            outcome = _read(job, safe, identity.content_size)
    finally:
        copy.unlink(missing_ok=True)
    outcome.identity, outcome.compression, outcome.observer = identity, compression, job.importer.observer
    return outcome


def _read(job: Job, path: Path, size: int) -> Outcome:
    """Parse the copy; what is wrong with it is told with the name of the file."""
    try:
        return _parsed(job, path, size)
    except FormatError:
        raise
    except EvidenceError as error:
        what = f"{safe_text(job.path)} cannot be parsed as {job.importer.name}: {error.message}."
        raise EvidenceError(what, hint=error.hint) from error


def _copied(job: Job, target: Path) -> tuple[Identity, Compression]:
    """Copy what is hashed: the engine reads these bytes and no others."""
    told = 0
    with closing(HashingReader(job.path)) as reader, target.open("wb") as file:
        while data := reader.read(1 << 20):
            file.write(data)
            if job.notify:
                job.notify(reader.outer_bytes - told)
                told = reader.outer_bytes
        if reader.change():
            raise EvidenceError(f"{job.path} changed while it was read.", hint="Copy it and ingest it again.")
        return reader.identity(), reader.compression


def _require_bounded(engine: Store, path: Path, size: int) -> None:
    """Refuse a file of very many rows or very much text for its size: told in 5 % of the time of an ingest."""
    source = f"read_parquet({literal(str(path))}, utf8_validation = 'ignore')"
    rows = int(engine.value(f"select count(*) from {source}"))
    if rows <= max(FREE_ROWS, MAX_RATIO * size):
        lengths = [
            f"sum({'octet_length' if kind == 'BLOB' else 'strlen'}({name(column)}))"
            for column, kind, *_ in engine.rows(f"describe select * from {source}")
            if kind in ("VARCHAR", "BLOB", "JSON")
        ]
        text = engine.rows(f"select {', '.join(lengths)} from {source}")[0] if lengths else ()
        if sum(int(length or 0) for length in text) <= max(FREE_TEXT, MAX_RATIO * size):
            return
    raise EvidenceError(
        f"it expands more than {MAX_RATIO} times ({rows:,} rows in {size:,} bytes)",
        hint="Export it as NDJSON or CSV if that is expected.",
    )


def _parsed(job: Job, path: Path, size: int) -> Outcome:
    """Parse it strictly; where that fails for a text that is not UTF-8, keep the rows and say so."""
    job.importer.call("prepare", path)
    job.importer.call("table_sql", job.engine, path)  # a file of no table is told before it is read
    _require_bounded(job.engine, path, size)
    try:
        return _written(job, path, "strict")
    except EngineError as error:
        if "UTF8" not in str(error):
            raise
    outcome = _written(job, path, "replace")
    outcome.note = _NOT_TEXT
    return outcome


def _written(job: Job, path: Path, validation: str) -> Outcome:
    engine, work = job.engine, job.work
    table, select = job.importer.call("table_sql", engine, path, validation)
    wrong = "false" if table in TIMELESS else "time is null"
    outcome = Outcome(Identity("", "", 0, 0), time_rule="UTC")
    _copy(engine, outcome, table, f"select * from ({select}) where not ({wrong})", work)
    outcome.records = int(engine.value(f"select count(*) from ({select})"))
    outcome.rejected = outcome.records - outcome.rows[table]
    if outcome.rejected:
        raw = f"select record_no, encode(to_json(r)::varchar) as raw from ({select}) r where {wrong}"
        columns = f"record_no, null::bigint as record_offset, 'time is missing or not a time' as reason, octet_length(raw) as record_length, raw[1:{MAX_RAW_BYTES}] as raw"
        _copy(engine, outcome, "rejects", f"select {columns} from ({raw})", work)
    if outcome.rejected != outcome.rows.get("rejects", 0):
        raise EvidenceError("its counts of rows contradict each other", hint="Export it again.")
    return outcome


def _copy(engine: Store, outcome: Outcome, table: str, select: str, work: Path) -> None:
    target = work / f"{table}.parquet"
    outcome.rows[table] = engine.execute(f"copy ({select}) to {literal(str(target))} ({PARQUET})")
    outcome.files[table] = target
