"""A case is a folder: where things lie in it, its ledger, and one process at a time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forensics import custody
from forensics.case import commit, ledger
from forensics.case.commit import file_sha256, interrupted, write_bytes
from forensics.case.ledger import LedgerEntry, Status
from forensics.case.plain import require_plain
from forensics.config import FILE_NAME, Loaded, empty, load
from forensics.errors import CaseError, IntegrityError, Location

LEDGER, JOURNAL = "evidence.json", "evidence.journal"

__all__ = [
    "LEDGER",
    "Case",
    "LedgerEntry",
    "Status",
    "create",
    "exclusive",
    "file_sha256",
    "interrupted",
    "open_case",
    "write_bytes",
]


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
        """Return the evidence ledger; after an interrupted ingest what was read until then, the rest as `pending`.

        Raises:
            IntegrityError: evidence.json is not what this tool writes.

        """
        return ledger.read(self.folder / LEDGER, self.folder / JOURNAL)

    def begin_ingest(self, entries: Sequence[LedgerEntry]) -> None:
        """Write a ledger that names what is to be read as `pending`.

        Raises:
            IntegrityError: the ledger is not the one that the custody log pins.

        """
        self.require_recorded(LEDGER)
        self.commit("ingest started", {LEDGER: ledger.encode(entries)}, files=len(entries))
        (self.folder / JOURNAL).unlink(missing_ok=True)

    def require_recorded(self, *names: str) -> None:
        """Refuse to build on a file that is not what the custody log pins; raises `IntegrityError`.

        While a step is between the custody log and its outputs nothing is refused.
        """
        if commit.interrupted(self.folder):
            return
        pinned = custody.pinned(self.folder / custody.FILE_NAME)
        for name in names:
            path = self.folder / name
            if trouble := _trouble(path, name, pinned):
                raise IntegrityError(
                    f"{name} {trouble}.",
                    hint="See what with: canary-forensics status CASE. Restore it, or make a new case.",
                    location=Location(path),
                )

    def recorded(self, folder: str) -> list[str]:
        """Return the files below a folder that the custody log pins."""
        return [name for name in custody.pinned(self.folder / custody.FILE_NAME) if name.startswith(f"{folder}/")]

    def require_tables(self) -> None:
        """Refuse to judge tables that are not those that were ingested; raises `IntegrityError`."""
        state = self.table_state()
        for path, digest in self._recorded_tables():
            if not path.is_file() or file_sha256(path) != digest:
                raise IntegrityError(
                    f"The table file {path.parent.name}/{path.name} is not what was ingested.",
                    hint="Ingest the evidence again, or restore the case.",
                    location=Location(path),
                )
        self._cache["checked tables"] = state

    def require_known_tables(self, known: str) -> str:
        """Check the hashes of tables unless they are in a state in which they were checked: `known`, or by this process.

        Return the state, to be kept with what is built upon it.

        Raises:
            IntegrityError: the ledger, or a table, is not what was recorded.

        """
        self.require_recorded(LEDGER)
        state = self.table_state()
        if state not in (known, self._cache.get("checked tables")):
            self.require_tables()
        return state

    def table_state(self) -> str:
        """Tell the table files from all others without reading them: the kernel sets the change time, so no copy passes for a file here."""
        found = [f"{path}{digest}{_on_disk(path)}" for path, digest in self._recorded_tables()]
        return hashlib.sha256("\n".join(found).encode()).hexdigest()

    def _recorded_tables(self) -> Iterator[tuple[Path, str]]:
        """Yield the table files of the ledger with their SHA-256."""
        for entry in self.ledger():
            for table, digest in entry.table_sha256.items():
                yield self.tables / table / f"{entry.id}.parquet", digest

    def journal(self, entry: LedgerEntry) -> None:
        """Note one finished file: cheap, so that an interrupted ingest of many files goes on where it stopped."""
        ledger.append(self.folder / JOURNAL, entry)

    def finish_ingest(self, entries: Sequence[LedgerEntry], **details: Any) -> None:
        """Replace the ledger, pin it in the custody log and drop the journal."""
        self.commit("ingest", {LEDGER: ledger.encode(entries)}, **details)
        self.drop_unknown_tables()
        (self.folder / JOURNAL).unlink(missing_ok=True)

    def drop_unknown_tables(self) -> None:
        """Remove table files that the ledger does not name: of entries that were replaced, or of an ingest that was interrupted."""
        known = {(table, entry.id) for entry in self.ledger() for table in entry.rows}
        for path in self.tables.glob("*/*"):
            if (path.parent.name, path.stem) not in known:
                path.unlink()

    def write_config(self, loaded: Loaded) -> None:
        """Keep a copy of the configuration the case was made with."""
        self.commit("configuration", {FILE_NAME: loaded.text.encode()})

    def table_files(self, table: str) -> list[Path]:
        """Return the Parquet files of a table that the ledger knows, sorted."""
        known = [entry.id for entry in self.ledger() if entry.status == "ingested" and table in entry.rows]
        return [self.tables / table / f"{item}.parquet" for item in sorted(known)]

    def commit(self, action: str, outputs: Mapping[str, bytes], **details: Any) -> None:
        """Write files, named by their place in the case, all or none, and pin their hashes in the custody log."""
        commit.write(self.folder, action, outputs, details)

    def log(self, action: str, **details: Any) -> None:
        """Add a line to the custody log."""
        custody.append(self.folder / custody.FILE_NAME, action, details)

    def log_access(self, action: str, **details: Any) -> None:
        """Add a line to the access log (reads that reveal)."""
        custody.append(self.folder / "access.jsonl", action, details)


def _trouble(path: Path, name: str, pinned: Mapping[str, str]) -> str:
    """Say what is wrong with a file that every step pins before it is written: cutting the custody log does not unpin it."""
    if not path.is_file():
        return "is missing" if name in pinned else ""
    if name not in pinned:
        return "is not in the custody log, which was cut or replaced"
    return "" if file_sha256(path) == pinned[name] else "was changed after it was written"


def _on_disk(path: Path) -> str:
    try:
        info = path.lstat()
    except OSError:
        return "missing"
    return f"{info.st_dev}:{info.st_ino}:{info.st_size}:{info.st_mtime_ns}:{info.st_ctime_ns}"


def create(folder: Path) -> Case:
    """Make a case folder, readable by its owner only.

    Raises:
        CaseError: the folder cannot be made or written. IntegrityError: it is there and holds a link or a special file.

    """
    require_plain(folder)
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
        CaseError: there is no case in `folder`. IntegrityError: it holds a link or a special file.

    """
    if not os.path.lexists(folder / LEDGER):
        raise CaseError(f"{folder} is not a case.", hint="Make one with: canary-forensics review EVIDENCE --case DIR.")
    require_plain(folder)
    case = Case(folder)
    if commit.interrupted(folder):
        with suppress(CaseError), exclusive(case):  # held by its writer, or read-only: then it is read as it is
            pass
    return case


@contextmanager
def exclusive(case: Case) -> Iterator[None]:
    """Hold the case for this process, and first repair what an interrupted one left.

    Raises:
        CaseError: another process holds it (named by its process id), or the folder is read-only.

    """
    path = case.folder / "lock"
    require_plain(case.folder)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
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
        _repair(case)
        yield


def _repair(case: Case) -> None:
    """Finish or drop outputs that were being written; remove scratch files and tables that the ledger does not know."""
    commit.finish(case.folder)
    shutil.rmtree(case.temporary / "load", ignore_errors=True)
    if (case.folder / JOURNAL).exists():
        case.drop_unknown_tables()
