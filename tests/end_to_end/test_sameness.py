"""The same evidence gives the same bytes; a changed rule reads no evidence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, Done, findings_of, outputs, run, spawn


@pytest.mark.parametrize(("threads", "seed"), [("1", "1"), ("4", "77")])
def test_threads_hash_seed_and_working_folder_do_not_matter(
    threads: str, seed: str, reviewed: Reviewed, tmp_path: Path
) -> None:
    case = tmp_path / "elsewhere" / "checkout-compromised.case"
    case.parent.mkdir()
    done = spawn(
        "review",
        SAMPLES / "checkout-compromised",
        "--threads",
        threads,
        cwd=case.parent,
        PYTHONHASHSEED=seed,
        TZ="Asia/Kolkata",
        LC_ALL="C",
    )
    assert done.code == 0, done.err
    assert outputs(case) == outputs(reviewed.case("checkout-compromised"))


def test_detecting_again_changes_no_byte(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-clean", tmp_path / "checkout-clean.case")
    assert run("detect", case, "--threads", "1").code == 0
    assert outputs(case) == outputs(reviewed.case("checkout-clean"))


def test_reviewing_again_into_the_same_case_changes_no_byte_and_other_evidence_is_refused(tmp_path: Path) -> None:
    case = tmp_path / "a.case"
    assert run("review", SAMPLES / "checkout-thin", "--case", case).code == 0
    before = outputs(case)
    assert run("review", SAMPLES / "checkout-thin", "--case", case).code == 0
    assert outputs(case) == before
    done = run("review", SAMPLES / "checkout-clean", "--case", case)
    assert done.code == 2
    assert "holds other evidence" in done.err
    assert outputs(case) == before


def cohorts(case: Path) -> Done:
    return run(
        "sql",
        case,
        "select cohort, count(*) as n from requests where in_phase group by all order by all",
        "--format",
        "csv",
    )


def test_a_changed_rule_changes_cohorts_after_the_evidence_is_gone(tmp_path: Path) -> None:
    """Canary 15 and baseline 1,152 requests in the phase of the thin sample change places."""
    evidence, case = tmp_path / "evidence", tmp_path / "a.case"
    shutil.copytree(SAMPLES / "checkout-thin", evidence)
    assert run("review", evidence, "--case", case).code == 0
    before, verdict = cohorts(case).out.splitlines(), findings_of(case)["verdict"]
    assert {"baseline,1152", "canary,15"} <= set(before)
    text = (evidence / "canary.toml").read_text(encoding="utf-8")
    swapped = (
        text.replace('cohort = "canary"', 'cohort = "X"')
        .replace('cohort = "baseline"', 'cohort = "canary"')
        .replace('cohort = "X"', 'cohort = "baseline"')
    )
    (tmp_path / "swapped.toml").write_text(swapped, encoding="utf-8")
    shutil.rmtree(evidence)
    done = run("detect", case, "--config", tmp_path / "swapped.toml")
    assert done.code == 0, done.err
    assert {"baseline,15", "canary,1152"} <= set(cohorts(case).out.splitlines())
    assert findings_of(case)["verdict"] != verdict


def test_only_and_skip(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-compromised", tmp_path / "a.case")
    assert run("detect", case, "--only", "outbound.*", "--skip", "outbound.beacon").code == 0
    ran = {state["id"] for state in findings_of(case)["detectors"]}
    assert "outbound.new_destination" in ran
    assert "outbound.beacon" not in ran
    assert {item.partition(".")[0] for item in ran} == {"outbound"}
    assert findings_of(case)["verdict"]["outcome"] == "block"


def test_leaving_core_families_out_is_inconclusive_not_pass(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-clean", tmp_path / "a.case")
    assert run("detect", case, "--only", "headers.*").code == 0
    assert findings_of(case)["verdict"]["outcome"] == "inconclusive"


@pytest.mark.parametrize("option", ["--only", "--skip"])
def test_an_unknown_detector_names_the_nearest(option: str, reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-thin", tmp_path / "a.case")
    before = outputs(case)
    done = run("detect", case, option, "outbound.new_destinatoin")
    assert done.code == 2
    assert "outbound.new_destination" in done.err
    assert done.out == ""
    assert outputs(case) == before


def test_a_gate_on_detect(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-compromised", tmp_path / "a.case")
    assert run("detect", case, "--fail-on", "critical").code == 1
    assert run("detect", case, "--fail-on", "critical", "--skip", "access.*").code == 0
    assert run("detect", case, "--fail-on", "critical", "--skip", "access.*", "--skip", "outbound.*").code == 3
