"""Bring evidence into a case: recognise, parse, count, keep the ledger. Evidence is opened read-only and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from forensics.case import Case, LedgerEntry
from forensics.errors import EvidenceError
from forensics.evidence import Source, discover, spool, standard_input
from forensics.importers import by_name
from forensics.ingest.engine import prepare
from forensics.ingest.intake import Intake
from forensics.ingest.options import Options, Silent, Watcher
from forensics.ingest.recognition import head_of


def ingest(
    case: Case, paths: Sequence[Path], options: Options | None = None, watcher: Watcher | None = None
) -> list[LedgerEntry]:
    """Ingest files and folders into the case; return the ledger entries of this call.

    What is already in the case (same bytes after decompression) is not counted twice; of a file that grew only the new records are read;
    an interrupted ingest goes on where it stopped.

    Raises:
        EvidenceError, FormatError: a path does not exist, a file named by the user cannot be read or is of no known format.

    """
    options = options or Options()
    return load(case, sources_of(case, paths, options.ignore), options, watcher)


def load(case: Case, sources: Sequence[Source], options: Options, watcher: Watcher | None = None) -> list[LedgerEntry]:
    """Ingest files that were found before; see `ingest`."""
    importer = by_name(options.format) if options.format else None
    return Intake(case, options, importer, watcher or Silent()).run(sources)


def find(paths: Sequence[Path], ignore: Sequence[str]) -> list[Source]:
    """Return the evidence files without standard input.

    Raises:
        EvidenceError: a path does not exist, or there is no file in them.

    """
    named = [path for path in paths if str(path) != "-"]
    sources = discover(named, ignore)
    if not sources and len(named) == len(paths):
        raise EvidenceError(
            f"There is no file in {', '.join(map(str, paths))}.", hint="Name a folder that holds exported logs."
        )
    return sources


def sources_of(case: Case, paths: Sequence[Path], ignore: Sequence[str]) -> list[Source]:
    """Return the evidence files; `-` is standard input, kept in the case since it cannot be read twice."""
    sources = find(paths, ignore)
    if any(str(path) == "-" for path in paths):
        spooled = spool(standard_input(), case.restricted / "evidence")
        sources.append(Source(spooled, "standard input", named=True))
    return sources


__all__ = ["Options", "Silent", "Watcher", "find", "head_of", "ingest", "load", "prepare", "sources_of"]
