"""Documents (HAR, SBOM, Kubernetes objects, CSV): parsed by Python, written by the engine with the schema's types."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from forensics import lines
from forensics.errors import EvidenceError, TruncatedError
from forensics.evidence import HashingReader
from forensics.importers.contract import MAX_DOCUMENT_BYTES, Reject, Row, Skip
from forensics.ingest.line_files import Job, Outcome
from forensics.lines import MAX_RAW_BYTES
from forensics.schema import ANSWERS, HEADERS, TABLES

_STRINGS = pa.list_(pa.string())
_ARROW: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "JSON": pa.string(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "BLOB": pa.binary(),
    "TIMESTAMP": pa.timestamp("us"),
    "VARCHAR[]": _STRINGS,
    HEADERS: pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())])),
    ANSWERS: pa.list_(pa.struct([("type", pa.string()), ("data", pa.string()), ("ttl", pa.float64())])),
    "STRUCT(alg VARCHAR, value VARCHAR)[]": pa.list_(pa.struct([("alg", pa.string()), ("value", pa.string())])),
}
_BATCH = 20_000


def arrow_schema(table: str) -> pa.Schema:
    """Return the Arrow schema of a table's Parquet files (without `evidence_id`, which is the file's name)."""
    return pa.schema(
        [(column, _ARROW[kind]) for column, kind in TABLES[table].types.items() if column != "evidence_id"]
    )


class TableWriter:
    """Writes rows of one table in batches."""

    def __init__(self, table: str, path: Path) -> None:
        self.path, self.count = path, 0
        self._schema = arrow_schema(table)
        self._rows: list[dict[str, Any]] = []
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def add(self, row: dict[str, Any]) -> None:
        """Add a row; columns that are missing are NULL."""
        self._rows.append(row)
        self.count += 1
        if len(self._rows) >= _BATCH:
            self._flush()

    def close(self) -> None:
        """Write what is left and finish the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


def load(job: Job) -> Outcome:
    """Parse a document into Parquet files below `job.work`; a document that cannot be parsed at all is one rejected record.

    Raises:
        EvidenceError: the document is larger than 256 MiB, or was rewritten while it was read.

    """
    data, outcome = _read(job.path, job.notify)
    outcome.observer, outcome.time_rule = job.importer.observer, job.importer.time_rule
    writers: dict[str, TableWriter] = {}
    skipped: Counter[str] = Counter()
    records, refused = set(), set()
    for item in job.importer.call("records", data):
        records.add(item.record_no)
        if isinstance(item, Row):
            _writer(writers, item.table, job.work).add({**item.values, "record_no": item.record_no})
        elif isinstance(item, Reject):
            refused.add(item.record_no)
            _writer(writers, "rejects", job.work).add(_reject(item))
        elif isinstance(item, Skip):
            skipped[item.reason] += 1
    for table, writer in writers.items():
        writer.close()
        outcome.files[table], outcome.rows[table] = writer.path, writer.count
    outcome.records, outcome.rejected, outcome.skipped = len(records), len(refused), dict(sorted(skipped.items()))
    return outcome


def _writer(writers: dict[str, TableWriter], table: str, work: Path) -> TableWriter:
    if table not in writers:
        writers[table] = TableWriter(table, work / f"{table}.parquet")
    return writers[table]


def _reject(item: Reject) -> dict[str, Any]:
    return {
        "record_no": item.record_no,
        "record_offset": item.offset,
        "reason": item.reason,
        "record_length": len(item.raw),
        "raw": item.raw[:MAX_RAW_BYTES],
    }


def _read(path: Path, notify: lines.Notify) -> tuple[bytes, Outcome]:
    parts: list[bytes] = []
    truncated, size = "", 0
    with closing(HashingReader(path)) as reader:
        try:
            while data := reader.read(1 << 20):
                parts.append(data)
                size += len(data)
                if notify:
                    notify(len(data))
                if size > MAX_DOCUMENT_BYTES:
                    raise EvidenceError(
                        f"{path} is larger than 256 MiB.", hint="Split the document, or export it as lines."
                    )
        except TruncatedError as error:
            truncated = error.message
        outcome = Outcome(reader.identity(), compression=reader.compression, truncated=truncated)
        if reader.change() == "changed":
            raise EvidenceError(
                f"{path} changed while it was read.", hint="Stop what writes it, or copy it, and ingest it again."
            )
    return b"".join(parts), outcome
