"""Bring evidence into a case: recognise, parse, count, keep the ledger. Evidence is opened read-only and never changed."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from forensics import bodies
from forensics.case import Case, LedgerEntry, file_sha256
from forensics.errors import EvidenceError, ForensicsError, FormatError
from forensics.evidence import HEAD_BYTES, HashingReader, Source, discover, open_file, read_head, spool, standard_input
from forensics.importers import Importer, by_name, recognise, scores
from forensics.importers.contract import Head
from forensics.ingest import document_files, line_files, scanning, table_files
from forensics.ingest.line_files import Outcome
from forensics.resources import tree
from forensics.store import EngineError, Store, closing, literal, open_ingest

CONFIGURATION_FILES = ("canary.toml", "expected.toml", "gdpr.toml")


class Watcher(Protocol):
    """Is told about progress; `advance` gets bytes read."""

    def start(self, name: str, size: int) -> None:
        """Say that a file begins."""

    def advance(self, count: int) -> None:
        """Say that bytes were read."""


class Silent:
    """A watcher that says nothing."""

    def start(self, name: str, size: int) -> None:
        """Ignore."""

    def advance(self, count: int) -> None:
        """Ignore."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to ingest: a forced format, files to leave out, threads, whether to copy the evidence into the case."""

    format: str = ""
    ignore: Sequence[str] = ()
    threads: int | None = None
    copy: bool = False


def ingest(
    case: Case, paths: Sequence[Path], options: Options | None = None, watcher: Watcher | None = None
) -> list[LedgerEntry]:
    """Ingest files and folders into the case; return the ledger entries of this call.

    What is already in the case (same bytes after decompression) is not counted twice.

    Raises:
        EvidenceError, FormatError: a path does not exist, a file named by the user cannot be read or is of no known format.

    """
    options = options or Options()
    return load(case, sources_of(case, paths, options.ignore), options, watcher)


def load(case: Case, sources: Sequence[Source], options: Options, watcher: Watcher | None = None) -> list[LedgerEntry]:
    """Ingest files that were found before; see `ingest`."""
    watcher = watcher or Silent()
    importer = by_name(options.format) if options.format else None
    entries = {entry.path: entry for entry in case.ledger()}
    made = []
    with closing(open_ingest(case.temporary, options.threads)) as engine:
        prepare(engine)
        for source in sources:
            entry = _one(engine, case, source, importer, list(entries.values()), watcher)
            entries[entry.path] = _copied(case, source, entry) if options.copy else entry
            made.append(entries[entry.path])
            case.write_ledger(list(entries.values()))
    shutil.rmtree(case.temporary / "load", ignore_errors=True)
    case.log("ingest", files=len(made), evidence=[entry.id for entry in made if entry.status == "ingested"])
    return made


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


def prepare(engine: Store) -> None:
    """Define the macros that importers use."""
    engine.execute((tree("queries") / "macros" / "ingest.sql").read_text(encoding="utf-8"))
    engine.function("decode_body", bodies.decode_column, ["VARCHAR", "VARCHAR", "VARCHAR"], bodies.RESULT)


def _one(
    engine: Store, case: Case, source: Source, importer: Importer | None, known: list[LedgerEntry], watcher: Watcher
) -> LedgerEntry:
    if source.is_link:
        return _unread(source, "ignored", "symbolic link: name the file itself")
    try:
        head = head_of(source)
        chosen = importer or _choose(source, head)
        if chosen is None:
            return _identified(source, *_other(source, head))
        watcher.start(source.name, source.path.stat().st_size)
        return _load(engine, case, source, chosen, head, known, watcher.advance)
    except EvidenceError as error:
        if source.named:
            raise
        return _unread(source, "failed", error.message)


def _copied(case: Case, source: Source, entry: LedgerEntry) -> LedgerEntry:
    """Keep the evidence in the case's restricted folder, named by its hash."""
    if entry.status != "ingested":
        return entry
    with open_file(source.path) as file:
        kept = spool(file, case.restricted / "evidence")
    return msgspec.structs.replace(entry, note=f"copied to restricted/evidence/{kept.name}")


def head_of(source: Source) -> Head:
    """Return the head of a source, for recognition."""
    data = read_head(source.path)
    return Head(data, source.name, complete=len(data) < HEAD_BYTES)


def _choose(source: Source, head: Head) -> Importer | None:
    found = recognise(head)
    if found is None and source.named:
        candidates = ", ".join(f"{importer.name} ({score})" for score, importer in scores(head)) or "none"
        raise FormatError(
            f"The format of {source.name} is not known (candidates: {candidates}).",
            hint="Name it with --format NAME; `canary-forensics formats` lists all.",
        )
    return found


