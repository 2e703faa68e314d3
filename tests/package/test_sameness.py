"""The same case and key give the same bytes on any day, in any folder, under any umask, signed or not."""

from __future__ import annotations

import csv
import json
import os
import shutil
import time
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest

from forensics import custody
from forensics.case import open_case
from forensics.package import Options, create, verify
from tests.conftest import Reviewed
from tests.end_to_end.harness import run, spawn
from tests.package.conftest import SAMPLE, Sealed
from tests.package.test_mutations import read


class _Later(datetime):
    """A clock five years ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2031, 7, 1, 3, 4, 5, tzinfo=tz)


@pytest.fixture
def elsewhere(sealed: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the case under another name, on another day, with another umask, from another folder."""
    case = tmp_path / "other place" / "copy of it.case"
    shutil.copytree(sealed.folder.parent / f"{SAMPLE}.case", case)
    monkeypatch.setattr(custody, "datetime", _Later)
    monkeypatch.setattr(time, "time", lambda: 1_940_000_000.0)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.chdir(tmp_path)
    return case


def test_two_days_two_folders_two_umasks(sealed: Sealed, elsewhere: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        create(open_case(elsewhere), tmp_path / "b", Options(sealed.key, sealed.other_private))
    finally:
        os.umask(before)
    first, second = read(sealed.folder), read(tmp_path / "b")
    assert first.keys() == second.keys()
    assert {name for name in first if first[name] != second[name]} == {
        name for name in first if name.startswith("signatures/")
    }
    assert '"time":"2031-07-01T03:04:05+00:00"' in (elsewhere / "access.jsonl").read_text()


def test_the_zip_too(sealed: Sealed, elsewhere: Path, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        create(open_case(elsewhere), tmp_path / name, Options(sealed.key))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    create(open_case(elsewhere), tmp_path / "signed.zip", Options(sealed.key, sealed.private))
    assert (tmp_path / "signed.zip").read_bytes() == sealed.zip.read_bytes()  # Ed25519 draws no random numbers


def test_an_unsigned_package_is_the_signed_one_without_signatures(
    sealed: Sealed, elsewhere: Path, tmp_path: Path
) -> None:
    create(open_case(elsewhere), tmp_path / "unsigned", Options(sealed.key))
    signed = read(sealed.folder)
    assert read(tmp_path / "unsigned") == {name: signed[name] for name in signed if not name.startswith("signatures/")}
    assert verify(tmp_path / "unsigned").failures == []


def test_another_process_with_one_thread_and_another_hash_seed(sealed: Sealed, elsewhere: Path, tmp_path: Path) -> None:
    out = tmp_path / "c.zip"
    done = spawn(
        "package", elsewhere, out, "--key", sealed.key, "--sign", sealed.private, CANARY_THREADS="1", PYTHONHASHSEED="7"
    )
    assert done.code == 0, done.err
    assert out.read_bytes() == sealed.zip.read_bytes()


def test_the_day_is_that_of_the_case_or_of_the_environment(
    sealed: Sealed, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert b"Bagging-Date: 2026-03-03\n" in (sealed.folder / "bag-info.txt").read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert run("package", elsewhere, tmp_path / "d").code == 0
    assert b"Bagging-Date: 1970-01-02\n" in (tmp_path / "d" / "bag-info.txt").read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    done = run("package", elsewhere, tmp_path / "e")
    assert (done.code, "Traceback" in done.err) == (2, False)
    assert not (tmp_path / "e").exists()


def test_packaging_is_noted_in_the_access_log_and_nowhere_else(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-thin", tmp_path / "a.case")
    before = (case / "custody.jsonl").read_bytes()
    done = run("package", case, tmp_path / "out", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    entry = json.loads((case / "access.jsonl").read_text().splitlines()[-1])
    assert entry["action"] == "package"
    assert entry["details"]["tagmanifest_sha256"] == told["tagmanifest_sha256"]
    assert str(tmp_path) not in json.dumps(entry)
    assert (case / "custody.jsonl").read_bytes() == before
    assert run("status", case).code == 0


def test_ordinals_without_a_key_are_those_of_the_report(reviewed: Reviewed, tmp_path: Path) -> None:
    """Of a request that the report shows, the extract shows the same numbers."""
    case = reviewed.copy("checkout-compromised", tmp_path / "a.case")
    assert run("package", case, tmp_path / "out").code == 0
    shown = json.loads((tmp_path / "out" / "data" / "results" / "evidence_rows.json").read_text())
    with (tmp_path / "out" / "data" / "evidence" / "http_requests.csv").open(newline="") as file:
        extract = {row["record"]: (row["user_id"], row["client_address"]) for row in csv.DictReader(file)}
    rows = [
        dict(zip(item["columns"], row, strict=True))
        for item in shown.values()
        for row in item["rows"]
        if "client" in item["columns"]
    ]
    compared = [row for row in rows if row["record"] in extract]
    assert len(compared) > 20
    for row in compared:
        assert extract[row["record"]] == (row["user"] or "", row["client"] or "")
