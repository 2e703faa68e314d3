"""Tags and notes are kept in a chain; `diff` tells new, changed and gone findings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.investigate.annotations import said
from tests.conftest import Reviewed
from tests.end_to_end.harness import findings_of, outputs, run


@pytest.fixture
def own(reviewed: Reviewed, tmp_path: Path) -> Path:
    """A case that the test may change."""
    return reviewed.copy("checkout-compromised", tmp_path / "own.case")


def first(case: Path) -> str:
    return str(findings_of(case)["findings"][0]["id"])


def record(case: Path) -> str:
    return str(findings_of(case)["findings"][0]["evidence"][0])


def test_tags_and_notes_are_listed_and_explained_and_removed(own: Path) -> None:
    finding = first(own)
    before = outputs(own)
    assert run("tag", own, finding[:6], "confirmed", "leak:1").code == 0
    assert run("note", own, finding, "Called the owner\x1b[31m of the route.").code == 0
    assert run("tag", own, record(own), "seen").code == 0
    listed = json.loads(run("tag", own, "--json").out)
    assert [(row["target"], row["tags"]) for row in listed] == [(finding, "confirmed, leak:1"), (record(own), "seen")]
    told = run("explain", own, finding)
    assert "tags         confirmed, leak:1" in told.out
    assert "Called the owner" in told.out
    assert "\x1b" not in told.out
    assert run("tag", own, finding, "confirmed", "--remove").out == f"{finding}: confirmed removed\n"
    assert said(Case(own))[finding].tags == {"leak:1"}
    assert outputs(own) == before, "what people say changes no result"
    assert run("status", own).code == 0


@pytest.mark.parametrize("target", ["F-ffffffffff", "0000000000000000:1", "nothing"])
def test_what_is_not_there_cannot_be_tagged(own: Path, target: str) -> None:
    done = run("tag", own, target, "x")
    assert done.code == 2
    assert not (own / "annotations.jsonl").exists()


def test_bad_tags_and_notes(own: Path) -> None:
    assert run("tag", own, first(own), "two words").code == 2
    assert run("tag", own, first(own), "\u202e").code == 2
    assert run("note", own, first(own), " ").code == 2
    assert run("note", own, first(own), "x" * 10_001).code == 2


def test_a_changed_log_is_told(own: Path) -> None:
    assert run("tag", own, first(own), "a", "b").code == 0
    path = own / "annotations.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"a"', b'"c"'))
    assert run("tag", own).code == 4
    assert run("status", own).code == 4


def changes(*arguments: str | Path) -> list[tuple[str, str]]:
    done = run("diff", *arguments, "--json")
    assert done.code == 0, done.err
    return [(row["change"], row["id"]) for row in json.loads(done.out)]


def test_a_case_differs_neither_from_itself_nor_from_todays_detectors(own: Path, reviewed: Reviewed) -> None:
    assert changes(own, reviewed.case("checkout-compromised")) == []
    before = {path: path.stat().st_mtime_ns for path in own.rglob("*") if path.is_file() and "duckdb" not in path.name}
    assert changes(own) == []
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_new_gone_and_changed_findings(own: Path, reviewed: Reviewed) -> None:
    clean = reviewed.case("checkout-clean")
    ids, others = ({item["id"] for item in findings_of(case)["findings"]} for case in (own, clean))
    found = changes(clean, own)
    assert {key for change, key in found if change == "new"} == ids - others
    assert {key for change, key in found if change == "gone"} == others - ids
    assert {key for change, key in found if change == "changed"} <= ids & others
    assert changes(own, clean) != found


def test_a_detector_that_was_left_out_is_new_today(own: Path) -> None:
    assert run("detect", own, "--skip", "outbound.*").code == 0
    found = changes(own)
    assert {change for change, _ in found} >= {"new"}
    assert run("diff", own).err.startswith(f"{sum(change == 'new' for change, _ in found)} new")