def _other(source: Source, head: Head) -> tuple[str, str]:
    """Tell configuration apart from what is not recognised."""
    if source.path.name in CONFIGURATION_FILES:
        return "configuration", source.path.name
    if source.path.suffix == ".toml" and head.complete and _is_toml(head.text):
        return "configuration", "TOML"
    if head.mentions(r"(?m)^\s*\"?apiVersion\"?:\s*\"?(argoproj\.io|flagger\.app|networking\.istio\.io)/"):
        return "configuration", "Kubernetes object: policy or routing"
    return "unrecognised", "no importer claims its content" if head.data else "empty file"


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _unread(source: Source, status: str, note: str) -> LedgerEntry:
    return LedgerEntry("", source.name, source.location, status, 0, "", "", 0, note=note)  # type: ignore[arg-type]  # literal by caller


def _identified(source: Source, status: str, note: str) -> LedgerEntry:
    """Hash a file that is not parsed: the report lists it with its identity."""
    with HashingReader(source.path) as reader:
        identity, info = reader.identity(), reader.before
    return LedgerEntry(
        identity.sha256[:16], source.name, source.location, status, identity.size, identity.sha256, identity.sha256, identity.size,  # type: ignore[arg-type]  # literal by caller
        inode=info.inode, mtime_ns=info.mtime_ns, note=note,
    )  # fmt: skip


def _load(
    engine: Store,
    case: Case,
    source: Source,
    importer: Importer,
    head: Head,
    known: list[LedgerEntry],
    notify: Callable[[int], None],
) -> LedgerEntry:
    work = case.temporary / "load"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    outcome = parse(engine, source.path, importer, head, work, notify)
    evidence_id = outcome.identity.evidence_id
    twin = next(
        (
            entry
            for entry in known
            if entry.id == evidence_id and entry.status == "ingested" and entry.path != source.location
        ),
        None,
    )
    if twin is not None:
        return _entry(source, importer, outcome, {}, duplicate_of=twin.name)
    if "http_exchanges" in outcome.files:
        scanning.scan(engine, outcome, evidence_id, work)
    span = _span(engine, outcome)
    hashes = {
        table: _move(path, case.tables / table / f"{evidence_id}.parquet") for table, path in outcome.files.items()
    }
    return _entry(source, importer, outcome, hashes, span=span)


def parse(
    engine: Store, path: Path, importer: Importer, head: Head, work: Path, notify: Callable[[int], None] | None
) -> Outcome:
    """Parse one file with one importer into Parquet files below `work`.

    Raises:
        EvidenceError: it cannot be read, changed meanwhile, or the engine refuses it.

    """
    try:
        if importer.has("plan"):
            return line_files.load(engine, path, importer, head, work, notify)
        if importer.has("table_sql"):
            return table_files.load(engine, path, importer, work, notify)
        return document_files.load(path, importer, work, notify)
    except EngineError as error:
        first = str(error).split("\n")[0]
        raise EvidenceError(
            f"{path} cannot be parsed as {importer.name}: {first}", hint="Try another --format."
        ) from error
    except OSError as error:
        raise EvidenceError(
            f"{path} cannot be ingested: {error.strerror}.", hint="Check the disk and the permissions."
        ) from error


def _move(source: Path, target: Path) -> str:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = file_sha256(source)
    source.replace(target)
    return digest


def _span(engine: Store, outcome: Outcome) -> tuple[str, str]:
    """First and last time of the rows, ISO 8601 UTC; empty where no table has times."""
    timed = [
        path for table, path in outcome.files.items() if table not in ("rejects", "content_matches", "header_verdicts")
    ]
    if not timed:
        return "", ""
    first, last = engine.rows(
        f"select min(time), max(time) from read_parquet({literal([str(path) for path in timed])}, union_by_name = true)"
    )[0]
    return (first.isoformat() + "Z" if first else "", last.isoformat() + "Z" if last else "")


def _entry(
    source: Source,
    importer: Importer,
    outcome: Outcome,
    hashes: dict[str, str],
    *,
    span: tuple[str, str] = ("", ""),
    duplicate_of: str = "",
) -> LedgerEntry:
    identity, info = outcome.identity, source.path.stat()
    return LedgerEntry(
        id=identity.evidence_id,
        name=source.name,
        path=source.location,
        status="duplicate" if duplicate_of else "ingested",
        size=identity.size,
        sha256=identity.sha256,
        content_sha256=identity.content_sha256,
        content_size=identity.content_size,
        inode=info.st_ino,
        mtime_ns=info.st_mtime_ns,
        compression=outcome.compression,
        format=importer.name,
        observer=outcome.observer,
        records=outcome.records,
        accepted=outcome.accepted,
        rejected=outcome.rejected,
        skipped=outcome.skipped,
        salvaged=outcome.salvaged,
        rows={} if duplicate_of else {table: outcome.rows[table] for table in sorted(outcome.rows)},
        table_sha256=dict(sorted(hashes.items())),
        first_time=span[0],
        last_time=span[1],
        time_rule=outcome.time_rule,
        truncated=outcome.truncated,
        duplicate_of=duplicate_of,
    )


__all__ = [
    "ForensicsError",
    "Options",
    "Silent",
    "Watcher",
    "find",
    "head_of",
    "ingest",
    "load",
    "parse",
    "prepare",
    "sources_of",
]
