"""A file cut to a shorter beginning of itself, as copytruncate and shorter exports leave it: nothing is counted twice, nothing is lost."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from forensics.case import Case, LedgerEntry, create
from forensics.ingest import Options, ingest
from forensics.investigate.show import raw_lines
from tests.end_to_end.harness import outputs, run
from tests.ingest.abuse import LOGS, Log
from tests.ingest.helpers import Loaded
from tests.ingest.test_growth import COMBINED, ENVOY, PACKERS, ZEEK, add, rows, start, text


def part(data: bytes, share: float) -> bytes:
    """Return a beginning of whole lines."""
    return data[: data.index(b"\n", int(len(data) * share)) + 1]


def tables(case: Case) -> dict[str, Counter[str]]:
    return {table: rows(case, table) for table in ("http_requests", "http_exchanges", "connections", "rejects")}


def cut(tmp_path: Path, data: bytes, short: bytes, name: str = "x.log") -> tuple[Case, LedgerEntry, LedgerEntry]:
    """Ingest a file, then its beginning at the same place; return the case with both entries of the ledger."""
    case = create(tmp_path / "a.case")
    old = add(case, tmp_path / "logs", {name: data}).entry
    before = tables(case)
    new = add(case, tmp_path / "logs", {name: short}).entry
    assert tables(case) == before
    return case, old, new


def check(case: Case, old: LedgerEntry, new: LedgerEntry, lines: int) -> None:
    assert (new.status, new.records, new.rows) == ("contained", lines, {})
    assert new.records == new.accepted + new.rejected + sum(new.skipped.values())
    assert (
        new.note
        == f"its records are the first of {old.id}, which lay here before and is kept: nothing is counted twice"
    )
    held = [entry for entry in case.ledger() if entry.status == "ingested"]
    assert [(entry.id, entry.rows) for entry in held] == [(old.id, old.rows)]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_cut_at_a_line(tmp_path: Path, log: Log, share: float) -> None:
    """Spoiled lines lie among them; the shorter file shows fewer keys than the whole."""
    data = start(log, 1, 300)
    short = part(data, share) if share else start(log, 1, 3)
    case, old, new = cut(tmp_path, data, short)
    check(case, old, new, short.count(b"\n"))


@pytest.mark.parametrize("kind", PACKERS)
def test_cut_and_compressed(tmp_path: Path, kind: str) -> None:
    data = start(COMBINED, 1, 200)
    case, old, new = cut(tmp_path, PACKERS[kind](data), PACKERS[kind](part(data, 0.5)))
    check(case, old, new, part(data, 0.5).count(b"\n"))


def test_cut_before_the_line_feed(tmp_path: Path) -> None:
    data = start(COMBINED, 1, 50) + text(COMBINED, 1, 51, 3)
    short = part(data, 0.4)[:-1]
    case, old, new = cut(tmp_path, data, short)
    check(case, old, new, short.count(b"\n") + 1)


CSV = b"time,metric_name,metric_value\n" + b'2026-03-03T09:00:00Z,"a\nb",1\n2026-03-03T09:00:00Z,c,"2\n' * 40


def test_csv(tmp_path: Path) -> None:
    case, old, new = cut(tmp_path, CSV, CSV[: CSV.index(b"c", 700) + 5])
    assert (old.status, new.status) == ("ingested", "contained")
    assert rows(case, "metrics")


def test_the_same_beginning_again_is_not_parsed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = start(ENVOY, 1, 200)
    case, _, new = cut(tmp_path, data, part(data, 0.5))
    monkeypatch.setattr("forensics.ingest.intake.parse", lambda _: pytest.fail("it is known"))
    assert add(case, tmp_path / "logs", {}).entry == new


def test_cut_again_and_grown_again(tmp_path: Path) -> None:
    """The ledger tells what is there now; the rows are always those of the longest."""
    data = start(ZEEK, 1, 200)
    case, old, _ = cut(tmp_path, data, part(data, 0.7))
    before = tables(case)
    for share in (0.3, 0.5):
        new = add(case, tmp_path / "logs", {"x.log": part(data, share)}).entry
        check(case, old, new, part(data, share).count(b"\n"))
        assert [entry.status for entry in case.ledger()].count("contained") == 1
    assert add(case, tmp_path / "logs", {"x.log": data}).entry.id == old.id
    assert [entry.status for entry in case.ledger()] == ["ingested"]
    assert tables(case) == before
    more = add(case, tmp_path / "logs", {"x.log": data + text(ZEEK, 1, 201, 20)}).entry
    assert (more.continues, more.first_record) == (old.id, old.records + 1)


def test_a_file_of_segments_is_cut(tmp_path: Path) -> None:
    """Inside its second segment, inside its first, and to exactly what it was before it grew."""
    data = start(COMBINED, 1, 200)
    first = part(data, 0.5)
    case = create(tmp_path / "a.case")
    for stage in (first, data):
        add(case, tmp_path / "logs", {"x.log": stage})
    before, held = tables(case), [entry for entry in case.ledger() if entry.status == "ingested"]
    assert len(held) == 2
    for share in (0.8, 0.2):
        new = add(case, tmp_path / "logs", {"x.log": part(data, share)}).entry
        assert (new.status, tables(case)) == ("contained", before)
    new = add(case, tmp_path / "logs", {"x.log": first}).entry
    assert (new.id, new.status, tables(case)) == (held[0].id, "ingested", before)
    assert "keeps the others" in new.note
    for entry in held:
        add(case, tmp_path / "logs", {"x.log": data})
        assert raw_lines(case, entry, entry.last_record, 0)


@pytest.mark.parametrize("change", [(b"GET", b"PUT"), (b" 200 ", b" 201 "), (b"+0100", b"+0200"), (b"\n", b"\r\n")])
def test_other_content_is_other_content(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    """One line of the beginning differs: both are kept, as before."""
    lines = [text(COMBINED, 1, number * 7, 1) for number in range(60)]
    short = [line.replace(*change) if number == 20 else line for number, line in enumerate(lines[:40])]
    case = create(tmp_path / "a.case")
    add(case, tmp_path / "logs", {"x.log": b"".join(lines)})
    new = add(case, tmp_path / "logs", {"x.log": b"".join(short)}).entry
    assert new.status == "ingested"
    assert sum(rows(case, "http_requests").values()) == 100


def test_a_refused_line_that_differs_is_other_content(tmp_path: Path) -> None:
    lines = [text(COMBINED, 1, number * 7, 1) for number in range(60)]
    lines[10] = b"garbage one\n"
    case = create(tmp_path / "a.case")
    add(case, tmp_path / "logs", {"x.log": b"".join(lines)})
    lines[10] = b"garbage two\n"
    assert add(case, tmp_path / "logs", {"x.log": b"".join(lines[:40])}).entry.status == "ingested"


def test_at_another_place_it_is_evidence_of_its_own(tmp_path: Path) -> None:
    data = start(COMBINED, 1, 100)
    case = create(tmp_path / "a.case")
    add(case, tmp_path / "logs", {"x.log": data})
    loaded = add(case, tmp_path / "logs", {"y.log": part(data, 0.5)})
    assert {entry.name: entry.status for entry in loaded.entries} == {"x.log": "ingested", "y.log": "ingested"}


def test_cut_to_nothing(tmp_path: Path) -> None:
    _, _, new = cut(tmp_path, start(COMBINED, 1), b"")
    assert (new.status, new.note) == ("unrecognised", "empty file")


def test_a_changed_table_is_not_trusted(tmp_path: Path) -> None:
    """The rows that were to be compared are not those that were written: the file is read as evidence of its own."""
    data = start(COMBINED, 1, 100)
    case = create(tmp_path / "a.case")
    add(case, tmp_path / "logs", {"x.log": data})
    (path,) = (case.tables / "http_requests").glob("*.parquet")
    path.write_bytes(path.read_bytes() + b" ")
    assert add(case, tmp_path / "logs", {"x.log": part(data, 0.5)}).entry.status == "ingested"


@pytest.mark.parametrize("between", ["nothing", "an ingest of the cut file"])
def test_a_review_gives_what_a_first_review_gives(tmp_path: Path, between: str) -> None:
    data = start(COMBINED, 1, 100)
    folder, case = tmp_path / "logs", tmp_path / "a.case"
    folder.mkdir()
    (folder / "x.log").write_bytes(data)
    run("review", folder, "--case", case)
    (folder / "x.log").write_bytes(part(data, 0.5))
    if between != "nothing":
        ingest(Case(case), [folder], Options(threads=2))
    run("review", folder, "--case", case)
    first = tmp_path / "first" / "a.case"
    run("review", folder, "--case", first)
    assert outputs(case) == outputs(first)
    assert [entry.status for entry in Case(case).ledger()] == ["ingested"]


def test_the_command_says_it_and_is_content(tmp_path: Path) -> None:
    data = b"".join(text(COMBINED, 1, number * 7, 1) for number in range(60))
    (tmp_path / "x.log").write_bytes(data)
    assert run("ingest", tmp_path / "a.case", tmp_path / "x.log").code == 0
    (tmp_path / "x.log").write_bytes(part(data, 0.5))
    done = run("ingest", tmp_path / "a.case", tmp_path / "x.log")
    assert (done.code, done.err) == (0, "")
    assert "contained" in done.out
    assert "nothing is counted twice" in done.out
    told = run("detect", tmp_path / "a.case")
    assert "Evidence   2 files, 60 records: 60 accepted" in told.out
    assert json.loads(run("status", tmp_path / "a.case", "--json").out)["problems"] == []


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    import pyarrow as pa

    from forensics.ingest.shrunk import is_beginning

    data = start(COMBINED, 1, 20_000)
    case = create(tmp_path / "a.case")
    loaded = Loaded(case, add(case, tmp_path / "logs", {"x.log": data}).entries)
    (path,) = (loaded.case.tables / "http_requests").glob("*.parquet")
    before = pa.total_allocated_bytes()
    assert is_beginning(path, [path], len(data))
    assert not is_beginning(path, [path], len(data) // 2)
    assert not is_beginning(None, [path], len(data) // 2)
    assert pa.total_allocated_bytes() - before < 1 << 20


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
@pytest.mark.parametrize("share", [0.4, 0.9])
def test_cut_in_the_middle_of_a_line(tmp_path: Path, log: Log, share: float) -> None:
    """The line that is left over is no record of its own: it is told, and nothing is counted twice."""
    data = start(log, 1, 300)
    whole = part(data, share)
    short = whole + data[len(whole) : data.index(b"\n", len(whole)) - 15]
    _, old, new = cut(tmp_path, data, short)
    assert new.status == "contained"
    assert new.note == (
        f"its records are the first of {old.id}, which lay here before and is kept: nothing is counted twice; "
        "its last line has no end and may be cut: it is not compared"
    )


def test_another_line_before_the_cut_one_is_other_content(tmp_path: Path) -> None:
    data = start(COMBINED, 1, 100)
    short = part(data, 0.5).replace(b"GET", b"PUT", 1) + b"198.51.100.9 - - [03/Mar"
    case = create(tmp_path / "a.case")
    add(case, tmp_path / "logs", {"x.log": data})
    assert add(case, tmp_path / "logs", {"x.log": short}).entry.status == "ingested"


@pytest.mark.parametrize("log", [ENVOY, COMBINED, ZEEK], ids=lambda log: log.name)
def test_one_line_without_an_end_is_compared_with_nothing_and_kept(tmp_path: Path, log: Log) -> None:
    """Where nothing but the cut line is there, nothing says that it is the beginning of what lay there before."""
    case = create(tmp_path / "a.case")
    add(case, tmp_path / "logs", {"x.log": start(log, 1, 100)})
    other = start(log, 7, 1)
    other = other[: other.rindex(b"\n")] if other.endswith(b"\n") else other
    entry = add(case, tmp_path / "logs", {"x.log": other}).entry
    assert (entry.status, entry.accepted + entry.rejected) == ("ingested", 1)
