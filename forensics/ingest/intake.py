"""One ingest: plan, read the files side by side, journal each, settle what is the same content, write the ledger.

Killed at any moment, the journal tells what is done; the next ingest reads the rest.
"""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec

from forensics import __version__
from forensics.case import Case, LedgerEntry, file_sha256
from forensics.case.ledger import in_order, merge
from forensics.errors import CaseError, EvidenceError, TruncatedError, storage_trouble
from forensics.evidence import (
    SPECIAL,
    HashingReader,
    Kind,
    Mark,
    Member,
    NotGrownError,
    Source,
    archive_kind,
    open_file,
    prefix_hashes,
    spool,
    walk,
)
from forensics.importers import Importer
from forensics.importers.contract import Head
from forensics.ingest import entries, scanning
from forensics.ingest.engine import Workers
from forensics.ingest.line_files import Job, Outcome
from forensics.ingest.options import Options, Watcher
from forensics.ingest.parsing import DERIVED, parse, span
from forensics.ingest.recognition import choose, head_of, other
from forensics.ingest.settle import chain, last_segments, replaced, segments, settle
from forensics.ingest.shrunk import is_beginning, last_offset
from forensics.scan import scanner_for
from forensics.store import Store
from forensics.text import plural, safe_text


class Intake:
    """The state of one ingest: the case, what it held before, and where scratch files go."""

    def __init__(self, case: Case, options: Options, importer: Importer | None, watcher: Watcher) -> None:
        self._case, self._options, self._forced, self._watcher = case, options, importer, watcher
        self._known = case.ledger()
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        held = (entry.id for entry in self._known if entry.status == "ingested")
        self._claimed: set[str] = set() if options.fresh else set(held)
        self._contained = {entry.place: entry for entry in self._known if entry.status == "contained"}

    def run(self, sources: Sequence[Source]) -> list[LedgerEntry]:
        """Read the sources; return their entries, also those of archive members."""
        self._begin(sources)
        made: list[LedgerEntry] = []
        # Files that may have grown go first and one by one: their segment must not race with a copy of the same file.
        places = {entry.place for entry in self._known if entry.status == "ingested"}
        seen = [source for source in sources if (source.location, source.member) in places]
        new = [source for source in sources if (source.location, source.member) not in places]
        with Workers(self._case.temporary, self._options.threads, self._options.memory) as workers:
            for found in itertools.chain(
                *(workers.each([source], self._take) for source in seen), workers.each(new, self._take)
            ):
                made += found
                for entry in found:
                    self._case.journal(entry)
        return self._finish(made)

    def _begin(self, sources: Sequence[Source]) -> None:
        planned = {source.location for source in sources}
        kept = [entry for entry in self._known if entry.status in ("ingested", "replaced") or entry.path not in planned]
        waiting = [entries.unread(source, "pending", "not read yet") for source in sources]
        self._case.begin_ingest([*kept, *waiting])
        self._known = kept
        self._watcher.begin(len(sources), sum(_size(source) for source in sources))

    def _finish(self, made: list[LedgerEntry]) -> list[LedgerEntry]:
        settled = settle(made if self._options.fresh else merge(self._known, made), made)
        new = {entry.id for entry in made if entry.status == "ingested"}
        self._case.finish_ingest(settled, files=len(made), evidence=sorted(new))
        shutil.rmtree(self._case.temporary / "load", ignore_errors=True)
        mine = {(entry.place, entry.id) for entry in made}
        return in_order(entry for entry in settled if (entry.place, entry.id) in mine)

    def _take(self, engine: Store, source: Source) -> list[LedgerEntry]:
        """Return the entries of a source; what goes wrong with one file is its entry and does not stop the others."""
        if source.refused:
            return [_refused(source)]
        self._watcher.start(source.name)
        try:
            return self._entries(engine, source)
        except EvidenceError as error:
            if source.named:
                raise
            return [entries.unread(source, "failed", error.message)]
        except CaseError:
            raise
        except OSError as error:
            if trouble := storage_trouble(error):
                raise CaseError(
                    f"The case {self._case.folder} cannot be written: {trouble}.",
                    hint="Free some space or fix the permissions, and run the same again: what is read already is kept.",
                ) from error
            return [entries.unread(source, "failed", f"cannot be read: {error.strerror}")]
        except Exception as error:  # a defect met in one file must not cost the others; it is told, with exit code 3
            if os.environ.get("CANARY_DEBUG"):
                raise
            what = f"a defect of this tool stopped it: {type(error).__name__}: {safe_text(error, 200)}"
            return [entries.unread(source, "failed", what)]

    def _entries(self, engine: Store, source: Source) -> list[LedgerEntry]:
        head = head_of(source)
        kind = None if self._forced else archive_kind(head.data)
        if kind and source.archive:
            return [entries.identified(source, "failed", "an archive inside an archive is not opened")]
        if kind:
            return list(self._archive(engine, source, kind))
        return self._file(engine, source, head)

    def _archive(self, engine: Store, source: Source, kind: Kind) -> Iterator[LedgerEntry]:
        """Stage the members one by one under a number, never under their name."""
        count, trouble = 0, ""
        try:
            with closing(walk(source.path, kind)) as members:
                for member, data in members:
                    count += 1
                    yield from self._member(engine, source, member, data)
        except TruncatedError as error:
            trouble = error.message
        note = plural(count, "member")
        yield msgspec.structs.replace(entries.identified(source, "archive", note), truncated=trouble)

    def _member(self, engine: Store, source: Source, member: Member, data: Iterator[bytes]) -> Iterator[LedgerEntry]:
        staged = self._scratch() / "member"
        name = f"{source.name}!{member.name}"
        inside = Source(staged, name, named=False, member=member.name, archive=source.location)
        if member.refused:
            yield entries.unread(inside, "failed", f"not read: {member.refused}")
            return
        trouble = stage(data, staged)
        first, *rest = self._take(engine, inside)
        yield msgspec.structs.replace(first, truncated=first.truncated or trouble, inode=0, mtime_ns=0)
        yield from rest
        shutil.rmtree(staged.parent, ignore_errors=True)

    def _file(self, engine: Store, source: Source, head: Head) -> list[LedgerEntry]:
        previous = chain(self._known, (source.location, source.member))
        for entry in (*previous[-1:], *self._cut_before(source, previous)):
            if self._is_same(source, entry):
                self._watcher.advance(entry.size)
                return [msgspec.structs.replace(entry, name=source.name)]
        choice = choose(source, head, self._forced)
        if choice.importer is None:
            status, note, may_hold_records = other(source, choice)
            return [entries.identified(source, status, note, may_hold_records=may_hold_records)]
        previous = [] if self._options.fresh else previous or self._moved(source)
        found = [
            *self._load(engine, source, choice.importer, choice.head, previous),
            *_moved_along(source, previous),
        ]
        return [self._copied(source, found[0]), *found[1:]] if self._options.copy else found

    def _cut_before(self, source: Source, previous: list[LedgerEntry]) -> list[LedgerEntry]:
        """Return the entry that says the file is the beginning of `previous`; a fresh ledger holds what is there now."""
        entry = self._contained.get((source.location, source.member))
        return [entry] if entry and previous and not self._options.fresh else []

    def _moved(self, source: Source) -> list[LedgerEntry]:
        """Return the entries of a file of the same folder that this one begins with: a log that was rotated after it had grown."""
        folder = Path(source.location).parent
        beside = [
            entry
            for entry in last_segments(self._known)
            if not (entry.member or source.member) and Path(entry.path).parent == folder
        ]
        hashes = prefix_hashes(source.path, {entry.content_size for entry in beside})
        fitting = [entry for entry in beside if hashes.get(entry.content_size) == entry.content_sha256]
        return segments(self._known, max(fitting, key=lambda entry: entry.content_size)) if fitting else []

    def _is_same(self, source: Source, entry: LedgerEntry) -> bool:
        """Say whether the tables of this file are there already: same bytes, same version of this tool, same format asked for."""
        asked = entry.format == self._forced.name if self._forced else not entry.forced
        if entry.tool != __version__ or not asked or source.path.stat().st_size != entry.size:
            return False
        if not (entry.inode or entry.member):  # it could not be looked at when it was read: then the ledger lacks that
            return False
        if not all(self._holds(table, entry) for table in entry.rows):
            return False
        with HashingReader(source.path) as reader:
            return reader.identity().sha256 == entry.sha256

    def _table(self, table: str, entry: LedgerEntry) -> Path:
        return self._case.tables / table / f"{entry.id}.parquet"

    def _holds(self, table: str, entry: LedgerEntry) -> bool:
        path = self._table(table, entry)
        return path.is_file() and file_sha256(path) == entry.table_sha256[table]

    def _load(
        self, engine: Store, source: Source, importer: Importer, head: Head, previous: list[LedgerEntry]
    ) -> list[LedgerEntry]:
        """Parse a file, or what was added to it; return its entry and those it replaces."""
        work = self._scratch()
        mark = _mark(previous, importer)
        job = Job(engine, source.path, importer, head, work, self._watcher.advance, mark)
        try:
            outcome = parse(job)
        except NotGrownError:
            outcome = parse(replace(job, mark=None))
        if outcome.continues and outcome.identity.content_sha256 == previous[-1].content_sha256:
            return [_packed_anew(source, previous[-1], outcome)]
        end = None if outcome.continues else self._beginning(outcome, importer, previous)
        if end is not None:
            return [self._cut(source, importer, outcome, previous, end)]
        entry = self._kept(engine, source, importer, outcome, previous)
        shutil.rmtree(work, ignore_errors=True)
        if not previous or outcome.continues:
            return [entry]
        if not _begins_with(source.path, previous[-1]):
            note = f"other content than {previous[-1].id}, which lay here before; both are kept"
            return [msgspec.structs.replace(entry, note=entry.note or note)]
        return [entry, *replaced(previous, entry)]

    def _beginning(self, outcome: Outcome, importer: Importer, previous: list[LedgerEntry]) -> int | None:
        """Return up to which byte the records of a file are the first of what lay at its place, as far as tables tell; None where they are not."""
        size = outcome.identity.content_size
        if not previous or not importer.by_line or not 0 < size < previous[-1].content_size:
            return None
        if any((entry.format, entry.tool) != (importer.name, __version__) for entry in previous):
            return None
        held = {table for entry in previous for table in entry.rows if table not in DERIVED} | outcome.files.keys()
        if not all(self._holds(table, entry) for entry in previous for table in entry.rows):
            return None
        ends: list[tuple[int, int | None]] = [(size, None)]
        # A line that was cut is not what it was; without another record nothing would be compared, and the line would be lost.
        if outcome.open_end and outcome.accepted + outcome.rejected > 1:
            whole = last_offset(outcome.files.values())
            ends.append((whole, whole))
        for end, before in ends:
            if all(self._same(outcome, table, previous, end, before) for table in sorted(held)):
                return end
        return None

    def _same(self, outcome: Outcome, table: str, previous: list[LedgerEntry], end: int, before: int | None) -> bool:
        old = [self._table(table, entry) for entry in previous if table in entry.rows]
        return is_beginning(outcome.files.get(table), old, end, before)

    def _cut(
        self, source: Source, importer: Importer, outcome: Outcome, previous: list[LedgerEntry], end: int
    ) -> LedgerEntry:
        """Return the entry of a file that was cut to its beginning: the rows that lay there before stay, and none is added."""
        for entry in previous:
            if entry.id == outcome.identity.evidence_id:  # it was cut to what it was before it grew
                return msgspec.structs.replace(
                    entry, note=f"cut to these records after it had grown: {previous[-1].id} keeps the others"
                )
        entry = entries.ingested(source, importer, outcome, {}, ("", ""), None, forced=self._forced is not None)
        note = f"its records are the first of {previous[-1].id}, which lay here before and is kept: nothing is counted twice"
        note += (
            "; its last line has no end and may be cut: it is not compared"
            if end < outcome.identity.content_size
            else ""
        )
        return msgspec.structs.replace(entry, status="contained", rows={}, note=note)

    def _kept(
        self, engine: Store, source: Source, importer: Importer, outcome: Outcome, previous: list[LedgerEntry]
    ) -> LedgerEntry:
        """Move the tables into the case, unless the case holds this content already; return the entry."""
        evidence_id = outcome.identity.evidence_id
        if "http_exchanges" in outcome.files:
            countries = self._case.config().config.privacy.countries
            scanner = scanner_for(tuple(sorted(countries)), tuple(self._options.packs))
            scanning.scan(engine, outcome, evidence_id, scanner)
        when = span(outcome)
        hashes = {table: file_sha256(path) for table, path in sorted(outcome.files.items())}
        before = previous[-1] if outcome.continues else None
        entry = entries.ingested(source, importer, outcome, hashes, when, before, forced=self._forced is not None)
        with self._lock:
            if evidence_id in self._claimed and evidence_id not in {item.id for item in previous}:
                return msgspec.structs.replace(entry, status="duplicate")
            self._claimed.add(evidence_id)
            for table, path in outcome.files.items():
                _move(path, self._case.tables / table / f"{evidence_id}.parquet")
        return entry

    def _copied(self, source: Source, entry: LedgerEntry) -> LedgerEntry:
        """Keep the evidence in the case's restricted folder, named by its hash."""
        if entry.status != "ingested":
            return entry
        with open_file(source.path) as file:
            kept = spool(file, self._case.restricted / "evidence", entry.size)
        if kept.name != entry.sha256:
            raise EvidenceError(f"{source.path} changed while it was copied.", hint="Ingest it again.")
        return msgspec.structs.replace(entry, note=f"copied to restricted/evidence/{kept.name}")

    def _scratch(self) -> Path:
        folder = self._case.temporary / "load" / str(next(self._numbers))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        return folder


