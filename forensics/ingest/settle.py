"""Which entries are the same content, which continue each other: judged when all files are read, so that the order of reading does not matter."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from forensics.case import LedgerEntry


def chain(entries: Sequence[LedgerEntry], place: tuple[str, str]) -> list[LedgerEntry]:
    """Return the entries of the file at `place` as it was read last, first segment first; empty where there is none."""
    tails = [entry for entry in last_segments(entries) if entry.place == place]
    return (
        segments(entries, max(tails, key=lambda entry: (entry.mtime_ns, entry.content_size, entry.id))) if tails else []
    )


def last_segments(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Return the entries with rows that no other continues."""
    continued = {entry.continues for entry in entries}
    return [entry for entry in entries if entry.status == "ingested" and entry.id not in continued]


def segments(entries: Sequence[LedgerEntry], last: LedgerEntry) -> list[LedgerEntry]:
    """Return the entries that end with `last`; a file may have been moved between two segments."""
    by_id = {entry.id: entry for entry in entries if entry.status == "ingested"}
    found = [last]
    while found[0].continues in by_id:
        found.insert(0, by_id[found[0].continues])
    return found


def replaced(previous: Sequence[LedgerEntry], by: LedgerEntry) -> list[LedgerEntry]:
    """Return the entries of a file that was read whole again, without rows: the new entry holds them."""
    note = f"the file was read whole again: see {by.id}"
    return [
        msgspec.structs.replace(entry, status="replaced", rows={}, table_sha256={}, note=note)
        for entry in previous
        if entry.id != by.id
    ]


def duplicate(entry: LedgerEntry, of: LedgerEntry) -> LedgerEntry:
    """Return the entry of a file whose content is in the case under another name."""
    return msgspec.structs.replace(
        entry, status="duplicate", rows={}, table_sha256={}, first_time="", last_time="", note="", duplicate_of=of.name
    )


def settle(entries: Sequence[LedgerEntry], made: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Name one file for each content, the others as its duplicates.

    What the case held before stays; of the files of this call the first by name is the one, whichever was read first.
    """
    now = {(entry.place, entry.id) for entry in made}
    groups: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        if entry.status in ("ingested", "duplicate"):
            groups.setdefault(entry.id, []).append(entry)
    settled = [entry for entry in entries if entry.status not in ("ingested", "duplicate")]
    for group in groups.values():
        settled += _one(group, now)
    return settled


def _one(group: list[LedgerEntry], now: set[tuple[tuple[str, str], str]]) -> list[LedgerEntry]:
    holder = next((entry for entry in group if entry.status == "ingested"), group[0])
    if (holder.place, holder.id) not in now or holder.continues:
        return [entry if entry is holder else duplicate(entry, holder) for entry in group]
    ordered = sorted(group, key=lambda entry: (entry.name, entry.path, entry.member))
    first = msgspec.structs.replace(
        ordered[0], status="ingested", rows=holder.rows, table_sha256=holder.table_sha256, first_time=holder.first_time,
        last_time=holder.last_time, duplicate_of="",
    )  # fmt: skip
    return [first, *(duplicate(entry, first) for entry in ordered[1:])]
