"""The cache `case.duckdb`: built when it is missing or stale, opened in the sandbox."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forensics import __version__
from forensics.case import Case
from forensics.errors import CaseError, IntegrityError
from forensics.resources import tree, walk
from forensics.schema import TABLES
from forensics.store import Sandbox, closing, open_cache, open_sandbox
from forensics.views.build import build
from forensics.views.domains import list_version, shared_suffixes
from forensics.views.geography import databases_of, digests_of
from forensics.views.lists import built_in

_ID = re.compile(r"[0-9a-zA-Z_-]{1,64}")


@contextmanager
def opened(case: Case, threads: int | None = None) -> Iterator[Sandbox]:
    """Open the case's views in the sandbox; the cache is built first where it is missing or stale."""
    ensure(case, threads)
    sandbox = open_sandbox(case.database, list(_readable(case)), case.temporary, threads)
    try:
        yield sandbox
    finally:
        sandbox.close()


def ensure(case: Case, threads: int | None = None) -> None:
    """Build the cache unless it is the very file that this tool wrote here for this evidence, configuration and version.

    Table files are hashed when they are met first, and again when one of them is not the very file that was hashed then.

    Raises:
        ConfigError: a file of `[enrich]` is missing or cannot be read. IntegrityError: the ledger names what is no evidence id, or the
            ledger or a table is not what was recorded.

    """
    wanted, kept = _key(case), _kept(case)
    tables = case.require_known_tables(kept.rpartition(" ")[2])
    if kept == f"{wanted} {_identity(case.database)} {tables}":
        return
    if kept.rpartition(" ")[0] != f"{wanted} {_identity(case.database)}":
        _build(case, threads)
    _marker(case).write_text(f"{wanted} {_identity(case.database)} {tables}")


def _build(case: Case, threads: int | None) -> None:
    _drop(case)
    case.temporary.mkdir(exist_ok=True, mode=0o700)
    files = {table: case.table_files(table) for table in TABLES}
    with closing(open_cache(case.database, case.temporary, threads)) as store:
        build(store, case.config().config, case.ledger(), files, databases_of(case))


def _marker(case: Case) -> Path:
    return case.folder / "case.duckdb.key"


def _kept(case: Case) -> str:
    """Return what the cache was built for, or nothing where it is no plain file or something was laid beside it."""
    marker = _marker(case)
    if {path.name for path in case.folder.glob("case.duckdb*")} != {case.database.name, marker.name}:
        return ""
    if not all(path.is_file() and not path.is_symlink() for path in (case.database, marker)):
        return ""
    return marker.read_text(encoding="utf-8", errors="replace")


def _identity(path: Path) -> str:
    """Tell this file from every copy: the change time is set by the kernel, so a cache that came with a case is never trusted."""
    if not path.exists():
        return ""
    seen = path.lstat()
    return f"{seen.st_dev}:{seen.st_ino}:{seen.st_size}:{seen.st_mtime_ns}:{seen.st_ctime_ns}"


def _drop(case: Case) -> None:
    """Remove the cache and whatever lies beside it under its name: a write-ahead log would be played into the next one."""
    for stale in case.folder.glob("case.duckdb*"):
        if stale.is_dir() and not stale.is_symlink():
            raise CaseError(f"{stale} is a folder.", hint="Remove it; the cache is built again.")
        stale.unlink(missing_ok=True)


def _key(case: Case) -> str:
    strange = [entry.id for entry in case.ledger() if entry.rows and not _ID.fullmatch(entry.id)]
    if strange:
        raise IntegrityError(
            f"The ledger names {strange[0][:80]!a}, which is no evidence id.", hint="Ingest the evidence again."
        )
    queries = [file for part in ("macros", "views") for _, file in walk(tree("queries") / part, ".sql")]
    parts = [__version__, str(case.folder.absolute()), case.config().sha256, list_version()]
    parts += [file.read_text(encoding="utf-8") for file in queries]
    parts += [f"{kind}{text}" for kind, text in built_in()]
    parts += sorted(shared_suffixes())
    parts += [f"{key}{digest}" for key, digest in sorted(digests_of(case).items())]
    parts += [f"{entry.id}{entry.status}{sorted(entry.rows.items())}" for entry in case.ledger()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _readable(case: Case) -> Iterator[Path]:
    for table in TABLES:
        yield from (path.absolute() for path in case.table_files(table))
