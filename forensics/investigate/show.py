"""One record: its row as it was parsed, and its raw bytes with the lines around it, after the hash was checked again."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from forensics import views
from forensics.case import Case, LedgerEntry
from forensics.errors import EvidenceError, IntegrityError, TruncatedError, UsageError
from forensics.evidence import HashingReader, archive_kind, read_head, walk
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
    if not entry.first_record <= number <= entry.last_record:
        raise UsageError(
            f"{entry.name} has the records {entry.first_record:,} to {entry.last_record:,} under this id.",
            hint="Record numbers begin at 1; status lists the evidence.",
        )
    with views.opened(case) as sandbox:
        return entry, rows(sandbox, entry, number)


@contextmanager
def located(case: Case, entry: LedgerEntry) -> Iterator[Path]:
    """Give the evidence as a file: the case's own copy, the file where it lies, or an archive member staged in the case.

    Raises:
        EvidenceError: the archive no longer holds the member.

    """
    copy = case.restricted / "evidence" / entry.sha256
    if copy.is_file():
        yield copy
    elif not entry.member:
        yield Path(entry.path)
    else:
        case.temporary.mkdir(exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=case.temporary) as folder:
            yield _staged(entry, Path(folder) / "member")


def _staged(entry: LedgerEntry, target: Path) -> Path:
    archive = Path(entry.path)
    kind = archive_kind(read_head(archive)[0])
    with closing(walk(archive, kind)) if kind else nullcontext(()) as members, suppress(TruncatedError):
        for member, data in members:
            if member.name == entry.member and not member.refused:
                with target.open("wb") as file, suppress(TruncatedError):
                    file.writelines(data)
                return target
    raise EvidenceError(f"{entry.path} no longer holds {entry.member}.", hint="Restore the original.")


class _Checked:
    """The decompressed bytes of an entry, in order; at the end their hash must be the recorded one."""

    def __init__(self, path: Path, entry: LedgerEntry) -> None:
        self._path, self._entry = path, entry

    def __iter__(self) -> Iterator[bytes]:
        digest, left = hashlib.sha256(), self._entry.content_size
        with closing(HashingReader(self._path)) as reader, suppress(TruncatedError):
            while left and (data := reader.read(1 << 20)):
                data = data[:left]  # a file may have grown since: what was ingested is its beginning
                left -= len(data)
                digest.update(data)
                yield data
        if digest.hexdigest() != self._entry.content_sha256:
            raise IntegrityError(
                f"{self._entry.name} is not the file that was ingested.",
                hint="Restore the original; its SHA-256 is in evidence.json.",
            )


def raw_lines(case: Case, entry: LedgerEntry, number: int, context: int) -> list[Line]:
    """Return the physical lines around a record from the evidence file, after its hash was found to be the recorded one.

    Raises:
        EvidenceError: the file is gone. IntegrityError: it is not the file that was ingested.

    """
    return _anywhere(case, entry, lambda path: _lines(path, entry, number, context))


T = TypeVar("T")


def _anywhere(case: Case, entry: LedgerEntry, read: Callable[[Path], T]) -> T:
    """Read the evidence where it lies, else where the same content lies too: logs are rotated and compressed after they were ingested."""
    others = [item for item in case.ledger() if item.id == entry.id and item.place != entry.place]
    trouble: EvidenceError | IntegrityError | None = None
    for place in (entry, *others):
        try:
            with located(case, place) as path:
                return read(path)
        except (EvidenceError, IntegrityError) as error:
            trouble = trouble or error
    assert trouble is not None  # noqa: S101 - there is one place at least
    raise trouble


def _lines(path: Path, entry: LedgerEntry, number: int, context: int) -> list[Line]:
    first, last = max(1, number - context), number + context
    kept: list[Line] = []
    line_no, carry = 1, b""
    for data in _Checked(path, entry):
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
    return kept


def _counted(block: bytes) -> list[bytes]:
    """Stand-ins for lines nobody asked for: only their number matters."""
    head, _, tail = block.rpartition(b"\n")
    return [b""] * (block.count(b"\n")) + [tail if head or block.startswith(b"\n") else block]


def document_entry(case: Case, entry: LedgerEntry, number: int) -> bytes:
    """Return the text of an entry of a document, or the whole document: entries have no line of their own."""
    data = _anywhere(case, entry, lambda path: b"".join(_Checked(path, entry)))
    return _nth(data, entry.format, number)


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
