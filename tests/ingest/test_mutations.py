"""Damaged files of every format: no crash, no row that is not in the file, no line lost, refused bytes kept as they are.

At least 2,000 records by default; 200,000 with `-m slow`. `-s` prints the counts.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from forensics.case import Case, LedgerEntry, create
from forensics.importers import all_importers
from forensics.ingest import Options, ingest
from forensics.lines import MAX_RAW_BYTES
from tests.ingest.abuse import visible
from tests.ingest.mutate import LINE_FORMATS, damaged, packed, seeds

DERIVED = {"content_matches", "header_verdicts"}
STATUSES = {"ingested", "duplicate", "archive", "unrecognised", "configuration", "failed"}


@dataclass(frozen=True)
class Made:
    """A damaged file: its bytes before it was packed; `sure` says that these must come out again."""

    data: bytes
    sure: bool


def write(folder: Path, count: int, seed: int, size: int = 40) -> dict[str, Made]:
    """Write so many damaged files, one of each format whole; return them by name."""
    folder.mkdir()
    draw, names, made = random.Random(seed), sorted(seeds()), {}  # noqa: S311 - a fixed sequence is wanted
    for number in range(count):
        format_name = names[number % len(names)]
        first = number < len(names)
        data = b"\n".join(seeds(size)[format_name]) if first else damaged(format_name, draw, size)
        whole, broken = (data, False) if first else packed(data, draw)
        name = f"{number:04}-{format_name}"
        (folder / name).write_bytes(whole)
        made[name] = Made(data, not broken)
    return made


def cells(case: Case, entry: LedgerEntry, table: str, *columns: str) -> list[dict[str, Any]]:
    file = pq.ParquetFile(case.tables / table / f"{entry.id}.parquet")
    rows: list[dict[str, Any]] = file.read([name for name in columns if name in file.schema_arrow.names]).to_pylist()
    return rows


def check_numbers(case: Case, entry: LedgerEntry) -> list[dict[str, Any]]:
    """The sums, and that no record is both taken and refused; return the rows."""
    assert entry.records == entry.accepted + entry.rejected + sum(entry.skipped.values()), entry
    rows = [
        row
        for table in entry.rows
        if table not in DERIVED | {"rejects"}
        for row in cells(case, entry, table, "record_no", "time_raw")
    ]
    refused = cells(case, entry, "rejects", "record_no") if entry.rejected else []
    taken, left = {row["record_no"] for row in rows}, {row["record_no"] for row in refused}
    assert (len(taken), len(left)) == (entry.accepted, entry.rejected), entry
    assert not taken & left, entry
    return rows


def stamps(line: bytes, key: str) -> set[str]:
    """Return every text that may be the stamp of a JSON line, read independently; the engine writes numbers in its own way."""
    try:
        pairs = json.loads(visible(line)[0], object_pairs_hook=list, parse_int=str, parse_float=str, strict=False)
    except (ValueError, RecursionError):
        return set()
    found = {str(value) for name, value in pairs if name == key} if isinstance(pairs, list) else set()
    return found | {str(float(value)) for value in found if re.fullmatch(r"-?[0-9.]+([eE][-+]?[0-9]+)?", value)}


def check_lines(case: Case, entry: LedgerEntry, rows: list[dict[str, Any]], data: bytes) -> None:
    """Each row's stamp stands in its line, and what was refused is kept as it stands in the file."""
    parts = data.split(b"\n")
    ends = [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
    assert entry.records == len(ends), entry
    for row in rows:
        line = ends[row["record_no"] - 1]
        stamp = row["time_raw"]
        assert stamp in visible(line)[0] or stamp in stamps(
            line.removeprefix(b"\xef\xbb\xbf"), LINE_FORMATS[entry.format]
        ), row
    for row in cells(case, entry, "rejects", "record_no", "record_length", "raw") if entry.rejected else []:
        line = record(ends, row["record_no"] - 1) if entry.format == "app-text" else ends[row["record_no"] - 1]
        assert (row["record_length"], row["raw"]) == (len(line), line[:MAX_RAW_BYTES]), row["record_no"]


_BEGINS = re.compile(rb"(?:\[|.,.\[)?\d{4}(-|/)\d\d\1\d\d[T ]\d\d:\d\d|\{\".", re.DOTALL)


def record(lines: list[bytes], first: int) -> bytes:
    """Return the lines of a record: those up to the next that begins with a stamp; before the first stamp each line by itself."""
    begins = [
        number
        for number, line in enumerate(lines)
        if _BEGINS.match(line.removeprefix(b"\xef\xbb\xbf") if not number else line)
    ]
    if first not in begins:
        return lines[first]
    return b"".join(lines[first : next((number for number in begins if number > first), len(lines))])


def check(case: Case, entry: LedgerEntry, made: dict[str, Made]) -> None:
    file = made[entry.name.partition("!")[0]]
    assert entry.status in STATUSES, entry
    assert "a defect of this tool" not in entry.note, entry
    if entry.status == "ingested":
        rows = check_numbers(case, entry)
        if entry.format in LINE_FORMATS and file.sure and not entry.truncated:
            check_lines(case, entry, rows, file.data)


def fuzz(folder: Path, rounds: int, files: int, least: int, size: int) -> None:
    counts: Counter[str] = Counter()
    for turn in range(rounds):
        made = write(folder / f"{turn}", files, turn, size)
        case = create(folder / f"{turn}.case")
        entries = ingest(case, [folder / f"{turn}"], Options(threads=2))
        assert {entry.name.partition("!")[0] for entry in entries} == made.keys()
        for entry in entries:
            check(case, entry, made)
            counts.update(
                {"records": entry.records, "rejected": entry.rejected, entry.status: 1, entry.format or "-": 1}
            )
    print("\n", dict(sorted(counts.items())))  # noqa: T201 - for -s
    assert counts["records"] >= least
    assert {importer.name for importer in all_importers()} <= counts.keys()


def test_two_thousand_records(tmp_path: Path) -> None:
    fuzz(tmp_path, 1, 9 * len(seeds()), 2_000, 40)


@pytest.mark.slow
def test_two_hundred_thousand_records(tmp_path: Path) -> None:
    fuzz(tmp_path, 26, 10 * len(seeds()), 200_000, 200)
