"""One record: its row as it was parsed, and its raw bytes with the lines around it, after the hash was checked again."""

from __future__ import annotations

import json
import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forensics import views
from forensics.case import Case, LedgerEntry
from forensics.errors import IntegrityError, UsageError
from forensics.evidence import HashingReader
from forensics.schema import TABLES
from forensics.store import Sandbox


@dataclass(frozen=True, slots=True)
class Line:
    """A physical line: its number, its bytes, and whether it is the one asked for."""

    number: int
    data: bytes
    wanted: bool


def split_id(record: str) -> tuple[str, int]:
    """Return evidence id and record number.

    Raises:
        UsageError: it does not look like `0123456789abcdef:42`.

    """
    evidence, _, number = record.rpartition(":")
    if not evidence or not re.fullmatch(r"[0-9]{1,18}", number) or int(number) < 1:
        raise UsageError(
            "A record is EVIDENCE:NUMBER, such as 0123456789abcdef:42.", hint="explain and timeline print record ids."
        )
    return evidence, int(number)


def entry_of(case: Case, evidence: str) -> LedgerEntry:
    """Return the ledger entry of an evidence id, or of its unique beginning.

    Raises:
        UsageError: no evidence, or more than one, begins so.

    """
    found = {entry.id: entry for entry in case.ledger() if entry.id.startswith(evidence) and entry.status == "ingested"}
    if len(found) != 1:
        raise UsageError(
            f"{'No' if not found else 'More than one'} evidence begins with {evidence}.",
            hint="status lists the evidence of a case.",
        )
    return next(iter(found.values()))


def rows(sandbox: Sandbox, entry: LedgerEntry, number: int) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a record by table, without columns that are NULL."""
    found = {}
    for table in entry.rows:
        view = f"observed.{table}" if TABLES[table].has_common else f"facts.{table}"
        data = sandbox.dicts(
            f"select * from {view} where evidence_id = $evidence and record_no = $number",
            {"evidence": entry.id, "number": number},
        )
        if data:
            found[table] = [{key: value for key, value in row.items() if value is not None} for row in data]
    return found


def record(case: Case, evidence: str, number: int) -> tuple[LedgerEntry, dict[str, list[dict[str, Any]]]]:
    """Return the ledger entry and the rows of a record.

    Raises:
        UsageError: there is no such evidence, or the file has fewer records.

    """
    entry = entry_of(case, evidence)
    if number > entry.records:
        raise UsageError(f"{entry.name} has {entry.records:,} records.", hint="Record numbers begin at 1.")
    with views.opened(case) as sandbox:
        return entry, rows(sandbox, entry, number)


def raw_lines(entry: LedgerEntry, number: int, context: int) -> list[Line]:
    """Return the physical lines around a record from the evidence file, after its hash was found to be the recorded one.

    Raises:
        EvidenceError: the file is gone. IntegrityError: it is not the file that was ingested.

    """
    first, last = max(1, number - context), number + context
    kept: list[Line] = []
    with closing(HashingReader(Path(entry.path))) as reader:
        line_no, carry = 1, b""
        while data := reader.read(1 << 20):
            block = carry + data
            *whole, carry = (
                block.split(b"\n") if line_no + block.count(b"\n") >= first and line_no <= last else _counted(block)
            )
            for text in whole:
                if first <= line_no <= last:
                    kept.append(Line(line_no, text, line_no == number))
                line_no += 1
        if carry and first <= line_no <= last:
            kept.append(Line(line_no, carry, line_no == number))
        identity = reader.identity()
    if identity.sha256 != entry.sha256:
        raise IntegrityError(
            f"{entry.name} is not the file that was ingested.",
            hint="Restore the original; its SHA-256 is in evidence.json.",
        )
    return kept


def _counted(block: bytes) -> list[bytes]:
    """Stand-ins for lines nobody asked for: only their number matters."""
    head, _, tail = block.rpartition(b"\n")
    return [b""] * (block.count(b"\n")) + [tail if head or block.startswith(b"\n") else block]


def document_entry(entry: LedgerEntry, number: int) -> bytes:
    """Return the whole document's text: entries of a document have no line of their own."""
    with closing(HashingReader(Path(entry.path))) as reader:
        parts = []
        while data := reader.read(1 << 20):
            parts.append(data)
        if reader.identity().sha256 != entry.sha256:
            raise IntegrityError(
                f"{entry.name} is not the file that was ingested.",
                hint="Restore the original; its SHA-256 is in evidence.json.",
            )
    return _nth(b"".join(parts), entry.format, number)


def _nth(data: bytes, form: str, number: int) -> bytes:
    """Cut the n-th entry out of a document we know the shape of, else return the whole document."""
    try:
        entries = _entries(json.loads(data.decode("utf-8-sig")), form)
    except (ValueError, RecursionError):
        return data
    if isinstance(entries, list) and 0 < number <= len(entries):
        return json.dumps(entries[number - 1], indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return data


def _entries(document: Any, form: str) -> Any:
    """Return the list whose indices are the record numbers."""
    for key in {"har": ("log", "entries"), "cyclonedx": ("components",)}.get(form, ("items",)):
        document = document.get(key) if isinstance(document, dict) else None
    return document
