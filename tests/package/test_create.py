"""Where a package may be written, what is refused to be sealed, and what is told."""

from __future__ import annotations

import csv
import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from forensics.package.extracts import _cell
from tests.conftest import Reviewed
from tests.end_to_end.harness import run


@pytest.fixture
def case(reviewed: Reviewed, tmp_path: Path) -> Path:
    return reviewed.copy("checkout-thin", tmp_path / "a.case")


def test_where_a_package_may_be_written(case: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(case / "reports" / "out")
    for place, told in (
        ("there", "exists"), ("link", "exists"), ("no/folder", "There is no folder"), ("a.case/out", "lies in the case"),
        ("a.case/reports/../out.zip", "lies in the case"), ("there/../a.case/x", "lies in the case"),
    ):  # fmt: skip
        done = run("package", case, tmp_path / place)
        assert (done.code, done.out) == (2, ""), place
        assert told in done.err
    assert not (case / "access.jsonl").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"a.case", "there", "link"}


def test_a_package_is_readable_by_its_owner_only(case: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert run("package", case, tmp_path / "out").code == 0
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


def test_a_changed_case_is_not_sealed(case: Path, tmp_path: Path) -> None:
    table = next((case / "tables").glob("*/*.parquet"))
    table.write_bytes(table.read_bytes() + b" ")
    done = run("package", case, tmp_path / "out", "--key", tmp_path / "key")
    assert (done.code, done.out) == (4, "")
    assert "is not what was recorded" in done.err
    assert {path.name for path in tmp_path.iterdir()} == {"a.case"}


def test_a_case_without_findings(case: Path, tmp_path: Path) -> None:
    evidence = tmp_path / "e"
    evidence.mkdir()
    shutil.copy(Path(__file__).parents[2] / "sample_data" / "checkout-thin" / "network" / "conn.log", evidence)
    other = tmp_path / "b.case"
    assert run("ingest", other, evidence).code == 0
    done = run("package", other, tmp_path / "out", "--key", tmp_path / "key")
    assert (done.code, "has no findings yet" in done.err) == (2, True)
    assert not (tmp_path / "key").exists()
    assert run("package", case, tmp_path / "out").code == 0


def test_nothing_is_left_where_writing_fails(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_folder: Path, _files: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("forensics.package.writing._write_folder", full)
    done = run("package", case, tmp_path / "out")
    assert (done.code, "No space left on device" in done.err) == (2, True)
    assert {path.name for path in tmp_path.iterdir()} == {"a.case"}


def test_detectors_of_a_pack(case: Path, tmp_path: Path) -> None:
    """A detector that judged is in the package with its text where its folder is named, else by its hash, and that is said."""
    source = Path(__file__).parents[2] / "queries" / "outbound" / "beacon.sql"
    pack = tmp_path / "pack" / "mine"
    pack.mkdir(parents=True)
    (pack / "beacon.sql").write_text(source.read_text().replace("severity = ", "severity  = ", 1))
    assert run("detect", case, "--queries", tmp_path / "pack").code == 0
    done = run("package", case, tmp_path / "without")
    assert "1 detector judged and are named by hash only (mine.beacon)" in done.err
    lock = json.loads((tmp_path / "without" / "data" / "rules" / "rules.lock.json").read_text())
    assert next(item["file"] for item in lock["detectors"] if item["id"] == "mine.beacon") is None
    done = run("package", case, tmp_path / "with", "--queries", tmp_path / "pack")
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "with" / "data" / "rules" / "mine" / "beacon.sql").read_bytes() == (
        pack / "beacon.sql"
    ).read_bytes()


def test_a_custody_log_with_a_torn_end(case: Path, tmp_path: Path) -> None:
    """A line whose writing was interrupted is not packed; the chain before it is."""
    log = case / "custody.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"seq":99')
    assert run("package", case, tmp_path / "out").code == 0
    assert (tmp_path / "out" / "data" / "custody" / "custody.jsonl").read_bytes() == whole
    assert run("verify", tmp_path / "out").code == 0


def test_the_case_may_have_any_name(tmp_path: Path) -> None:
    """The name of the folder of the review is in findings.json; in the package it is a word."""
    odd = tmp_path / "a\nb \u202e\u00e9: c.case"
    done = run("review", Path(__file__).parents[2] / "sample_data" / "checkout-thin", "--case", odd)
    assert done.code == 0
    done = run("package", odd, tmp_path / "out.zip")
    assert done.code == 0, done.err
    assert run("verify", tmp_path / "out.zip").code == 0
    assert b"a-b-c.evidence/bag-info.txt" in (tmp_path / "out.zip").read_bytes()


def test_extracts_hold_the_cited_records_and_no_others(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-compromised", tmp_path / "b.case")
    assert run("package", case, tmp_path / "out").code == 0
    data = tmp_path / "out" / "data"
    findings = json.loads((data / "report" / "findings.json").read_text())
    cited = {record for item in findings["findings"] for record in item["evidence"]}
    found: dict[str, set[str]] = {}
    for path in (data / "evidence").glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            found[path.stem] = {row["record"] for row in csv.DictReader(file)}
    assert set().union(*found.values()) == cited
    columns = json.loads((data / "evidence" / "columns.json").read_text())
    assert columns.keys() == found.keys()
    with (data / "evidence" / "http_exchanges.csv").open(newline="", encoding="utf-8") as file:
        header = next(csv.reader(file))
    shown = columns["http_exchanges"]
    wanted = [name + ("_length" if about["shown_as"] == "length" else "") for name, about in shown.items()]
    assert header == ["record", "cohort", "phase", *wanted]
    assert shown["http_response_body"] == {"personal_data": "content", "shown_as": "length"}


def test_cells_start_no_formula() -> None:
    moment = datetime(2026, 1, 1)  # noqa: DTZ001 - tables hold UTC without zone
    assert [_cell(value) for value in ("=1+1", " @x", "a\x1bb", -1, None, True, 0.1 + 0.2, moment, ["=x"])] == [
        "'=1+1", "' @x", "a\\x1bb", -1, None, "true", 0.3, "2026-01-01T00:00:00Z", '["=x"]',
    ]  # fmt: skip
