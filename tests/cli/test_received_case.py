"""A case that came from someone else: links in it, a foreign cache, a forged ledger. What each command does with it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from forensics import custody, views
from forensics.case import file_sha256, open_case
from forensics.case.plain import require_plain
from forensics.errors import IntegrityError
from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, run


@pytest.fixture
def case(reviewed: Reviewed, tmp_path: Path) -> Path:
    return reviewed.copy("checkout-thin", tmp_path / "received.case")


COMMANDS = {
    "status": ["status", "CASE"],
    "detect": ["detect", "CASE"],
    "report": ["report", "CASE", "--force"],
    "timeline": ["timeline", "CASE"],
    "show": ["show", "CASE", "0000:1"],
    "explain": ["explain", "CASE", "F-1"],
    "sql": ["sql", "CASE", "select 1"],
    "gdpr": ["gdpr", "CASE", "never-written"],
    "ingest": ["ingest", "CASE", str(SAMPLES / "checkout-thin")],
    "review": ["review", str(SAMPLES / "checkout-thin"), "--case", "CASE"],
}


def _tables(case: Path, victim: Path) -> None:
    shutil.rmtree(case / "tables")
    (case / "tables").symlink_to(victim)
    (case / "evidence.journal").write_bytes(b"")


def _unfinished(case: Path, victim: Path) -> None:
    """Outputs that an interrupted step left are moved into place: through a link they would land anywhere."""
    shutil.rmtree(case / "reports")
    (case / "reports").symlink_to(victim / "deep")
    (case / "unfinished" / "reports").mkdir(parents=True)
    (case / "unfinished" / "reports" / "authorized_keys").write_text("hostile")


def _link(name: str) -> Callable[[Path, Path], None]:
    def make(case: Path, victim: Path) -> None:
        (case / name).unlink(missing_ok=True)
        (case / name).symlink_to(victim / "deep" / "keep.txt")

    return make


def _pipe(case: Path, victim: Path) -> None:
    assert victim.exists()
    os.mkfifo(case / "results" / "pipe.json")


PLANTED = {
    "tables": _tables, "unfinished": _unfinished, "lock": _link("lock"), "custody": _link("custody.jsonl"), "access log": _link("access.jsonl"),
    "cache": _link("case.duckdb"), "key": _link("case.duckdb.key"), "findings": _link("findings.json"), "pipe": _pipe,
}  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED)
def test_no_command_follows_a_link(planted: str, case: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    (victim / "deep").mkdir(parents=True)
    (victim / "deep" / "keep.txt").write_text("precious")
    PLANTED[planted](case, victim)
    for arguments in COMMANDS.values():
        done = run(*(str(case) if word == "CASE" else word for word in arguments))
        assert done.code == 4, (arguments, done.err)
        assert "link or a special file" in done.err
    assert [path.name for path in victim.rglob("*") if path.is_file()] == ["keep.txt"]
    assert (victim / "deep" / "keep.txt").read_text() == "precious"


def test_a_plain_case_is_plain(case: Path, tmp_path: Path) -> None:
    require_plain(case)
    require_plain(tmp_path / "absent")
    (tmp_path / "link.case").symlink_to(case)
    require_plain(tmp_path / "link.case")


def test_a_cache_that_came_with_the_case_is_built_again(case: Path) -> None:
    """Even with the right key: the views in it would say what the sender wants, and read what they name."""
    with views.opened(open_case(case), 1):
        pass
    key = (case / "case.duckdb.key").read_bytes()
    (case / "case.duckdb").unlink()
    with duckdb.connect(str(case / "case.duckdb")) as forged:
        forged.execute(
            "create view requests as select 'forged' as route; create view secrets as from read_text('/etc/passwd')"
        )
    (case / "case.duckdb.key").write_bytes(key)
    done = run("sql", case, "select count(*) as n from requests where route = 'forged'", "--json")
    assert json.loads(done.out) == [{"n": 0}]
    assert run("sql", case, "from secrets").code == 2


def test_a_copied_cache_is_built_again_and_ours_is_kept(case: Path, tmp_path: Path) -> None:
    views.ensure(open_case(case))
    before = (case / "case.duckdb").stat().st_ino, (case / "case.duckdb").stat().st_mtime_ns
    views.ensure(open_case(case))
    assert ((case / "case.duckdb").stat().st_ino, (case / "case.duckdb").stat().st_mtime_ns) == before
    shutil.copy2(case / "case.duckdb", tmp_path / "copy")
    (tmp_path / "copy").replace(case / "case.duckdb")
    views.ensure(open_case(case))
    assert (case / "case.duckdb").stat().st_mtime_ns != before[1]


@pytest.mark.parametrize("name", ["case.duckdb.wal", "case.duckdb.wal.recovery", "case.duckdb.wal.checkpoint"])
def test_a_log_beside_the_cache_is_never_played(name: str, case: Path) -> None:
    views.ensure(open_case(case))
    (case / name).write_bytes(b"hostile" * 100)
    assert run("sql", case, "select count(*) from requests").code == 0
    assert not (case / name).exists()


@pytest.mark.parametrize("forged", ["../../../secret", "*", "a/b", "'; drop table x; --", "x" * 100])
def test_a_ledger_cannot_name_files_outside_of_the_tables(forged: str, case: Path) -> None:
    ledger = json.loads((case / "evidence.json").read_text(encoding="utf-8"))
    next(entry for entry in ledger if entry.get("rows"))["id"] = forged
    (case / "evidence.json").write_text(json.dumps(ledger), encoding="utf-8")
    with pytest.raises(IntegrityError, match="no evidence id"):
        views.ensure(open_case(case))
    done = run("detect", case)
    assert done.code == 4
    assert "Traceback" not in done.err


def test_enrichment_of_a_received_case_names_no_file_outside(case: Path, tmp_path: Path) -> None:
    (tmp_path / "private.mmdb").write_bytes(b"x")
    (case / "canary.toml").write_text(f'[enrich]\ncountry_file = "{tmp_path / "private.mmdb"}"\n', encoding="utf-8")
    assert views.digests_of(open_case(case)) == {"country_file": ""}


def test_forged_findings_are_an_integrity_error(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-compromised", tmp_path / "forged.case")
    findings = json.loads((case / "findings.json").read_text(encoding="utf-8"))
    for item in findings["findings"]:
        item |= {"canary": {"n": "\x1b[2J", "total": []}, "entity": 5, "title": {"a": 1}}
    (case / "findings.json").write_text(json.dumps(findings), encoding="utf-8")
    done = run("explain", case, findings["findings"][0]["id"])
    assert done.code == 4
    assert "findings.json was changed after it was written" in done.err
    assert run("status", case).code == 4
    # a sender who writes the custody log anew gets further, and is stopped by what is in the file
    (case / "custody.jsonl").unlink()
    names = ["findings.json", "evidence.json", *(f"results/{path.name}" for path in (case / "results").iterdir())]
    custody.append(case / "custody.jsonl", "detect", {"sha256": {name: file_sha256(case / name) for name in names}})
    done = run("explain", case, findings["findings"][0]["id"])
    assert done.code == 4
    assert "not what this tool writes" in done.err
    assert "\x1b" not in done.out + done.err


def test_a_changed_ledger_is_not_built_upon(case: Path, tmp_path: Path) -> None:
    ledger = case / "evidence.json"
    ledger.write_text(ledger.read_text().replace('"accepted": 1', '"accepted": 2', 1))
    (tmp_path / "more.log").write_text('192.0.2.1 - - [03/Mar/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "c"\n')
    done = run("ingest", case, tmp_path / "more.log")
    assert done.code == 4
    assert "evidence.json was changed" in done.err
    assert run("status", case).code == 4


def test_no_verdict_over_a_changed_table(case: Path) -> None:
    table = next((case / "tables" / "http_requests").iterdir())
    data = bytearray(table.read_bytes())
    data[len(data) // 2] ^= 1
    table.write_bytes(data)
    done = run("detect", case)
    assert done.code == 4
    assert "is not what was ingested" in done.err


def _without(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _shortened(path: Path) -> None:
    """Keep what ingest wrote: not the line that pins findings and results."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b"findings.json" not in line and b"report.html" not in line))


@pytest.mark.parametrize("cut", [_without, _empty, _shortened])
def test_a_cut_custody_log_does_not_bless_a_forged_verdict(
    cut: Callable[[Path], None], reviewed: Reviewed, tmp_path: Path
) -> None:
    case = reviewed.copy("checkout-compromised", tmp_path / "cut.case")
    path = case / "findings.json"
    path.write_text(path.read_text().replace('"critical"', '"low"').replace('"block"', '"pass"'))
    cut(case / "custody.jsonl")
    finding = json.loads(path.read_text())["findings"][0]["id"]
    assert run("status", case).code == 4
    for command in (
        ["report", case, "--format", "markdown", "-o", "-"],
        ["explain", case, finding],
        ["findings", case],
    ):
        done = run(*command)
        assert (done.code, done.out) == (4, ""), command


@pytest.mark.parametrize("name", ["results", "results/coverage.json"])
def test_results_that_were_removed_are_told(name: str, reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-thin", tmp_path / "cut.case")
    path = case / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = run("report", case, "--format", "markdown", "-o", "-")
    assert (done.code, done.out) == (4, "")
    assert "is missing" in done.err