def _refused(source: Source) -> LedgerEntry:
    """Links and special files are left out; a folder that cannot be read and files beyond the limit are missing evidence."""
    harmless = source.refused.startswith(SPECIAL)
    return entries.unread(source, "ignored" if harmless else "failed", source.refused)


def _size(source: Source) -> int:
    try:
        return source.path.lstat().st_size
    except OSError:
        return 0


def stage(data: Iterator[bytes], target: Path) -> str:
    """Write the bytes of an archive member; return what cut them short."""
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        try:
            for piece in data:
                file.write(piece)
        except TruncatedError as error:
            return error.message
    return ""


def _mark(previous: Sequence[LedgerEntry], importer: Importer) -> Mark | None:
    """Return where to go on in a file that grew: only behind a whole line, read with the same format and version of this tool."""
    if not previous or not importer.has("plan"):
        return None
    last = previous[-1]
    if last.format != importer.name or last.tool != __version__ or last.truncated or last.open_end or not last.records:
        return None
    return Mark(last.content_size, last.content_sha256, last.last_record)


def _moved_along(source: Source, previous: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Return earlier segments of a file that lies elsewhere now, at its new place."""
    return [
        msgspec.structs.replace(entry, name=source.name, path=source.location)
        for entry in previous
        if entry.path != source.location
    ]


def _packed_anew(source: Source, entry: LedgerEntry, outcome: Outcome) -> LedgerEntry:
    """Return the entry of a file that holds what it held, compressed in another way."""
    identity, info = outcome.identity, source.path.stat()
    return msgspec.structs.replace(
        entry,
        name=source.name,
        size=identity.size,
        sha256=identity.sha256,
        compression=outcome.compression,
        inode=info.st_ino,
        mtime_ns=info.st_mtime_ns,
    )


def _begins_with(path: Path, entry: LedgerEntry) -> bool:
    """Say whether the file begins with what was read of the entry."""
    mark = Mark(entry.content_size, entry.content_sha256, 0)
    with closing(HashingReader(path, mark=mark)) as reader:
        try:
            wanted = entry.content_size
            while reader.inner_bytes < wanted and reader.read(1 << 20):
                pass
        except (NotGrownError, TruncatedError):
            return False
        return reader.inner_bytes >= wanted


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    source.replace(target)
