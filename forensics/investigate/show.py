"""Records: their rows as they were parsed, and their raw bytes with the lines around them, after the hash was checked again."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from forensics import views
from forensics.case import LEDGER, Case, LedgerEntry
from forensics.errors import EvidenceError, IntegrityError, TruncatedError, UsageError
from forensics.evidence import HashingReader, archive_kind, file_of, read_head, walk
from forensics.importers import by_name
from forensics.lines import Progress, batches
from forensics.schema import TABLES
from forensics.store import Sandbox

# First and last number, ascending and apart.
Ranges = Sequence[tuple[int, int]]
# Rows of so many records are shown at once: they are held in memory; raw bytes are not.
MOST_ROWS = 10_000
_BLOCK = 1 << 20
# Bytes asked for are kept until the hash is checked: so many in memory, more in the case's scratch folder.
_IN_MEMORY = 64 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """A physical line: its number, its bytes without the line feed, and whether it is of a record asked for."""

    number: int
    data: bytes
    wanted: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """Records of one evidence."""

    entry: LedgerEntry
    ranges: Ranges

    @property
    def names(self) -> str:
        """Return the record ids, with ranges as FIRST-LAST."""
        return " ".join(
            f"{self.entry.id}:{first}" + (f"-{last}" if last > first else "") for first, last in self.ranges
        )

    @property
    def count(self) -> int:
        """Return how many numbers there are."""
        return sum(last - first + 1 for first, last in self.ranges)


def _numbers(record: str) -> tuple[str, int, int]:
    evidence, _, numbers = record.rpartition(":")
    match = re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", numbers)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not evidence or not 1 <= first <= last:
        raise UsageError(
            "A record is EVIDENCE:NUMBER, such as 0123456789abcdef:42; show takes ranges too, such as 0123456789abcdef:42-50.",
            hint="explain and timeline print record ids.",
        )
    return evidence, first, last


def split_id(record: str) -> tuple[str, int]:
    """Return evidence id and record number.

    Raises:
        UsageError: it does not look like `0123456789abcdef:42`.

    """
    evidence, first, last = _numbers(record)
    if first != last:
        raise UsageError("This is a range of records.", hint="Name one, such as 0123456789abcdef:42.")
    return evidence, first


def select(case: Case, records: Iterable[str]) -> list[Selection]:
    """Return what `EVIDENCE:NUMBER` and `EVIDENCE:FIRST-LAST` name, by evidence in the order in which it is named first.

    Raises:
        UsageError: one does not look so, there is no such evidence, or the file has fewer records. IntegrityError: the ledger was changed.

    """
    case.require_recorded(LEDGER)
    entries: dict[str, LedgerEntry] = {}
    found: dict[str, list[tuple[int, int]]] = {}
    for evidence, first, last in map(_numbers, records):
        if evidence not in entries:
            entries[evidence] = entry_of(case, evidence)
        _require_within(entries[evidence], first, last)
        found.setdefault(entries[evidence].id, []).append((first, last))
    by_id = {entry.id: entry for entry in entries.values()}
    return [Selection(by_id[evidence], merged(ranges)) for evidence, ranges in found.items()]


def _require_within(entry: LedgerEntry, first: int, last: int) -> None:
    """Refuse numbers that no record has; a record of CSV may be several lines, so that numbers go beyond their count."""
    highest = entry.last_record if not by_name(entry.format).has("spans") else entry.content_size
    if not entry.first_record <= first <= last <= highest:
        raise UsageError(
            f"{entry.name} has the records {entry.first_record:,} to {entry.last_record:,} under this id.",
            hint="Record numbers begin at 1; status lists the evidence.",
        )


def merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ranges in order, those that touch as one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def entry_of(case: Case, evidence: str) -> LedgerEntry:
    """Return the ledger entry of an evidence id, or of its unique beginning.

    Raises:
        UsageError: no evidence, or more than one, begins so.

    """
    found = {entry.id: entry for entry in case.ledger() if entry.id.startswith(evidence) and entry.status == "ingested"}
    if len(found) != 1:
        raise UsageError(
            f"{'No' if not found else 'More than one'} evidence begins with {evidence}.",
            hint="status lists the evidence of a case.",
        )
    return next(iter(found.values()))


Tables = dict[str, list[dict[str, Any]]]


def rows(case: Case, selections: Sequence[Selection]) -> Iterator[tuple[LedgerEntry, int, Tables]]:
    """Yield evidence, record number and the rows by table, without columns that are NULL, of every record that has rows.

    Raises:
        UsageError: it is more than 10,000 records.

    """
    count = sum(selection.count for selection in selections)
    if count > MOST_ROWS:
        raise UsageError(
            f"These are {count:,} records; the rows of {MOST_ROWS:,} are shown at once.",
            hint="Name fewer, ask with sql, or show them with --raw.",
        )
    with views.opened(case) as sandbox:
        for selection in selections:
            for number, tables in sorted(_rows(sandbox, selection).items()):
                yield selection.entry, number, tables


def _rows(sandbox: Sandbox, selection: Selection) -> dict[int, Tables]:
    found: dict[int, Tables] = {}
    numbers = [number for first, last in selection.ranges for number in range(first, last + 1)]
    for table in selection.entry.rows:
        view = f"observed.{table}" if TABLES[table].has_common else f"facts.{table}"
        mine = "evidence_id = $evidence and record_no in (select unnest($numbers))"
        sql = f"select * from {view} where {mine} order by all"
        for row in sandbox.dicts(sql, {"evidence": selection.entry.id, "numbers": numbers}):
            given = {key: value for key, value in row.items() if value is not None}
            found.setdefault(row["record_no"], {}).setdefault(table, []).append(given)
    return found


@contextmanager
def located(case: Case, entry: LedgerEntry) -> Iterator[Path]:
    """Give the evidence as a file: the case's own copy, the file where it lies, or an archive member staged in the case.

    Raises:
        EvidenceError: the archive no longer holds the member.

    """
    copy = case.restricted / "evidence" / entry.sha256
    if copy.is_file():
        yield copy
    elif not entry.member:
        yield file_of(entry.path)
    else:
        case.temporary.mkdir(exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=case.temporary) as folder:
            yield _staged(entry, Path(folder) / "member")


def _staged(entry: LedgerEntry, target: Path) -> Path:
    archive = file_of(entry.path)
    kind = archive_kind(read_head(archive)[0])
    with closing(walk(archive, kind)) if kind else nullcontext(()) as members, suppress(TruncatedError):
        for member, data in members:
            if member.name == entry.member and not member.refused:
                with target.open("wb") as file, suppress(TruncatedError):
                    file.writelines(data)
                return target
    raise EvidenceError(f"{entry.path} no longer holds {entry.member}.", hint="Restore the original.")


class _Checked:
    """The decompressed bytes of an entry, in order; at the end their hash must be the recorded one."""

    def __init__(self, path: Path, entry: LedgerEntry) -> None:
        self._path, self._entry = path, entry

    def __iter__(self) -> Iterator[bytes]:
        digest, left = hashlib.sha256(), self._entry.content_size
        with closing(HashingReader(self._path)) as reader, suppress(TruncatedError):
            while left and (data := reader.read(1 << 20)):
                data = data[:left]  # a file may have grown since: what was ingested is its beginning
                left -= len(data)
                digest.update(data)
                yield data
        if digest.hexdigest() != self._entry.content_sha256:
            raise IntegrityError(
                f"{self._entry.name} is not the file that was ingested.",
                hint="Restore the original; its SHA-256 is in evidence.json.",
            )


def raw_lines(case: Case, entry: LedgerEntry, number: int, context: int) -> list[Line]:
    """Return the physical lines of a record and around it; see `raw_records`."""
    return list(raw_records(case, Selection(entry, [(number, number)]), context))


def raw_records(case: Case, selection: Selection, context: int = 0) -> Iterator[Line]:
    """Yield the physical lines of records and around them, in order, from one pass over the evidence file.

    None is yielded before the whole file was read and its hash found to be the recorded one; until then the bytes are kept aside.

    Raises:
        EvidenceError: the file is gone. IntegrityError: it is not the file that was ingested. UsageError: no record begins there.

    """
    entry = selection.entry
    case.temporary.mkdir(exist_ok=True, mode=0o700)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(case.temporary)) as aside:
        numbers, sizes, own = _anywhere(case, entry, lambda path: _set_aside(path, selection, context, aside))
        aside.seek(0)
        for number, size in zip(numbers, sizes, strict=True):
            yield Line(number, aside.read(size), _holds(own, number))


def _holds(ranges: Ranges, number: int) -> bool:
    place = bisect_right(ranges, (number, 1 << 62)) - 1
    return place >= 0 and number <= ranges[place][1]


def _set_aside(
    path: Path, selection: Selection, context: int, aside: IO[bytes]
) -> tuple[Sequence[int], Sequence[int], Ranges]:
    """Copy lines; return their numbers and sizes, and which lines are the records' own."""
    aside.seek(0)
    aside.truncate()
    entry, own = selection.entry, selection.ranges
    blocks: Iterable[bytes] = _Checked(path, entry)
    if by_name(entry.format).has("spans"):
        data = b"".join(blocks)
        own = _lines_of(data, selection)
        blocks = (data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK))
    elif by_name(entry.format).has("begins"):
        own = _required(selection, merged(_joined(path, selection)))
    around = merged((max(1, first - context), last + context) for first, last in own)
    return *_copied(blocks, around, aside), own


