"""The command over drop folders: exit codes, what is written, what goes wrong with one service."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET  # the XML is our own

import pytest

from forensics.evidence import spool
from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, Done, run

CLEAN, BAD = "checkout-clean", "checkout-compromised"
PHONE_HOME, LET_IN = "outbound.new_destination", "access.anonymous_allow_flip"


class Site:
    """An audit over the drop folders of some services."""

    def __init__(self, folder: Path, *services: str) -> None:
        self.folder = folder
        self.config = folder / "audit.toml"
        for service in services:
            (folder / "drops" / service).mkdir(parents=True)
        entries = (f'[[service]]\nname = "{service}"\ndrop = "drops/{service}"\n' for service in services)
        self.config.write_text("".join(entries))

    def drop(self, service: str, rollout: str, sample: str) -> Path:
        target = self.folder / "drops" / service / rollout
        shutil.copytree(SAMPLES / sample, target)
        (target / "expected.toml").unlink()
        return target

    def audit(self, as_of: str, *options: str) -> Done:
        return run("audit", self.config, "--as-of", as_of, *options)

    def changes(self, as_of: str) -> dict[str, dict[str, str]]:
        """Return for each service the change of each detector's findings, of an audit that is recorded."""
        lines = [
            json.loads(line)["details"] for line in (self.folder / "audit" / "audits.jsonl").read_bytes().splitlines()
        ]
        record = [line for line in lines if line["as_of"] == as_of][-1]
        detectors = {
            known: item["finding"]["detector"]
            for line in lines
            for service in line["services"]
            for known, item in (service["memory"] or {"known": {}})["known"].items()
        }
        return {
            service["name"]: {detectors[name]: change for change, names in service["changes"].items() for name in names}
            for service in record["services"]
        }


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, "shop")


def test_four_nights(site: Site) -> None:
    """Clean, an incident, no evidence, a late log of the incident: exit codes, one line, what is written."""
    site.drop("shop", "2026-03-03", CLEAN)
    first = site.audit("2026-03-04")
    assert (first.code, first.out.count("\n")) == (0, 1), first.err
    bad = site.drop("shop", "2026-03-04", BAD)
    second = site.audit("2026-03-05")
    assert second.code == 1
    assert site.changes("2026-03-05")["shop"][PHONE_HOME] == "new"
    assert "2026-03-04: 3 findings at high or above" in second.err
    started = time.monotonic()
    third = site.audit("2026-03-06")
    assert (third.code, third.err) == (3, "shop: no evidence arrived\n")
    assert time.monotonic() - started < 60  # far above what it takes; measured apart
    assert site.audit("2026-03-06").out == third.out
    assert site.changes("2026-03-06")["shop"] == {}
    (bad / "more.log").write_text(
        '203.0.113.9 - - [03/Mar/2026:09:10:00 +0000] "GET /late HTTP/1.1" 200 5 "-" "curl/8"\n' * 20
    )
    fourth = site.audit("2026-03-07")
    assert fourth.code == 1
    assert site.changes("2026-03-07")["shop"][PHONE_HOME] == "recurring"
    check_outputs(site)


def check_outputs(site: Site) -> None:
    state = site.folder / "audit"
    page = (state / "overview.html").read_text()
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert page.count("cases/shop/2026-03-04.case/reports/report.html") > 1
    assert (state / "cases/shop/2026-03-04.case/reports/report.html").exists()
    suites = ET.fromstring((state / "junit.xml").read_bytes())  # noqa: S314 - what this tool wrote
    failed = {case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None}
    assert failed == {"audit", PHONE_HOME, LET_IN, "access.denial_rate_lower"}
    assert suites.get("failures") == str(len(failed))


def test_no_drop_folder_is_no_evidence_and_not_clean(site: Site) -> None:
    shutil.rmtree(site.folder / "drops")
    done = site.audit("2026-03-04")
    assert done.code == 3
    assert "shop: The drop folder cannot be read: No such file or directory." in done.err


def test_an_empty_drop_folder_is_no_evidence(site: Site) -> None:
    (site.folder / "drops" / "shop" / "no-config").mkdir()
    done = site.audit("2026-03-04")
    assert (done.code, done.err) == (
        3,
        "shop: no-config has no canary.toml and was not judged\nshop: no evidence arrived\n",
    )


