"""Evidence that grows, shrinks, is rotated or copied between two ingests: the tables are those of one ingest of the whole files."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import zstandard

from forensics.case import Case, create
from forensics.ingest import Options, ingest
from forensics.investigate.show import raw_lines
from tests.ingest.abuse import BOM, LOGS, Log
from tests.ingest.helpers import Loaded

Files = Mapping[str, bytes]
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
ENVOY, COMBINED, ZEEK, _ = LOGS


def text(log: Log, seed: int, first: int, count: int) -> bytes:
    """Lines of a log from a number on, every seventh spoiled; always the same for the same number and seed."""
    found = []
    for number in range(first, first + count):
        draw = random.Random(seed * 1_000_000 + number)  # noqa: S311 - a fixed sequence is wanted
        kind = draw.choice(list(log.spoiled)) if number % 7 == 6 else "good"
        found.append((log.spoiled[kind].make if kind != "good" else log.good)(draw) + b"\n")
    return b"".join(found)


def start(log: Log, seed: int, count: int = 60) -> bytes:
    opening = b"".join(line + b"\n" for line in log.opening)
    return (BOM if log.bom else b"") + opening + text(log, seed, 1, count)


def add(case: Case, folder: Path, files: Files) -> Loaded:
    """Put files into a folder and ingest it."""
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return Loaded(case, ingest(case, [folder], Options(threads=2)))


def rows(case: Case, table: str) -> Counter[str]:
    """Rows without the id of their evidence; a table file that no evidence holds would be rows nobody owns."""
    found = Loaded(case, []).rows(table)
    ids = {entry.id for entry in case.ledger() if entry.status == "ingested"}
    assert {row["evidence_id"] for row in found} <= ids
    return Counter(repr({**row, "evidence_id": ""}) for row in found)


def check(case: Case, log: Log, whole: Case, contents: Files) -> None:
    """Same rows and rejects as of one ingest, every record counted once, every record id leads to its line."""
    for table in (log.table, "rejects"):
        assert rows(case, table) == rows(whole, table)
    held = [entry for entry in case.ledger() if entry.status == "ingested"]
    distinct = set(contents.values())
    assert sum(entry.records for entry in held) == sum(
        data.count(b"\n") + (not data.endswith(b"\n")) for data in distinct
    )
    for entry in held:
        parts = contents[entry.name].split(b"\n")
        for number in {entry.first_record, (entry.first_record + entry.last_record) // 2, entry.last_record}:
            (line,) = raw_lines(case, entry, number, 0)
            assert line.data == parts[number - 1], (entry.name, number)


def grow(tmp_path: Path, log: Log, *stages: Files, contents: Files | None = None) -> Loaded:
    """Ingest a folder at several stages into one case, and its last stage into another; compare."""
    case, whole = create(tmp_path / "a.case"), create(tmp_path / "whole.case")
    for files in stages:
        loaded = add(case, tmp_path / "logs", files)
    check(case, log, add(whole, tmp_path / "logs", {}).case, contents or stages[-1])
    return loaded


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_grown_twice_by_lines_and_by_parts_of_lines(tmp_path: Path, log: Log) -> None:
    whole = {name: start(log, seed, 130) for seed, name in enumerate(("lines", "parts"))}
    marks = [{name: data.index(b"\n", len(data) * part // 10) + 1 for name, data in whole.items()} for part in (4, 7)]
    stages = [
        {name: data[: place[name] - (9 if name == "parts" else 0)] for name, data in whole.items()} for place in marks
    ]
    loaded = grow(tmp_path, log, *stages, whole, whole)
    segments = [entry.name for entry in loaded.case.ledger() if entry.status == "ingested"]
    assert (segments.count("lines"), segments.count("parts")) == (3, 1)


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_every_place_of_growth(tmp_path: Path, log: Log) -> None:
    """Cut in the two last lines: within a line, before and behind a line feed, within a line end of two bytes, before the last line feed."""
    whole, parts = {}, {}
    for seed in range(9):
        data = start(log, seed, 20) + text(log, seed, 21, 1).rstrip(b"\n") + b"\r\n" + text(log, seed, 22, 1)
        last = data.rindex(b"\n", 0, len(data) - 1) + 1
        before = data.rindex(b"\n", 0, last - 1) + 1
        places = (
            before - 1,
            before,
            before + 1,
            last - 2,
            last - 1,
            last,
            last + 1,
            (last + len(data)) // 2,
            len(data) - 1,
        )
        whole[f"{seed}.log"], parts[f"{seed}.log"] = data, data[: places[seed]]
    grow(tmp_path, log, parts, whole)


@pytest.mark.parametrize("log", [ENVOY, ZEEK], ids=lambda log: log.name)
def test_a_member_more(tmp_path: Path, log: Log) -> None:
    """Compressed files grow by a member or frame."""
    first = {kind: start(log, seed) for seed, kind in enumerate(PACKERS)}
    second = {kind: text(log, seed, 61, 41) for seed, kind in enumerate(PACKERS)}
    stages = [
        {kind: pack(first[kind]) for kind, pack in PACKERS.items()},
        {kind: pack(first[kind]) + pack(second[kind]) for kind, pack in PACKERS.items()},
    ]
    loaded = grow(tmp_path, log, *stages, contents={kind: first[kind] + second[kind] for kind in PACKERS})
    assert all(entry.continues for entry in loaded.entries)


@pytest.mark.parametrize("copy", ["a.log", "z.log"])
@pytest.mark.parametrize("kind", ["plain", "gzip"])
def test_the_grown_content_under_another_name_too(tmp_path: Path, copy: str, kind: str) -> None:
    first, whole = start(ENVOY, 1), start(ENVOY, 1, 101)
    stage = {"m.log": whole, copy: PACKERS[kind](whole)}
    loaded = grow(tmp_path, ENVOY, {"m.log": first}, stage, stage, contents={"m.log": whole, copy: whole})
    assert {entry.name: entry.status for entry in loaded.entries} == {"m.log": "ingested", copy: "duplicate"}


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_rotated(tmp_path: Path, log: Log) -> None:
    """Other content at the same path: both are in the case, each once."""
    old, new = start(log, 1), start(log, 2, 90)
    case, whole = create(tmp_path / "a.case"), create(tmp_path / "whole.case")
    first, second = (add(case, tmp_path / "logs", {"x.log": data}).entry for data in (old, new))
    assert (first.status, second.status, second.continues, second.first_record) == ("ingested", "ingested", "", 1)
    add(whole, tmp_path / "both", {"old": old, "new": new})
    for table in (log.table, "rejects"):
        assert rows(case, table) == rows(whole, table)


def test_rotated_and_the_old_file_moved(tmp_path: Path) -> None:
    """As logrotate does it: x.log grows, becomes x.log.1, and x.log begins anew; nothing is counted twice."""
    old, whole, new = start(COMBINED, 1), start(COMBINED, 1, 80), start(COMBINED, 2, 30)
    grow(tmp_path, COMBINED, {"x.log": old}, {"x.log": new, "x.log.1": whole})


def test_zeek_goes_on_with_another_log(tmp_path: Path) -> None:
    """What was added begins a section of its own, with other fields."""
    first = start(ZEEK, 1)
    more = b"#close\tx\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tconn_state\n"
    more += b"1772528400.5\tC9\t10.0.0.1\t10.0.0.9\tSF\n" * 3
    grow(tmp_path, ZEEK, {"x.log": first}, {"x.log": first + more})


def test_the_same_packed_anew(tmp_path: Path) -> None:
    """Nothing was added: the tables stay, the ledger tells the new hash of the file."""
    data = start(ENVOY, 1)
    case = create(tmp_path / "a.case")
    first = add(case, tmp_path / "logs", {"x.log.gz": gzip.compress(data, 1)}).entry
    before = rows(case, ENVOY.table)
    again = add(case, tmp_path / "logs", {"x.log.gz": gzip.compress(data, 9) + gzip.compress(b"")}).entry
    assert (again.id, again.records, again.status) == (first.id, first.records, "ingested")
    assert again.sha256 != first.sha256
    assert rows(case, ENVOY.table) == before


@pytest.mark.parametrize("pack", PACKERS)
def test_rotated_and_compressed_at_once(tmp_path: Path, pack: str) -> None:
    """x.log grew and became x.log.1.gz between two ingests: only what was added is new."""
    first, whole = start(COMBINED, 1), start(COMBINED, 1, 80)
    case = create(tmp_path / "a.case")
    old = add(case, tmp_path / "logs", {"x.log": first}).entry
    (tmp_path / "logs" / "x.log").unlink()
    new = next(
        entry for entry in add(case, tmp_path / "logs", {"x.log.1.gz": PACKERS[pack](whole)}).entries if entry.continues
    )
    assert (new.continues, new.first_record) == (old.id, old.records + 1)
    expected = create(tmp_path / "whole.case")
    add(expected, tmp_path / "both", {"x.log.1": whole})
    assert rows(case, COMBINED.table) == rows(expected, COMBINED.table)
    assert raw_lines(case, case.ledger()[0], 2, 0)


def test_raw_bytes_are_found_where_the_same_content_lies(tmp_path: Path) -> None:
    data, case = start(COMBINED, 1), create(tmp_path / "a.case")
    entry = add(case, tmp_path / "logs", {"x.log": data}).entry
    expected = raw_lines(case, entry, 3, 1)
    add(case, tmp_path / "logs", {"x.log": data, "y.log.gz": gzip.compress(data)})
    (tmp_path / "logs" / "x.log").write_bytes(b"something else\n")
    assert raw_lines(case, entry, 3, 1) == expected
