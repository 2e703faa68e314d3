"""The cache `case.duckdb`: built when it is missing or stale, opened in the sandbox."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forensics import __version__
from forensics.case import Case
from forensics.resources import tree, walk
from forensics.schema import TABLES
from forensics.store import Sandbox, closing, open_cache, open_sandbox
from forensics.views.build import build
from forensics.views.domains import list_version
from forensics.views.geography import databases_of, digests_of


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
    """Build the cache unless it stands for this evidence, configuration, version and place.

    Raises:
        ConfigError: a file of `[enrich]` is missing or cannot be read.

    """
    marker, wanted = case.folder / "case.duckdb.key", _key(case)
    if case.database.exists() and marker.exists() and marker.read_text() == wanted:
        return
    for stale in (marker, case.database, case.database.with_suffix(".duckdb.wal")):
        stale.unlink(missing_ok=True)
    case.temporary.mkdir(exist_ok=True, mode=0o700)
    with closing(open_cache(case.database, case.temporary, threads)) as store:
        files = {table: case.table_files(table) for table in TABLES}
        build(store, case.config().config, case.ledger(), files, databases_of(case))
    marker.write_text(wanted)


def _key(case: Case) -> str:
    queries = [file for part in ("macros", "views") for _, file in walk(tree("queries") / part, ".sql")]
    parts = [__version__, str(case.folder.absolute()), case.config().sha256, list_version()]
    parts += [file.read_text(encoding="utf-8") for file in queries]
    parts += [f"{key}{digest}" for key, digest in sorted(digests_of(case).items())]
    parts += [f"{entry.id}{entry.status}{sorted(entry.rows.items())}" for entry in case.ledger()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _readable(case: Case) -> Iterator[Path]:
    for table in TABLES:
        yield from (path.absolute() for path in case.table_files(table))
