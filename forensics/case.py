"""A case is a folder: where things lie in it, its ledger, and one process at a time."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from forensics import custody
from forensics.config import FILE_NAME, Loaded, empty, load
from forensics.errors import CaseError, IntegrityError, Location

Status = Literal["ingested", "duplicate", "unrecognised", "ignored", "configuration", "failed"]


class LedgerEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One evidence file. `records = accepted + rejected + skipped`; rows are counted per table."""

    id: str
    name: str
    path: str
    status: Status
    size: int
    sha256: str
    content_sha256: str
    content_size: int
    inode: int = 0
    mtime_ns: int = 0
    compression: str = "none"
    format: str = ""
    observer: str = ""
    records: int = 0
    accepted: int = 0
    rejected: int = 0
    skipped: dict[str, int] = {}
    salvaged: int = 0
    rows: dict[str, int] = {}
    table_sha256: dict[str, str] = {}
    first_time: str = ""
    last_time: str = ""
    time_rule: str = ""
    note: str = ""
    truncated: str = ""
    duplicate_of: str = ""


@dataclass(frozen=True)
class Case:
    """A case folder; nothing is read until asked for."""

    folder: Path
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def tables(self) -> Path:
        """Parquet files, `<table>/<evidence id>.parquet`."""
        return self.folder / "tables"

    @property
    def temporary(self) -> Path:
        """Scratch space; may be deleted at any time."""
        return self.folder / "tmp"

    @property
    def restricted(self) -> Path:
        """Revealed material and evidence copies, mode 0700."""
        return self.folder / "restricted"

    @property
    def results(self) -> Path:
        """Canonical material of the report's sections."""
        return self.folder / "results"

    @property
    def reports(self) -> Path:
        """Rendered outputs."""
        return self.folder / "reports"

    @property
    def database(self) -> Path:
        """The cache of views and dimensions; may be deleted at any time."""
        return self.folder / "case.duckdb"

    @property
    def findings(self) -> Path:
        """The canonical result."""
        return self.folder / "findings.json"

    @property
    def name(self) -> str:
        """Name of the case: the folder without `.case`."""
        return self.folder.name.removesuffix(".case")

    def config(self) -> Loaded:
        """Return the case's own copy of canary.toml."""
        path = self.folder / FILE_NAME
        return load(path) if path.exists() else empty()

    def ledger(self) -> list[LedgerEntry]:
        """Return the evidence ledger.

        Raises:
            IntegrityError: evidence.json is not what this tool writes.

        """
        path = self.folder / "evidence.json"
        if not path.exists():
            return []
        try:
            return msgspec.json.decode(path.read_bytes(), type=list[LedgerEntry])
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise IntegrityError(
                f"The ledger is damaged: {error}.", hint="Ingest the evidence again.", location=Location(path)
            ) from error

    def write_ledger(self, entries: list[LedgerEntry]) -> None:
        """Replace the ledger, sorted by name."""
        ordered = sorted(entries, key=lambda entry: (entry.name, entry.path))
        write_bytes(self.folder / "evidence.json", msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n")

    def write_config(self, loaded: Loaded) -> None:
        """Keep a copy of the configuration the case was made with."""
        path = self.folder / FILE_NAME
        write_bytes(path, loaded.text.encode())
        self.log("configuration", sha256=self.digests([path]))

    def table_files(self, table: str) -> list[Path]:
        """Return the Parquet files of a table that the ledger knows, sorted."""
        known = [entry.id for entry in self.ledger() if entry.status == "ingested" and table in entry.rows]
        return [self.tables / table / f"{item}.parquet" for item in sorted(known)]

    def digests(self, paths: Iterable[Path]) -> dict[str, str]:
        """Return the SHA-256 of files of this case by their path in it, for the custody log; `status` checks them."""
        return {path.resolve().relative_to(self.folder.resolve()).as_posix(): file_sha256(path) for path in paths}

    def log(self, action: str, **details: Any) -> None:
        """Add a line to the custody log."""
        custody.append(self.folder / "custody.jsonl", action, details)

    def log_access(self, action: str, **details: Any) -> None:
        """Add a line to the access log (reads that reveal)."""
        custody.append(self.folder / "access.jsonl", action, details)


def create(folder: Path) -> Case:
    """Make a case folder, readable by its owner only.

    Raises:
        CaseError: the folder cannot be made or written.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in ("tables", "tmp", "results", "reports"):
            (folder / part).mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise CaseError(
            f"The case {folder} cannot be written: {error.strerror}.",
            hint="Name another folder with --case.",
            location=Location(folder),
        ) from error
    return Case(folder)


def open_case(folder: Path) -> Case:
    """Return an existing case.

    Raises:
        CaseError: there is no case in `folder`.

    """
    if not (folder / "evidence.json").is_file():
        raise CaseError(f"{folder} is not a case.", hint="Make one with: canary-forensics review EVIDENCE --case DIR.")
    return Case(folder)


@contextmanager
def exclusive(case: Case) -> Iterator[None]:
    """Hold the case for this process.

    Raises:
        CaseError: another process holds it (named by its process id), or the folder is read-only.

    """
    path = case.folder / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CaseError(
            f"The case {case.folder} cannot be written: {error.strerror}.",
            hint="Copy it to a place you may write, or name another with --case.",
        ) from error
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = file.read().strip() or "unknown"
            raise CaseError(
                f"The case is in use by process {holder}.", hint="Wait until it is done.", location=Location(path)
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        CaseError: the folder cannot be written or the disk is full.

    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise CaseError(
            f"{path} cannot be written: {error.strerror}.", hint="Free some space or fix the permissions."
        ) from error


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