def test_a_rollout_without_evidence_is_not_clean(site: Site) -> None:
    folder = site.folder / "drops" / "shop" / "r1"
    folder.mkdir()
    (folder / "canary.toml").write_text('[release]\nservice = "shop"\n')
    done = site.audit("2026-03-04")
    assert done.code == 3
    assert "no evidence arrived" in done.err


def test_one_service_that_fails_does_not_stop_the_rest(tmp_path: Path) -> None:
    site = Site(tmp_path, "broken", "shop")
    folder = site.drop("broken", "r1", "checkout-thin")
    (folder / "canary.toml").write_text("[[chort]]\n")
    site.drop("shop", "r1", "checkout-thin")
    done = site.audit("2026-03-04")
    assert done.code == 2
    assert "`chort` is not a key" in done.err
    assert "shop: r1: inconclusive" in done.err
    assert "broken 2, shop 3" in done.out
    (folder / "canary.toml").write_bytes((SAMPLES / "checkout-thin" / "canary.toml").read_bytes())
    assert site.audit("2026-03-05").code == 3
    assert "1 rollout judged" in site.audit("2026-03-05").out


def test_a_case_that_was_changed_is_exit_4(site: Site) -> None:
    folder = site.drop("shop", "r1", "checkout-thin")
    assert site.audit("2026-03-04").code == 3
    table = next((site.folder / "audit/cases/shop/r1.case/tables/http_requests").iterdir())
    table.write_bytes(table.read_bytes()[:-1] + b"x")
    (folder / "note.txt").write_text("another file")
    assert site.audit("2026-03-05").code == 4


def test_an_expired_suppression_of_the_newest_rollout_fails(site: Site) -> None:
    folder = site.drop("shop", "r1", "checkout-thin")
    rule = (
        '[[suppress]]\ndetector = "outbound.new_destination"\nowner = "ann"\nreason = "known"\nexpires = 2026-04-01\n'
    )
    (folder / "canary.toml").write_text((folder / "canary.toml").read_text() + rule)
    assert site.audit("2026-04-01").code == 3
    done = site.audit("2026-04-02")
    assert done.code == 1
    assert "the suppression of outbound.new_destination (*), owner ann expired on 2026-04-01" in done.err


def test_time_does_not_go_back(site: Site) -> None:
    assert site.audit("2026-03-05").code == 3
    done = site.audit("2026-03-04")
    assert done.code == 2
    assert "An audit of 2026-03-05 is recorded" in done.err
    assert site.audit("2026-03-05T01:00:00+02:00").code == 2
    assert site.audit("2026-03-05T02:00:00Z").code == 3


@pytest.mark.parametrize("as_of", ["yesterday", "2026-3-5", "2026-03-05T02:00:00", "", "2026-02-30"])
def test_what_is_no_time(site: Site, as_of: str) -> None:
    assert site.audit(as_of).code == 2


def test_a_second_audit_waits_for_nobody(site: Site) -> None:
    state = site.folder / "audit"
    state.mkdir()
    with (state / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("4711")
        file.flush()
        done = site.audit("2026-03-04")
    assert done.code == 2
    assert "Process 4711 audits with this state folder" in done.err


@pytest.mark.parametrize(
    "spoil", [lambda data: data.replace(b"2026-03-04", b"2026-03-03"), lambda data: data[:50] + b"\n" + data[50:]]
)
def test_a_changed_record_is_exit_4(site: Site, spoil: object) -> None:
    site.audit("2026-03-04")
    site.audit("2026-03-05")
    path = site.folder / "audit" / "audits.jsonl"
    assert callable(spoil)
    path.write_bytes(spoil(path.read_bytes()))
    assert site.audit("2026-03-06").code == 4


def test_a_last_line_that_was_not_finished_is_left_out_and_told(site: Site) -> None:
    site.audit("2026-03-04")
    path = site.folder / "audit" / "audits.jsonl"
    path.write_bytes(path.read_bytes() + b'{"seq":2,"ti')
    assert site.audit("2026-03-05").code == 3
    assert b'"unfinished_line_bytes":12' in path.read_bytes()
    assert site.audit("2026-03-06").code == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "service"),
        ('[[service]]\nname = "a/b"\ndrop = "x"\n', "audit.toml:2"),
        ('[[service]]\nname = "a"\ndrop = "x"\n[[service]]\nname = "A"\ndrop = "y"\n', "two services"),
        ('[[service]]\nname = "a"\ndorp = "x"\n', "did you mean `drop`?"),
        ('fail_on = "hihg"\n[[service]]\nname = "a"\ndrop = "x"\n', "fail_on"),
        ("[[service]\n", "not valid TOML"),
    ],
)  # fmt: skip
def test_a_configuration_that_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "audit.toml").write_text(text)
    done = run("audit", tmp_path / "audit.toml")
    assert done.code == 2
    assert told in done.err


