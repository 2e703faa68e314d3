"""Four line formats with everything wrong at known places, against a plain reader: numbers, offsets, raw bytes, marks, and the way back.

5,000 lines by default. 500,000 lines of each, with a line of 20 MB and one over 32 MiB, with `-m slow`; `-s` prints the counts.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from forensics import lines as line_reader
from forensics.investigate.show import raw_records, select
from tests.ingest.abuse import LOGS, Line, Log, plain, write
from tests.ingest.helpers import Loaded, load

MIB = 1 << 20


def column(loaded: Loaded, table: str, *names: str) -> list[dict[str, Any]]:
    (path,) = (loaded.case.tables / table).glob("*.parquet")
    rows: list[dict[str, Any]] = pq.ParquetFile(path).read(list(names)).to_pylist()
    return rows


def check_rows(loaded: Loaded, log: Log, lines: list[Line]) -> None:
    """Exactly the rows there must be, where they lie, with the marks that were put in by hand and no others."""
    rows = column(loaded, log.table, "record_no", "record_offset", "attributes")
    expected = [line for line in lines if line.fate in ("row", "salvaged")]
    assert [row["record_no"] for row in rows] == [line.number for line in expected]
    assert [row["record_offset"] for row in rows] == [line.offset for line in expected]
    for row, line in zip(rows, expected, strict=True):
        found = json.loads(row["attributes"]) if row["attributes"] else {}
        marks = {key: value for key, value in found.items() if key.startswith("_") and value is not None}
        wanted = log.spoiled[line.kind].marks if line.kind in log.spoiled else {}
        assert marks == wanted, (line.number, line.kind)


def check_rejects(loaded: Loaded, lines: list[Line]) -> None:
    rejects = column(loaded, "rejects", "record_no", "record_offset", "record_length", "raw")
    expected = [line for line in lines if line.fate == "reject"]
    places = [(row["record_no"], row["record_offset"], row["record_length"]) for row in rejects]
    assert places == [(line.number, line.offset, len(line.data)) for line in expected]
    for row, line in zip(rejects, expected, strict=True):
        assert row["raw"] == line.data[: line_reader.MAX_RAW_BYTES], (line.number, line.kind)


def check_the_way_back(loaded: Loaded, lines: list[Line]) -> int:
    """What `show --raw` prints of every refused record is the line in the file; all of them in one pass over it."""
    rejects = [line for line in lines if line.fate == "reject"]
    names = [f"{loaded.entry.id}:{line.number}" for line in rejects]
    (selection,) = select(loaded.case, names)
    count = 0
    for line, shown in zip(rejects, raw_records(loaded.case, selection), strict=True):
        assert (shown.number, shown.data, shown.wanted) == (line.number, line.data.removesuffix(b"\n"), True)
        count += 1
    assert count == loaded.entry.rejected
    return count


def torture(folder: Path, log: Log, count: int, long: int) -> None:
    limit = line_reader.MAX_LINE_BYTES
    data, lines = write(log, count, 7, long, limit)
    assert [(line.number, line.offset, len(line.data), line.fate) for line in lines] == list(plain(log, data, limit))
    loaded = load(folder, data)
    check_rows(loaded, log, lines)
    check_rejects(loaded, lines)
    fates = Counter(line.fate for line in lines)
    entry = loaded.entry
    assert (entry.format, entry.records, entry.rejected) == (log.name, count, fates["reject"])
    assert entry.accepted == fates["row"] + fates["salvaged"]
    assert entry.skipped == {key: fates[key] for key in ("blank", "header") if fates[key]}
    assert {line.kind for line in lines} >= log.spoiled.keys()
    start = time.perf_counter()
    shown = check_the_way_back(loaded, lines)
    took = time.perf_counter() - start
    print(f"\n{log.name}: {len(data):,} bytes, {dict(fates)}, {len(log.spoiled)} ways to spoil")  # noqa: T201 - for -s
    print(f"{shown:,} rejects shown raw and equal to the plain reader's, in {took:.1f} s")  # noqa: T201 - for -s


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_five_thousand_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    monkeypatch.setattr(line_reader, "MAX_LINE_BYTES", 200_000)
    monkeypatch.setattr(line_reader, "BLOCK_BYTES", 60_000)
    torture(tmp_path, log, 5_000, 150_000)


@pytest.mark.slow
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_half_a_million_lines(tmp_path: Path, log: Log) -> None:
    torture(tmp_path, log, 500_000, 20_000_000)
