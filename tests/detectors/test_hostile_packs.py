"""Packs of detectors of unknown origin: a clean sentence or state `error`; other detectors go on."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.config import parse as parse_config
from forensics.detectors import Context, by_id, load, run
from forensics.detectors.run import MAX_ROWS
from forensics.detectors.testing import DAY, DEFAULT_CONFIG
from forensics.errors import DetectorError
from tests.conftest import Reviewed
from tests.detectors.test_front import FRONT, pack, text
from tests.detectors.test_run import BASELINE, CANARY, tables
from tests.end_to_end.harness import findings_of
from tests.end_to_end.harness import run as call

PLAIN = FRONT.replace("least = 1\n", "")
COUNTS = "1 as canary_n, 2 as canary_total, 0 as baseline_n, 4 as baseline_total, 0 as prior_n"
NESTED = "[params]\nx = " + "[" * 20_000 + "]" * 20_000 + "\n"


def _link(folder: Path) -> None:
    (folder.parent / "outside.sql").write_text(text(PLAIN, f"select '/a' as route, {COUNTS}"))
    (folder / "mine").mkdir(parents=True)
    (folder / "mine" / "x.sql").symlink_to(folder.parent / "outside.sql")


def _pipe(folder: Path) -> None:
    (folder / "mine").mkdir(parents=True)
    os.mkfifo(folder / "mine" / "x.sql")


REFUSED: dict[str, Callable[[Path], object]] = {
    "nested TOML": lambda folder: pack(folder, "mine", "x", text(PLAIN.replace("[params]\n", NESTED))),
    "huge number": lambda folder: pack(folder, "mine", "x", text(PLAIN + "x = " + "9" * 5000 + "\n")),
    "wrong types": lambda folder: pack(folder, "mine", "x", text(PLAIN.replace('title = "A title"', "title = 5"))),
    "10 MB": lambda folder: pack(folder, "mine", "x", text(PLAIN.replace("A title", "<b>\u202e" * 2_000_000))),
    "long title": lambda folder: pack(folder, "mine", "x", text(PLAIN.replace("A title", "x" * 301))),
    "long words": lambda folder: pack(folder, "mine", "x", text(PLAIN.replace('why = "w"', f'why = "{"w" * 50_000}"'))),
    "link out of the folder": _link,
    "pipe": _pipe,
    "folder": lambda folder: (folder / "mine" / "x.sql").mkdir(parents=True),
    "control characters in the name": lambda folder: pack(folder, "mine", "x\x1b[2J", text(PLAIN)),
    "markup in the family": lambda folder: pack(folder, "<b>", "x", text(PLAIN)),
    "copy in a CTE": lambda folder: pack(folder, "mine", "x", text(PLAIN, "with x as (copy (select 1) to '/tmp/x') from x")),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_pack_is_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    REFUSED[name](tmp_path / "pack")
    with pytest.raises(DetectorError):
        load([tmp_path / "pack"])
    done = call("detectors", "list", "--queries", tmp_path / "pack")
    assert done.code == 2
    assert len(done.err.splitlines()) <= 2
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.err)


def test_a_link_inside_the_folder_is_a_plain_file(tmp_path: Path) -> None:
    real = pack(tmp_path, "mine", "one", text())
    (tmp_path / "mine" / "two.sql").symlink_to(real)
    assert by_id(load([tmp_path]), "mine.two")


FAILING = {
    "fails at run time": f"select error('<script>\x1b[2J' || repeat('x', 100000)) as route, {COUNTS}",
    "divides texts": f"select cast('x' as int) as route, {COUNTS}",
    "no columns": "select 1 as a",
    "text counts": "select '/a' as route, 'x' as canary_n, 2 as canary_total, 0 as baseline_n, 4 as baseline_total, 0 as prior_n",
    "negative counts": "select '/a' as route, -1 as canary_n, 2 as canary_total, 0 as baseline_n, 4 as baseline_total, 0 as prior_n",
    "huge counts": "select '/a' as route, 1::hugeint << 100 as canary_n, 2 as canary_total, 0 as baseline_n, 4 as baseline_total, 0 as prior_n",
    "no counts": "select '/a' as route, null as canary_n, 2 as canary_total, 0 as baseline_n, 4 as baseline_total, 0 as prior_n",
    "NULL evidence": f"select '/a' as route, {COUNTS}, [null] as evidence",
    "evidence is a number": f"select '/a' as route, {COUNTS}, 5 as evidence",
    "modifiers of the wrong type": f"select '/a' as route, {COUNTS}, [{{'name': 1, 'change': 'x'}}] as modifiers",
    "strata of the wrong type": f"select '/a' as route, {COUNTS}, [5] as strata",
    "first_seen is a text": f"select '/a' as route, {COUNTS}, 'yesterday' as first_seen",
    "reads a file": f"select content as route, {COUNTS} from read_text('/etc/passwd')",
    "settings": f"select value as route, {COUNTS} from duckdb_settings()",
    "never ends": f"with recursive r as (select 1 as a union all select a + 1 from r) select count(*)::varchar as route, {COUNTS} from r",
}


def test_a_time_with_zone_is_told_in_utc(tmp_path: Path) -> None:
    sql = f"select '/a' as route, {COUNTS}, timestamptz '2026-03-03 09:00:00+01' as first_seen"
    pack(tmp_path, "mine", "x", text(PLAIN, sql))
    context = Context(parse_config(DEFAULT_CONFIG).config, DAY)
    detector = by_id(load([tmp_path]), "mine.x")
    with tables(detector.query, http_requests=[CANARY, BASELINE]) as sandbox:
        outcome = run(sandbox, detector, context)
    assert [finding.first_seen for finding in outcome.findings] == ["2026-03-03T08:00:00Z"]


@pytest.mark.parametrize("name", FAILING)
def test_a_failing_detector_is_in_error(name: str, tmp_path: Path) -> None:
    pack(tmp_path, "mine", "x", text(PLAIN, FAILING[name]))
    context = Context(parse_config(DEFAULT_CONFIG).config, DAY, seconds=0.5)
    detector = by_id(load([tmp_path]), "mine.x")
    with tables(detector.query, http_requests=[CANARY, BASELINE]) as sandbox:
        outcome = run(sandbox, detector, context)
    assert outcome.state.state == "error", outcome
    assert len(outcome.state.reason) < 1200
    assert outcome.findings == []


def test_a_table_without_a_cohort_is_no_crash(tmp_path: Path) -> None:
    pack(
        tmp_path,
        "mine",
        "x",
        text(PLAIN.replace('"http_requests"', '"content_matches"'), f"select '/a' as route, {COUNTS}"),
    )
    detector = by_id(load([tmp_path]), "mine.x")
    with tables(detector.query, http_requests=[CANARY], content_matches=[{}]) as sandbox:
        outcome = run(sandbox, detector, Context(parse_config(DEFAULT_CONFIG).config, DAY))
    assert outcome.state.state in ("error", "not_evaluated")


def test_a_million_rows_are_judged_in_part_and_it_is_said(tmp_path: Path) -> None:
    pack(
        tmp_path, "mine", "x", text(PLAIN, f"select 'r' || range as route, {COUNTS} from range(1000000) order by range")
    )
    detector = by_id(load([tmp_path]), "mine.x")
    with tables(detector.query, http_requests=[CANARY, BASELINE]) as sandbox:
        outcome = run(sandbox, detector, Context(parse_config(DEFAULT_CONFIG).config, DAY))
    assert len(outcome.findings) == MAX_ROWS
    assert "first 10,000 rows" in outcome.state.reason


def test_a_hostile_pack_spoils_neither_the_report_nor_the_terminal(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-thin", tmp_path / "a.case")
    evil = "'<script>alert(1)</script>' || chr(27) || '[2J' || chr(8238)"
    values = "1::hugeint << 100 as big, 'nan'::double as nan, map([[1]], ['x']) as m, 'x'::blob as b, uuid() as u, 1.5::decimal as d, date '2020-01-01' as day"
    sql = f"select {evil} as route, {COUNTS}, {evil} as extra, {values}, ['ffff:1', {evil}] as evidence, repeat('x', 200000) as long"
    front = PLAIN.replace("A title", "<img src=x onerror=alert(1)>").replace(
        "[needs]\n", "[needs]\nbaseline_rows = 0\n"
    )
    pack(tmp_path / "pack", "mine", "x", text(front, sql))
    pack(tmp_path / "pack", "mine", "broken", text(front, FAILING["fails at run time"]))
    done = call("detect", case, "--queries", tmp_path / "pack")
    assert done.code == 0, done.err
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.out + done.err)
    states = {item["id"]: item["state"] for item in findings_of(case)["detectors"]}
    assert states["mine.x"] == "finding"
    assert states["mine.broken"] == "error"
    assert "outbound.new_destination" in states
    page = (case / "reports" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", page)


def test_a_detector_that_could_not_run_excludes_nothing(tmp_path: Path, reviewed: Reviewed) -> None:
    """The clean sample passes; with a detector that fails it cannot."""
    case = reviewed.copy("checkout-clean", tmp_path / "a.case")
    assert findings_of(case)["verdict"]["outcome"] == "pass"
    pack(tmp_path / "own", "mine", "x", text(PLAIN, FAILING["divides texts"]))
    assert call("detect", case, "--queries", tmp_path / "own", "--fail-on", "medium").code == 3
    verdict = findings_of(case)["verdict"]
    assert verdict["outcome"] == "inconclusive"
    assert "mine.x" in verdict["reason"]
