"""The case folder."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from forensics.case import Case, LedgerEntry, create, exclusive, file_sha256, open_case, write_bytes
from forensics.config import parse
from forensics.errors import CaseError, IntegrityError


def entry(name: str, **more: object) -> LedgerEntry:
    return LedgerEntry(name, name, f"/e/{name}", "ingested", 1, "s", "c", 1, **more)  # type: ignore[arg-type]  # by keyword


def test_a_new_case_is_its_owners_only(tmp_path: Path) -> None:
    case = create(tmp_path / "a" / "x.case")
    assert {path.name for path in case.folder.iterdir()} == {"tables", "tmp", "results", "reports"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in [case.folder, *case.folder.iterdir()]} == {0o700}
    assert case.name == "x"
    assert create(case.folder) == case


def test_a_case_has_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="is not a case"):
        open_case(tmp_path)
    case = create(tmp_path / "x.case")
    assert case.ledger() == []
    case.finish_ingest([entry("b", rows={"connections": 2}, skipped={"blank": 1}), entry("a")])
    assert [item.name for item in open_case(case.folder).ledger()] == ["a", "b"]
    assert case.ledger()[1].rows == {"connections": 2}
    assert case.table_files("connections") == [case.tables / "connections" / "b.parquet"]
    assert case.table_files("metrics") == []


@pytest.mark.parametrize("text", ["", "{", "{}", "[{}]", '[{"id": 5}]', "[5]"])
def test_a_damaged_ledger_is_told(tmp_path: Path, text: str) -> None:
    case = create(tmp_path / "x.case")
    (case.folder / "evidence.json").write_text(text)
    with pytest.raises(IntegrityError, match="The ledger is damaged") as caught:
        case.ledger()
    assert caught.value.exit_code == 4


def test_only_ingested_evidence_has_tables(tmp_path: Path) -> None:
    case = create(tmp_path / "x.case")
    doubled = LedgerEntry("d", "d", "/e/d", "duplicate", 1, "s", "c", 1, rows={"metrics": 1})
    case.finish_ingest([doubled])
    assert case.table_files("metrics") == []


def test_the_configuration_is_kept_as_it_is(tmp_path: Path) -> None:
    case = create(tmp_path / "x.case")
    assert case.config().text == ""
    text = "# ünï\r\n[release]\r\nservice = 's'\r\n"
    case.write_config(parse(text))
    assert case.config().config.release.service == "s"
    assert case.config().sha256 == parse(text).sha256


def test_a_case_where_a_file_stands(tmp_path: Path) -> None:
    (tmp_path / "x.case").write_text("")
    with pytest.raises(CaseError, match="cannot be written"):
        create(tmp_path / "x.case")


def test_files_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    write_bytes(path, b"old")

    def full(self: Path, data: bytes) -> int:  # noqa: ARG001 - the signature of Path.write_bytes
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CaseError, match="No space left on device"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_case_is_held_by_one(tmp_path: Path) -> None:
    case = create(tmp_path / "x.case")
    with exclusive(case), pytest.raises(CaseError, match="in use by process"), exclusive(Case(case.folder)):
        pass
    with exclusive(case):
        pass


def test_a_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    case = create(tmp_path / "x.case")
    with pytest.raises(ZeroDivisionError), exclusive(case):
        raise ZeroDivisionError
    with exclusive(case):
        pass


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    assert file_sha256(tmp_path / "x") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