def _lines_of(data: bytes, selection: Selection) -> Ranges:
    """Return the lines of the records that begin in the ranges."""
    spans = by_name(selection.entry.format).call("spans", data)
    chosen = (
        (number, data.count(b"\n", start, end - 1)) for number, start, end in spans if _holds(selection.ranges, number)
    )
    return _required(selection, merged((number, number + more) for number, more in chosen))


def _joined(path: Path, selection: Selection) -> Iterator[tuple[int, int]]:
    """Yield first and last line of the records that begin in the ranges, of a log whose records may be several lines."""
    progress, held = Progress(begins=by_name(selection.entry.format).module.begins), np.empty(0, dtype=np.int64)
    lows, highs = (np.array(column, dtype=np.int64) for column in zip(*selection.ranges, strict=True))
    with closing(batches(path, progress)) as found:
        for numbers in chain((batch.column("record_no").to_numpy() for batch in found), [None]):
            firsts = np.concatenate([held, [progress.lines + 1] if numbers is None else numbers])
            place = np.searchsorted(lows, firsts[:-1], side="right") - 1
            mine = np.flatnonzero((place >= 0) & (firsts[:-1] <= highs[place]))
            yield from zip(firsts[mine].tolist(), (firsts[mine + 1] - 1).tolist(), strict=True)
            held = firsts[-1:]


