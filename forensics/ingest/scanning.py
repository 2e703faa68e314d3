"""Scan decoded responses once, when they come in; detectors only join the result. Values never leave the exchange's own row.

Whole batches are searched first; only rows in which a gate opens, or whose body has escapes, are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from forensics.ingest import verdicts
from forensics.ingest.document_files import TableWriter, arrow_schema
from forensics.ingest.line_files import Outcome
from forensics.scan import Exchange, Scanner, content_rows
from forensics.scan.sieve import doubtful, doubtful_headers
from forensics.store import Store, literal

_RESPONSE = "http_response_mime_type, http_response_body, http_response_headers"
_VERDICT_ROWS = 4 * 1024  # responses a batch; with their bodies they take 8 MB at 2 KB each


def scan(engine: Store, outcome: Outcome, evidence_id: str, scanner: Scanner) -> None:
    """Add `content_matches` and `header_verdicts` of the exchanges in `outcome`."""
    work = outcome.files["http_exchanges"].parent
    _write_matches(engine, outcome, scanner, evidence_id, work / "content_matches.parquet")
    _write_verdicts(engine, outcome, work / "header_verdicts.parquet")


def _batches(engine: Store, outcome: Outcome, columns: str, size: int = 2048) -> Iterator[pa.RecordBatch]:
    """Rows in file order, which is the order of the records."""
    path = literal(str(outcome.files["http_exchanges"]))
    yield from engine.batches(f"select record_no, {columns} from read_parquet({path})", size)


def _write_matches(engine: Store, outcome: Outcome, scanner: Scanner, evidence_id: str, target: Path) -> None:
    writer = TableWriter("content_matches", target)
    exchanges = (_exchange(row, evidence_id) for row in _doubtful_rows(engine, outcome, scanner))
    for match in content_rows(scanner, exchanges):
        writer.add({key: value for key, value in match.items() if key != "evidence_id"})
    writer.close()
    outcome.files["content_matches"], outcome.rows["content_matches"] = target, writer.count


def _doubtful_rows(engine: Store, outcome: Outcome, scanner: Scanner) -> Iterator[dict[str, Any]]:
    for batch in _batches(engine, outcome, _RESPONSE):
        wanted = doubtful(scanner, batch.column(2)) | doubtful_headers(scanner, batch.column(3))
        if wanted.any():
            yield from batch.filter(pa.array(wanted)).to_pylist()


def _exchange(row: dict[str, Any], evidence_id: str) -> Exchange:
    headers = [(item["name"] or "", item["value"] or "") for item in row["http_response_headers"] or []]
    return Exchange(evidence_id, row["record_no"], row["http_response_mime_type"], row["http_response_body"], headers)


def _write_verdicts(engine: Store, outcome: Outcome, target: Path) -> None:
    schema, count = arrow_schema("header_verdicts"), 0
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in _batches(engine, outcome, verdicts.COLUMNS, _VERDICT_ROWS):
            rows = verdicts.verdict_rows(batch, schema)
            count += rows.num_rows
            if rows.num_rows:
                writer.write_table(rows)
    outcome.files["header_verdicts"], outcome.rows["header_verdicts"] = target, count
