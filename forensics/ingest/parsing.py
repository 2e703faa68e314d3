"""Parse one file with one importer; what the engine or the disk says becomes a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq

from forensics.errors import CaseError, EvidenceError
from forensics.ingest import document_files, line_files, table_files
from forensics.ingest.line_files import Job, Outcome
from forensics.schema import TABLES
from forensics.store import EngineError
from forensics.text import safe_text

# Tables that are made of other tables' rows.
DERIVED = ("content_matches", "header_verdicts")


def parse(job: Job) -> Outcome:
    """Parse one file into Parquet files below `job.work`.

    Raises:
        EvidenceError: it cannot be read, was rewritten meanwhile, or the engine refuses it. NotGrownError: see `line_files.load`.
        CaseError: the disk of the case is full.

    """
    try:
        if job.importer.has("plan"):
            return line_files.load(job)
        if job.importer.has("table_sql"):
            return table_files.load(job)
        return document_files.load(job)
    except EngineError as error:
        told = str(error).split("\n")[0]
        first = safe_text(re.sub(rf"[\"']?\S*/{table_files.SAFE_NAME}[\"']?", "it", told), 300)
        if "No space left" in first or "File too large" in first:
            raise CaseError("The disk of the case is full.", hint="Free some space and run the same again.") from error
        raise EvidenceError(
            f"{safe_text(job.path)} cannot be parsed as {job.importer.name}: {first}", hint="Try another --format."
        ) from error


def span(outcome: Outcome) -> tuple[str, str]:
    """First and last time of the rows, ISO 8601 UTC, from the statistics of the files just written; empty where no table has times."""
    bounds: list[datetime] = []
    for table, path in outcome.files.items():
        if table not in (*DERIVED, "rejects") and "time" in TABLES[table].types:
            bounds += _bounds(path)
    return (min(bounds).isoformat() + "Z", max(bounds).isoformat() + "Z") if bounds else ("", "")


def _bounds(path: Path) -> Iterator[datetime]:
    metadata = pq.read_metadata(path)
    column = metadata.schema.names.index("time")
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(column).statistics
        if statistics is not None and statistics.has_min_max:
            yield from (statistics.min, statistics.max)