def _required(selection: Selection, found: Ranges) -> Ranges:
    if not found:
        raise UsageError(
            f"No record of {selection.entry.name} begins at line {selection.ranges[0][0]:,}.",
            hint="A record of several lines has the number of its first.",
        )
    return found


def _copied(blocks: Iterable[bytes], ranges: Ranges, aside: IO[bytes]) -> tuple[Sequence[int], Sequence[int]]:
    numbers, sizes = array("q"), array("q")
    asked = (number for first, last in ranges for number in range(first, last + 1))
    want, line = next(asked, None), 1
    for block in blocks:
        end = line + block.count(b"\n")  # number of the line that is open at the end of the block
        parts = block.split(b"\n") if want is not None and want <= end else []
        while want is not None and want <= end:
            if not numbers or numbers[-1] != want:
                numbers.append(want)
                sizes.append(0)
            aside.write(parts[want - line])
            sizes[-1] += len(parts[want - line])
            if want == end:
                break
            want = next(asked, None)
        line = end
    if sizes and not sizes[-1] and numbers[-1] == line:  # behind the last line feed is no line
        numbers.pop()
        sizes.pop()
    return numbers, sizes


T = TypeVar("T")


def _anywhere(case: Case, entry: LedgerEntry, read: Callable[[Path], T]) -> T:
    """Read the evidence where it lies, else where the same content lies too: logs are rotated and compressed after they were ingested."""
    others = [item for item in case.ledger() if item.id == entry.id and item.place != entry.place]
    trouble: EvidenceError | IntegrityError | None = None
    for place in (entry, *others):
        try:
            with located(case, place) as path:
                return read(path)
        except (EvidenceError, IntegrityError) as error:
            trouble = trouble or error
    assert trouble is not None  # noqa: S101 - there is one place at least
    raise trouble


def document_entries(case: Case, selection: Selection) -> Iterator[tuple[int, bytes]]:
    """Yield number and text of entries of a document: they have no line of their own; the whole document where it cannot be cut.

    Raises:
        EvidenceError, IntegrityError: as `raw_records`.

    """
    data = _anywhere(case, selection.entry, lambda path: b"".join(_Checked(path, selection.entry)))
    entries = _list_of(data, selection.entry.format)
    for number in (number for first, last in selection.ranges for number in range(first, last + 1)):
        if not 0 < number <= len(entries):
            yield number, data
            return
        yield number, json.dumps(entries[number - 1], indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _list_of(data: bytes, form: str) -> list[Any]:
    """Return the list whose indices are the record numbers, of a document whose shape we know."""
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return []
    for key in {"har": ("log", "entries"), "cyclonedx": ("components",)}.get(form, ("items",)):
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, list) else []
