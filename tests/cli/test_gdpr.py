"""`gdpr`: documents into a folder, gdpr.toml kept, blanks named, nothing overwritten, nothing beside evidence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, run, spawn
from tests.gdpr.given import FULL

NAME = "checkout-thin"


@pytest.fixture
def own(reviewed: Reviewed, tmp_path: Path) -> Path:
    return reviewed.copy(NAME, tmp_path / "own.case")


@pytest.fixture
def full(tmp_path: Path) -> Path:
    path = tmp_path / "given.toml"
    path.write_text(FULL)
    return path


def state(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_drafts_are_written_and_said_to_be(own: Path, tmp_path: Path) -> None:
    done = run("gdpr", own, tmp_path / "out")
    assert (done.code, done.out) == (0, f"{tmp_path / 'out'}: 8 documents, drafts\n")
    assert done.err == "19 fields still to be filled in by people; --final names them.\n"
    assert len(state(tmp_path / "out")) == 8
    assert not (own / "gdpr.toml").exists()
    assert run("status", own).code == 0


def test_what_people_said_is_kept_in_the_case(own: Path, full: Path, tmp_path: Path) -> None:
    assert run("gdpr", own, tmp_path / "a", "--config", full).code == 0
    full.unlink()
    assert run("gdpr", own, tmp_path / "b").code == 0
    assert state(tmp_path / "a") == state(tmp_path / "b")
    assert (own / "gdpr.toml").read_text() == FULL
    actions = [json.loads(line)["action"] for line in (own / "custody.jsonl").read_text().splitlines()]
    assert actions[-3:] == ["gdpr configuration", "gdpr", "gdpr"]
    assert run("status", own).code == 0
    (own / "gdpr.toml").write_text(FULL.replace("Shop", "Other"))
    done = run("gdpr", own, tmp_path / "c")
    assert done.code == 4
    assert "gdpr.toml was changed" in done.err
    assert not (tmp_path / "c").exists()


def test_final_names_every_blank_with_its_place_and_writes_nothing(own: Path, full: Path, tmp_path: Path) -> None:
    full.write_text(FULL.replace('approver = "Chris Chief"', 'approver = ""').replace("aware_at = 2026-03-27T23:30:00+01:00\n", ""))  # fmt: skip
    done = run("gdpr", own, tmp_path / "out", "--config", full, "--final")
    assert done.code == 2
    lines = full.read_text().splitlines()
    clock, approver = lines.index("[clock]") + 1, lines.index('approver = ""') + 1
    assert f"{full}:{clock}: clock.aware_at: when the controller became aware (Article 33(1))\n" in done.err
    assert f"{full}:{approver}: decision.approver: who approved the decision (Article 5(2), 33(5))\n" in done.err
    assert "2 fields of gdpr.toml are blank: nothing was written." in done.err
    assert not (tmp_path / "out").exists()
    assert not (own / "gdpr.toml").exists()


def test_final(own: Path, full: Path, tmp_path: Path) -> None:
    done = run("gdpr", own, tmp_path / "out", "--config", full, "--final")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("8 documents, final\n")
    assert b"DRAFT" not in b"".join(state(tmp_path / "out").values())


def test_nothing_is_replaced_without_force(own: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "clock-sheet.md").write_text("mine")
    done = run("gdpr", own, out)
    assert done.code == 2
    assert "clock-sheet.md exists" in done.err
    assert state(out) == {"clock-sheet.md": b"mine"}
    assert run("gdpr", own, out, "--force").code == 0
    assert b"Clock sheet" in (out / "clock-sheet.md").read_bytes()


@pytest.mark.parametrize("place", ["evidence", "evidence/out", "evidence/access/out", "linked", "own.case", "own.case/results/out"])  # fmt: skip
def test_nothing_is_written_beside_evidence_or_into_the_case(place: str, tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / NAME, tmp_path / "evidence")
    (tmp_path / "linked").symlink_to(tmp_path / "evidence")
    assert run("review", tmp_path / "evidence", "--case", tmp_path / "own.case").code == 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    done = run("gdpr", tmp_path / "own.case", tmp_path / place)
    assert done.code == 2
    assert "is inside of" in done.err
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert {path for path in after if before.get(path) != after[path]} <= {tmp_path / "own.case" / "lock"}


def test_a_folder_that_holds_both_case_and_evidence_is_a_working_folder(tmp_path: Path) -> None:
    log = next((SAMPLES / NAME / "access").iterdir())
    shutil.copy(log, tmp_path / "a.log.gz")
    assert run("review", tmp_path / "a.log.gz", "--case", tmp_path / "a.case").code == 0
    assert run("gdpr", tmp_path / "a.case", tmp_path / "out").code == 0


def test_a_file_is_no_folder(own: Path, full: Path) -> None:
    done = run("gdpr", own, full)
    assert done.code == 2
    assert "is no folder" in done.err


def test_the_template_needs_nothing_else(tmp_path: Path, own: Path) -> None:
    done = run("gdpr", "--template")
    assert done.code == 0
    (tmp_path / "gdpr.toml").write_text(done.out)
    assert run("gdpr", own, tmp_path / "out", "--config", tmp_path / "gdpr.toml").code == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [("[clock]\naware_at = 2026-03-03T09:00:00\n", "has no zone"), ("\xff", "is not valid TOML"), ("[x]", "is not a key of gdpr.toml")],
)  # fmt: skip
def test_a_bad_gdpr_toml_is_refused_with_its_place(text: str, words: str, own: Path, tmp_path: Path) -> None:
    (tmp_path / "gdpr.toml").write_text(text)
    done = run("gdpr", own, tmp_path / "out", "--config", tmp_path / "gdpr.toml")
    assert done.code == 2
    assert words in done.err
    assert f"[{tmp_path / 'gdpr.toml'}" in done.err
    assert not (tmp_path / "out").exists()


def test_a_missing_gdpr_toml_and_a_missing_case(own: Path, tmp_path: Path) -> None:
    assert run("gdpr", own, tmp_path / "out", "--config", tmp_path / "none.toml").code == 2
    assert "is not a case" in run("gdpr", tmp_path / "none", tmp_path / "out").err
    assert run("gdpr", own).code == 2


def test_a_case_before_detection(tmp_path: Path) -> None:
    assert run("review", SAMPLES / NAME, "--case", tmp_path / "a.case").code == 0
    (tmp_path / "a.case" / "findings.json").unlink()
    done = run("gdpr", tmp_path / "a.case", tmp_path / "out")
    assert done.code == 2
    assert "no findings yet" in done.err


def test_forged_results_are_an_integrity_error(own: Path, tmp_path: Path) -> None:
    (own / "findings.json").write_text("{}")
    done = run("gdpr", own, tmp_path / "out")
    assert done.code == 4
    assert not (tmp_path / "out").exists()


def test_control_characters_never_reach_the_terminal(own: Path, tmp_path: Path) -> None:
    out = tmp_path / "x\x1b[31m\u202e"
    done = spawn("gdpr", own, out)
    assert done.code == 0
    assert "\x1b" not in done.out + done.err
    assert "\\x1b[31m" in done.out
