"""Scan decoded responses once, when they come in; detectors only join the result. Values never leave the exchange's own row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from forensics.ingest.document_files import TableWriter
from forensics.ingest.line_files import Outcome
from forensics.scan import Exchange, HeaderVerdict, Scanner, content_rows, default_scanner, header_verdicts
from forensics.scan.headers import SECURITY_HEADERS
from forensics.store import Store, literal


def scan(engine: Store, outcome: Outcome, evidence_id: str, work: Path) -> None:
    """Add `content_matches` and `header_verdicts` of the exchanges in `outcome`."""
    scanner = default_scanner()
    _write(outcome, "content_matches", work, _matches(engine, outcome, evidence_id, scanner))
    _write(outcome, "header_verdicts", work, _verdicts(engine, outcome))


def _write(outcome: Outcome, table: str, work: Path, rows: Iterator[dict[str, Any]]) -> None:
    writer = TableWriter(table, work / f"{table}.parquet")
    for row in rows:
        writer.add(row)
    writer.close()
    outcome.files[table], outcome.rows[table] = writer.path, writer.count


def _exchanges(engine: Store, outcome: Outcome, columns: str) -> Iterator[dict[str, Any]]:
    """Rows in file order, which is the order of the records."""
    path = literal(str(outcome.files["http_exchanges"]))
    for batch in engine.batches(f"select record_no, {columns} from read_parquet({path})"):
        yield from batch.to_pylist()


def _matches(engine: Store, outcome: Outcome, evidence_id: str, scanner: Scanner) -> Iterator[dict[str, Any]]:
    rows = _exchanges(engine, outcome, "http_response_mime_type, http_response_body, http_response_headers")
    exchanges = (
        Exchange(
            evidence_id,
            row["record_no"],
            row["http_response_mime_type"],
            row["http_response_body"],
            _pairs(row["http_response_headers"]),
        )
        for row in rows
    )
    for match in content_rows(scanner, exchanges):
        yield {key: value for key, value in match.items() if key != "evidence_id"}


def _verdicts(engine: Store, outcome: Outcome) -> Iterator[dict[str, Any]]:
    """Only responses whose headers were captured get verdicts: an empty list is no proof that a header was absent."""
    for row in _exchanges(engine, outcome, "url_scheme, http_response_headers"):
        headers = _pairs(row["http_response_headers"])
        if not headers:
            continue
        for verdict in _judged(
            tuple(pair for pair in headers if pair[0].strip().lower() in SECURITY_HEADERS), row["url_scheme"]
        ):
            yield {
                "record_no": row["record_no"],
                "header": verdict.header,
                "verdict": verdict.verdict,
                "verdict_rank": verdict.rank,
            }


@lru_cache(maxsize=4096)
def _judged(headers: tuple[tuple[str, str], ...], scheme: str | None) -> tuple[HeaderVerdict, ...]:
    """Judge each distinct set once: a service sends few, and this is five times as quick."""
    return tuple(header_verdicts(headers, scheme))


def _pairs(headers: list[dict[str, str]] | None) -> list[tuple[str, str]]:
    return [(item["name"] or "", item["value"] or "") for item in headers or []]
