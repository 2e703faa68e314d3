"""Ledger entries of what happened to a file."""

from __future__ import annotations

from forensics import __version__
from forensics.case import LedgerEntry, Status
from forensics.evidence import HashingReader, Source
from forensics.importers import Importer
from forensics.ingest.line_files import Outcome


def unread(source: Source, status: Status, note: str) -> LedgerEntry:
    """Return the entry of a file that was not read."""
    return LedgerEntry("", source.name, source.location, status, 0, "", "", 0, member=source.member, note=note)


def identified(source: Source, status: Status, note: str, *, may_hold_records: bool = False) -> LedgerEntry:
    """Hash a file that is not parsed: the report lists it with its identity."""
    with HashingReader(source.path) as reader:
        identity, info = reader.identity(), reader.before
    return LedgerEntry(
        identity.sha256[:16], source.name, source.location, status, identity.size, identity.sha256, identity.sha256, identity.size,
        member=source.member, inode=info.inode, mtime_ns=info.mtime_ns, note=note, may_hold_records=may_hold_records,
    )  # fmt: skip


def ingested(
    source: Source,
    importer: Importer,
    outcome: Outcome,
    tables: dict[str, str],
    span: tuple[str, str],
    previous: LedgerEntry | None,
    *,
    forced: bool,
) -> LedgerEntry:
    """Return the entry of a parsed file; `previous` is the entry it continues."""
    identity, (inode, mtime_ns) = outcome.identity, _on_disk(source)
    return LedgerEntry(
        id=identity.evidence_id,
        name=source.name,
        path=source.location,
        status="ingested",
        size=identity.size,
        sha256=identity.sha256,
        content_sha256=identity.content_sha256,
        content_size=identity.content_size,
        member=source.member,
        inode=inode,
        mtime_ns=mtime_ns,
        compression=outcome.compression,
        format=importer.name,
        forced=forced,
        observer=outcome.observer,
        tool=__version__,
        continues=previous.id if previous else "",
        first_record=previous.last_record + 1 if previous else 1,
        open_end=outcome.open_end,
        records=outcome.records,
        accepted=outcome.accepted,
        rejected=outcome.rejected,
        skipped=outcome.skipped,
        salvaged=outcome.salvaged,
        duplicate_keys=outcome.duplicate_keys,
        unmapped_keys=outcome.unmapped_keys,
        rows={table: outcome.rows[table] for table in sorted(outcome.rows)},
        table_sha256=dict(sorted(tables.items())),
        first_time=span[0],
        last_time=span[1],
        time_rule=outcome.time_rule,
        note=outcome.note,
        truncated=outcome.truncated,
    )


def _on_disk(source: Source) -> tuple[int, int]:
    """Return inode and time of change; zeros where the file went away while it was read."""
    try:
        info = source.path.stat()
    except OSError:
        return 0, 0
    return info.st_ino, info.st_mtime_ns