def test_what_was_not_judged_is_never_a_clean_night(site: Site) -> None:
    """A forgotten canary.toml, a link, a loose log, and links and pipes among the evidence: exit 3, each named."""
    site.drop("shop", "r1", CLEAN)
    assert site.audit("2026-03-04").code == 0
    drop = site.folder / "drops" / "shop"
    shutil.copytree(SAMPLES / BAD, drop / "r2", ignore=shutil.ignore_patterns("canary.toml"))
    (drop / "r3").symlink_to(SAMPLES / BAD)
    shutil.copytree(SAMPLES / BAD, drop / "r4", ignore=shutil.ignore_patterns("canary.toml"))
    (drop / "r4" / "canary.toml").symlink_to(SAMPLES / BAD / "canary.toml")
    shutil.copy(SAMPLES / BAD / "network" / "conn.log", drop / "loose.log")
    (drop / "r1" / "network" / "conn2.log").symlink_to(SAMPLES / BAD / "network" / "conn.log")
    os.mkfifo(drop / "r1" / "pipe.log")
    done = site.audit("2026-03-05")
    assert done.code == 3
    for told in (
        "r2 has no canary.toml and was not judged", "r3 is a link and was not judged", "r4 has a link as canary.toml and was not judged",
        "loose.log lies beside the rollouts and was not judged", "r1: network/conn2.log was not read: symbolic link", "r1: pipe.log was not read: not a regular file",
    ):  # fmt: skip
        assert f"shop: {told}" in done.err
        assert told.split(":")[0] in (site.folder / "audit" / "overview.html").read_text()


def test_a_case_that_was_put_there_is_refused(site: Site, reviewed: Reviewed) -> None:
    home = site.folder / "audit" / "cases" / "shop"
    home.mkdir(parents=True)
    site.drop("shop", "r1", "checkout-thin")
    reviewed.copy("checkout-thin", home / "r1.case")
    done = site.audit("2026-03-04")
    assert (done.code, "holds other evidence than the rollout" in done.err) == (4, True)
    shutil.move(home / "r1.case", site.folder / "elsewhere.case")
    (home / "r1.case").symlink_to(site.folder / "elsewhere.case")
    before = (site.folder / "elsewhere.case" / "custody.jsonl").read_bytes()
    done = site.audit("2026-03-05")
    assert (done.code, "r1.case is a link" in done.err) == (4, True)
    assert (site.folder / "elsewhere.case" / "custody.jsonl").read_bytes() == before


def test_changed_findings_of_a_case_are_told_when_it_is_opened_again(site: Site) -> None:
    folder = site.drop("shop", "r1", "checkout-thin")
    assert site.audit("2026-03-04").code == 3
    findings = site.folder / "audit/cases/shop/r1.case/findings.json"
    findings.write_bytes(findings.read_bytes() + b" ")
    (folder / "note.txt").write_text("another file")
    done = site.audit("2026-03-05")
    assert (done.code, "findings.json was changed after it was written" in done.err) == (4, True)


@pytest.mark.parametrize("left", [0, 1, None])
def test_a_record_that_was_cut_is_exit_4(site: Site, left: int | None) -> None:
    for day in (4, 5, 6):
        assert site.audit(f"2026-03-0{day}").code == 3
    path = site.folder / "audit" / "audits.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    if left is None:
        path.unlink()
    else:
        path.write_bytes(b"".join(lines[:left]))
    done = site.audit("2026-03-07")
    assert (done.code, "is not as long as it was" in done.err) == (4, True)


