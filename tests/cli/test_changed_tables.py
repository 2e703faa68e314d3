"""Nobody reads a table that was changed after it was ingested without being told: exit code 4, before a row is shown."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from forensics import case as case_module
from forensics import views
from forensics.case import Case, open_case
from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, findings_of, run


@pytest.fixture
def own(reviewed: Reviewed, tmp_path: Path) -> Path:
    """A case with a cache that was used here."""
    case = reviewed.copy("checkout-compromised", tmp_path / "own.case")
    assert run("sql", case, "select count(*) from requests").code == 0
    return case


def table(case: Path) -> Path:
    return max((case / "tables" / "connections").glob("*.parquet"), key=lambda path: path.stat().st_size)


def record(case: Path) -> str:
    return f"{table(case).stem}:343"


COMMANDS: dict[str, Callable[[Path], list[str]]] = {
    "sql": lambda _: ["select count(*) from connections"],
    "timeline": lambda _: [],
    "show": lambda case: [record(case)],
    "detect": lambda _: [],
}


def flip(path: Path) -> None:
    """Change one byte; size and modification time stay."""
    info, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def rewrite(path: Path) -> None:
    """Take the connections to one address out: a sound file that another tool would read."""
    rows = pq.ParquetFile(path).read()
    kept = rows.filter(pc.not_equal(rows["destination_address"], "203.0.113.77"))
    assert len(kept) < len(rows)
    pq.write_table(kept, path)


def put_beside(path: Path) -> None:
    """Replace the file by another of the same size and time."""
    info, other = path.stat(), path.with_suffix(".new")
    other.write_bytes(bytes(info.st_size))
    os.utime(other, ns=(info.st_atime_ns, info.st_mtime_ns))
    other.replace(path)


CHANGES: dict[str, Callable[[Path], None]] = {
    "flip": flip,
    "rewrite": rewrite,
    "put beside": put_beside,
    "remove": Path.unlink,
}


# Every command meets one change and one command meets all of them; the other pairs are `slow`.
PAIRS = [
    pytest.param(command, change, marks=[] if change == "flip" or command == "sql" else [pytest.mark.slow])
    for command in COMMANDS
    for change in CHANGES
]


@pytest.mark.parametrize(("command", "change"), PAIRS)
def test_a_changed_table_is_told_before_it_is_read(own: Path, command: str, change: str) -> None:
    arguments = COMMANDS[command](own)
    name = table(own).name
    CHANGES[change](table(own))
    done = run(command, own, *arguments)
    assert (done.code, done.out) == (4, "")
    assert f"The table file connections/{name} is not what was ingested." in done.err


def test_also_where_there_is_no_cache_yet(own: Path) -> None:
    (own / "case.duckdb").unlink()
    rewrite(table(own))
    assert run("sql", own, "select count(*) from connections").code == 4
    assert not (own / "case.duckdb").exists()


def test_a_table_changed_with_its_ledger_is_told_too(own: Path) -> None:
    """The custody log pins the ledger."""
    path = table(own)
    before = case_module.file_sha256(path)
    rewrite(path)
    text = (own / "evidence.json").read_text().replace(before, case_module.file_sha256(path))
    (own / "evidence.json").write_text(text)
    for command in ("sql", "timeline", "show"):
        done = run(command, own, *COMMANDS[command](own))
        assert (done.code, done.out) == (4, ""), command
        assert "evidence.json was changed after it was written" in done.err
    assert run("show", own, record(own), "--raw").code == 4


def test_a_table_that_is_put_back_is_read_again_from_the_same_cache(own: Path) -> None:
    path = table(own)
    good, cache = path.read_bytes(), (own / "case.duckdb").stat().st_mtime_ns
    flip(path)
    assert run("sql", own, "select 1").code == 4
    path.write_bytes(good)
    done = run("sql", own, "select count(*) as n from connections", "--json")
    assert json.loads(done.out)[0]["n"] > 0
    assert (own / "case.duckdb").stat().st_mtime_ns == cache


def test_unchanged_tables_are_hashed_once(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = case_module.file_sha256

    def count(path: Path) -> str:
        read.append(path.name)
        return real(path)

    monkeypatch.setattr(case_module, "file_sha256", count)
    views.ensure(Case(own))
    assert set(read) == {"evidence.json"}
    os.utime(table(own))
    views.ensure(Case(own))
    assert {path.name for path in (own / "tables").glob("*/*")} <= set(read)
    read.clear()
    views.ensure(Case(own))
    assert set(read) == {"evidence.json"}


def test_a_review_hashes_its_tables_once_for_detect_and_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    real = case_module.file_sha256

    def count(path: Path) -> str:
        read.append(path)
        return real(path)

    monkeypatch.setattr(case_module, "file_sha256", count)
    run("review", SAMPLES / "checkout-thin", "--case", tmp_path / "a.case")
    tables = [path for path in read if path.suffix == ".parquet"]
    assert tables
    assert len(tables) == len(set(tables))


def test_a_foreign_marker_is_worth_nothing(own: Path, reviewed: Reviewed, tmp_path: Path) -> None:
    """A case that was copied with its cache: change times are those of this machine, so all is checked."""
    copied = reviewed.copy("checkout-compromised", tmp_path / "copied.case")
    for name in ("case.duckdb", "case.duckdb.key"):
        (copied / name).write_bytes((own / name).read_bytes())
    rewrite(table(copied))
    assert run("sql", copied, "select 1").code == 4


@pytest.mark.parametrize("name", ["findings.json", "results/timeline.json"])
@pytest.mark.parametrize("command", ["explain", "report"])
def test_changed_findings_are_neither_explained_nor_reported(own: Path, command: str, name: str) -> None:
    finding = findings_of(own)["findings"][0]["id"]
    (own / name).write_bytes((own / name).read_bytes().replace(b"203.0.113.77", b"203.0.113.78") + b" ")
    done = run("explain", own, finding) if command == "explain" else run("report", own, "--format", "markdown")
    assert (done.code, done.out) == (4, "")
    assert f"{name} was changed after it was written." in done.err
    assert "was changed after it was written" in run("status", own).out


def test_a_case_that_is_being_written_is_read(own: Path) -> None:
    """Between the custody log and the ledger nothing is called a forgery."""
    (own / "unfinished").mkdir()
    (own / "evidence.json").write_bytes((own / "evidence.json").read_bytes() + b" ")
    case = Case(own)
    assert case.require_known_tables("")
    assert isinstance(open_case(own), Case)
