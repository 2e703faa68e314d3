"""The evidence ledger: one entry a file or archive member. A journal takes entries while an ingest runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from forensics.errors import CaseError, IntegrityError, Location

Status = Literal[
    "ingested", "duplicate", "contained", "replaced", "archive", "unrecognised", "ignored", "configuration", "failed", "pending"
]  # fmt: skip


class LedgerEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One evidence file. `records = accepted + rejected + skipped`; rows are counted per table.

    Of a line format `records` are physical lines: blank and header lines are skipped, and so are, as `continued`, those that belong to the
    record before.

    `member` is the name inside the archive at `path`. A grown file is a new entry that `continues` another: it holds the records from
    `first_record` on, its hashes are those of the whole file. A `contained` file is the beginning of what lay at its place before, whose rows
    stay. `may_hold_records` marks what is unrecognised though it looks like a log.
    """

    id: str
    name: str
    path: str
    status: Status
    size: int
    sha256: str
    content_sha256: str
    content_size: int
    member: str = ""
    inode: int = 0
    mtime_ns: int = 0
    compression: str = "none"
    format: str = ""
    forced: bool = False
    observer: str = ""
    tool: str = ""
    continues: str = ""
    first_record: int = 1
    open_end: bool = False
    records: int = 0
    accepted: int = 0
    rejected: int = 0
    skipped: dict[str, int] = {}
    salvaged: int = 0
    duplicate_keys: int = 0
    unmapped_keys: int = 0
    rows: dict[str, int] = {}
    table_sha256: dict[str, str] = {}
    first_time: str = ""
    last_time: str = ""
    time_rule: str = ""
    note: str = ""
    truncated: str = ""
    duplicate_of: str = ""
    may_hold_records: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """Where it lies: path and member."""
        return self.path, self.member

    @property
    def last_record(self) -> int:
        """Number of its last record."""
        return self.first_record + self.records - 1


def encode(entries: Iterable[LedgerEntry]) -> bytes:
    """Return evidence.json, sorted by name."""
    return msgspec.json.format(msgspec.json.encode(in_order(entries)), indent=1) + b"\n"


def in_order(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """Return entries by name, then place, then record."""
    return sorted(entries, key=lambda entry: (entry.name, entry.path, entry.member, entry.first_record, entry.id))


def read(path: Path, journal: Path) -> list[LedgerEntry]:
    """Return the entries with those of the journal in place of what they replace.

    Raises:
        IntegrityError: evidence.json is not what this tool writes.

    """
    if not path.exists():
        return []
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=list[LedgerEntry])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise IntegrityError(
            f"The ledger is damaged: {error}.", hint="Ingest the evidence again.", location=Location(path)
        ) from error
    return merge(entries, _journal(journal))


def merge(entries: Sequence[LedgerEntry], newer: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Put newer entries in the place of pending ones, of those with the same place and id, and of the same content that was moved."""
    done = {entry.place for entry in newer}
    latest = {(entry.place, entry.id): entry for entry in newer}
    moved = {entry.id for entry in newer if entry.status == "ingested"}
    kept = [
        entry
        for entry in entries
        if (entry.place, entry.id) not in latest
        and not (entry.status == "pending" and entry.place in done)
        and not (entry.status == "ingested" and entry.id in moved)
    ]
    return [*kept, *latest.values()]


def append(path: Path, entry: LedgerEntry) -> None:
    """Add an entry to the journal.

    Raises:
        CaseError: it cannot be written.

    """
    try:
        with path.open("ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")
    except OSError as error:
        raise CaseError(
            f"{path} cannot be written: {error.strerror}.", hint="Free some space or fix the permissions."
        ) from error


def _journal(path: Path) -> list[LedgerEntry]:
    """Entries of whole lines; the last may have been cut when the writer was."""
    if not path.exists():
        return []
    *lines, _ = path.read_bytes().split(b"\n")
    try:
        return [msgspec.json.decode(line, type=LedgerEntry) for line in lines]
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise IntegrityError(
            f"The journal of the ledger is damaged: {error}.",
            hint="Ingest the evidence again.",
            location=Location(path),
        ) from error
