"""Scan decoded responses once, when they come in; detectors only join the result. Values never leave the exchange's own row.

Whole batches are searched first; only rows in which a gate opens, or whose body has escapes, are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from forensics.ingest.document_files import TableWriter, arrow_schema
from forensics.ingest.line_files import Outcome
from forensics.scan import Exchange, HeaderVerdict, Scanner, content_rows, header_verdicts, scanner_for
from forensics.scan.headers import SECURITY_HEADERS
from forensics.scan.sieve import doubtful, doubtful_headers
from forensics.store import Store, literal

_RESPONSE = "http_response_mime_type, http_response_body, http_response_headers"
# Rows with few and small columns; a batch of verdicts becomes a row group.
_VERDICT_ROWS = 16 * 1024


def scan(engine: Store, outcome: Outcome, evidence_id: str, countries: Sequence[str]) -> None:
    """Add `content_matches` and `header_verdicts` of the exchanges in `outcome`; `countries` as in `load_patterns`."""
    work = outcome.files["http_exchanges"].parent
    _write_matches(
        engine, outcome, scanner_for(tuple(sorted(countries))), evidence_id, work / "content_matches.parquet"
    )
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
        for batch in _batches(engine, outcome, "url_scheme, http_response_headers", _VERDICT_ROWS):
            verdicts = _verdicts(batch, schema)
            count += verdicts.num_rows
            if verdicts.num_rows:
                writer.write_table(verdicts)
    outcome.files["header_verdicts"], outcome.rows["header_verdicts"] = target, count


def _verdicts(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    """Only responses whose headers were captured get verdicts: an empty list is no proof that a header was absent."""
    batch = batch.filter(pc.greater(pc.fill_null(pc.list_value_length(batch.column(2)), 0), 0))
    numbers, schemes, headers = batch.columns
    sets: dict[tuple[bytes, str | None], int] = {}
    keys = [sets.setdefault(key, len(sets)) for key in zip(_set_keys(headers), schemes.to_pylist(), strict=True)]
    firsts = np.unique(np.array(keys, dtype=np.int64), return_index=True)[1]
    judged = [_judged(_security(headers[int(row)].as_py()), schemes[int(row)].as_py()) for row in firsts]
    each = len(judged[0]) if judged else 0
    flat = [verdict for verdicts in judged for verdict in verdicts]
    places = (np.array(keys, dtype=np.int64)[:, None] * each + np.arange(each)).ravel()
    columns = {
        "record_no": np.repeat(numbers.to_numpy(), each),
        "header": pa.array([item.header for item in flat], pa.string()).take(pa.array(places)),
        "verdict": pa.array([item.verdict for item in flat], pa.string()).take(pa.array(places)),
        "verdict_rank": pa.array([item.rank for item in flat], pa.int32()).take(pa.array(places)),
    }
    missing = pa.nulls(len(places))
    return pa.table([pa.array(columns.get(item.name, missing)).cast(item.type) for item in schema], schema=schema)


def _set_keys(headers: pa.ListArray) -> Iterator[bytes]:
    """Yield for each row what tells its security headers apart from those of other rows of the batch, cheaply: codes of the pairs."""
    pairs = pc.list_flatten(headers)
    names, values = pairs.field("name").dictionary_encode(), pairs.field("value").dictionary_encode()
    wanted = np.array([_is_security(text) for text in names.dictionary.to_pylist()] + [False])
    name_codes = names.indices.fill_null(-1).to_numpy()
    kept = wanted[name_codes]
    codes = name_codes[kept].astype(np.int64) << 32 | (values.indices.fill_null(-1).to_numpy()[kept] + 1)
    rows = pc.list_parent_indices(headers).to_numpy()[kept]
    bounds = (np.searchsorted(rows, np.arange(len(headers) + 1)) * codes.itemsize).tolist()
    data = codes.tobytes()
    yield from (data[bounds[row] : bounds[row + 1]] for row in range(len(headers)))


def _is_security(name: str) -> bool:
    return name.strip().lower() in SECURITY_HEADERS


def _security(headers: list[dict[str, str | None]]) -> tuple[tuple[str, str], ...]:
    return tuple((item["name"], item["value"] or "") for item in headers if item["name"] and _is_security(item["name"]))


@lru_cache(maxsize=4096)
def _judged(headers: tuple[tuple[str, str], ...], scheme: str | None) -> tuple[HeaderVerdict, ...]:
    """Judge each distinct set once: a service sends few, and this is five times as quick."""
    return tuple(header_verdicts(headers, scheme))
