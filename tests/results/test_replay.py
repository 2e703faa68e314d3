"""Policies that canary.toml names: copied into the case, replayed with the detectors, drawn in the report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from forensics import charts
from forensics.errors import ConfigError
from forensics.report.figures import _ticks
from forensics.review import Options, review
from tests.conftest import SAMPLES, Reviewed
from tests.end_to_end.harness import run

SAMPLE = SAMPLES / "checkout-compromised"


def result(case: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((case / "results" / "replay.json").read_text(encoding="utf-8"))
    return told


def test_review_replays_the_policies_of_the_configuration(reviewed: Reviewed) -> None:
    (told,) = result(reviewed.case("checkout-compromised"))["replays"]
    (replayed,) = told["policies"][0]["runs"]
    assert (replayed["trigger"], replayed["verdict"]) == ("2026-03-03T09:03:00Z", "LATE-HUMAN")
    assert replayed["trace_total"] == len(replayed["trace"])
    assert {row["until"] for row in told["radius"]} == {
        "trigger of checkout-security",
        "action",
        "containment",
        "saved by checkout-security",
    }


def test_a_case_without_policies_says_so(reviewed: Reviewed) -> None:
    assert result(reviewed.case("checkout-clean")) == {"replays": [], "note": "canary.toml names no policy."}


def test_no_folder_of_this_machine_stands_in_the_result(reviewed: Reviewed) -> None:
    case = reviewed.case("checkout-compromised")
    text = (case / "results" / "replay.json").read_text(encoding="utf-8")
    assert str(case) not in text
    assert str(SAMPLES) not in text
    assert "1-file-policy.toml" in text


def test_the_report_has_the_gates_as_drawing_and_tables(reviewed: Reviewed) -> None:
    page = (reviewed.case("checkout-compromised") / "reports" / "report.html").read_text(encoding="utf-8")
    section = page.partition('id="replay"')[2].partition("</section>")[0]
    for text in (
        "LATE-HUMAN",
        "no-new-destination",
        "Bytes to new destinations",
        "100.3 kB",
        "<svg",
        "saved by checkout-security",
    ):
        assert text in section
    clean = (reviewed.case("checkout-clean") / "reports" / "report.html").read_text(encoding="utf-8")
    assert "canary.toml names no policy." in clean


def test_the_case_replays_wherever_it_is_opened(reviewed: Reviewed, tmp_path: Path) -> None:
    """The copies count, not the files beside canary.toml."""
    case = reviewed.copy("checkout-compromised", tmp_path / "elsewhere.case")
    before = (case / "results" / "replay.json").read_bytes()
    assert run("detect", case).code == 0
    assert (case / "results" / "replay.json").read_bytes() == before


def test_a_copy_that_was_changed_is_told(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-compromised", tmp_path / "changed.case")
    with (case / "policies" / "1-file-policy.toml").open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    done = run("detect", case)
    assert done.code == 4
    assert "1-file-policy.toml" in done.err


@pytest.mark.parametrize("damage", ["missing", "broken"])
def test_a_policy_that_cannot_be_read_is_told_before_a_case_is_made(tmp_path: Path, damage: str) -> None:
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    shutil.copy(SAMPLE / "canary.toml", evidence)
    if damage == "broken":
        shutil.copytree(SAMPLE / "policy", evidence / "policy")
        (evidence / "policy" / "policy.toml").write_text('kind = "policy"\n')
    with pytest.raises(ConfigError):
        review([evidence], None, tmp_path / "x.case", Options())
    assert not (tmp_path / "x.case").exists()


def test_gates_are_drawn_with_phases_and_moments(reviewed: Reviewed) -> None:
    ticks, marks = _ticks(result(reviewed.case("checkout-compromised"))["replays"])
    assert {name for name, _ in marks} == {"onset", "trigger", "action", "contained"}
    chart = charts.gates(ticks, marks, [], "gates")
    assert chart.svg.startswith("<svg")
    assert "errors-below-15-percent" in chart.svg
    assert charts.gates([], marks, [], "gates").svg == ""
    assert charts.gates(ticks, marks, [], "gates") == chart