def test_a_line_behind_the_pinned_end_is_that_of_a_killed_audit(site: Site) -> None:
    assert site.audit("2026-03-04").code == 3
    pin = (site.folder / "audit" / "audits.head").read_bytes()
    assert site.audit("2026-03-05").code == 3
    (site.folder / "audit" / "audits.head").write_bytes(pin)
    assert site.audit("2026-03-06").code == 3


def test_a_file_that_could_not_be_read_is_tried_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.drop("shop", "r1", CLEAN)
    calls = []

    def copy(stream: IO[bytes], folder: Path, size: int | None = None) -> Path:
        calls.append(size)
        if len(calls) == 3:
            raise FileNotFoundError(2, "No such file or directory")
        return spool(stream, folder, size)

    with monkeypatch.context() as patch:
        patch.setattr("forensics.ingest.intake.spool", copy)
        first = site.audit("2026-03-04")
    assert (first.code, "could not be read" in first.err) == (3, True)
    assert site.audit("2026-03-05").code == 0


HOSTILE = ["\x1b]52;c;aGk=\x07", "<script>alert(1)</script>", "-rf", "a b'\"", "\u202egnp", os.fsdecode(b"\xff\xfe")]


def test_names_of_rollouts_are_hostile(site: Site) -> None:
    """No evidence in them: only the names pass through terminal, record, JUnit and page."""
    for name in HOSTILE:
        folder = site.folder / "drops" / "shop" / name.replace("/", "_")
        folder.mkdir()
        (folder / "canary.toml").write_text("[[chort]]\n")
    done = site.audit("2026-03-04")
    assert done.code == 2
    assert not {"\x1b", "\x07", "\u202e"} & set(done.out + done.err)
    page = (site.folder / "audit" / "overview.html").read_text()
    assert "<script" not in page
    assert "\x1b" not in page
    ET.fromstring((site.folder / "audit" / "junit.xml").read_bytes())  # noqa: S314 - what this tool wrote


SEVEN: dict[str, list[tuple[str | None, int, str]]] = {  # service -> night -> sample that arrives (None: none), exit code, change of the phone-home
    "steady": [(CLEAN, 0, ""), (CLEAN, 0, ""), (CLEAN, 0, ""), (BAD, 1, "new"), (CLEAN, 0, "resolved"), (CLEAN, 0, ""), (CLEAN, 0, "")],
    "sick": [(BAD, 1, "new"), *[(BAD, 1, "recurring")] * 6],
    "moody": [
        (BAD, 1, "new"), (CLEAN, 0, "resolved"), (BAD, 1, "regressed"), (None, 3, ""), (BAD, 1, "recurring"), (BAD, 1, "recurring"),
        (CLEAN, 0, "resolved"),
    ],
}  # fmt: skip


@pytest.mark.slow
def test_seven_nights_and_a_kill(tmp_path: Path) -> None:
    """In the sixth night the audit is killed in the middle and started again."""
    site = Site(tmp_path, *SEVEN)
    for night in range(7):
        as_of = f"2026-03-1{night}"
        for service, truth in SEVEN.items():
            if sample := truth[night][0]:
                site.drop(service, f"rollout-{night}", sample)
        if night == 5:
            kill(site, as_of)
        done = site.audit(as_of)
        codes = [SEVEN[service][night][1] for service in SEVEN]
        assert done.code == (1 if 1 in codes else 3 if 3 in codes else 0), done.err
        changes = site.changes(as_of)
        assert {name: changes[name].get(PHONE_HOME, "") for name in SEVEN} == {
            name: SEVEN[name][night][2] for name in SEVEN
        }
        failed = [f"{name} {code}" for name, code in zip(SEVEN, codes, strict=True) if code]
        assert (f"not 0: {', '.join(failed)};" if failed else "all 0;") in done.out
    assert len((tmp_path / "audit" / "audits.jsonl").read_bytes().splitlines()) == 7


def kill(site: Site, as_of: str) -> None:
    """Kill an audit when it has begun with its second case."""
    command: Sequence[str] = [sys.executable, "-m", "forensics", "audit", str(site.config), "--as-of", as_of]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    second = site.folder / "audit" / "cases" / "sick" / "rollout-5.case" / "evidence.journal"
    while not second.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
