"""Bad input: the exit code that was designed, one sentence and a next step on standard error, nothing on standard output."""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, Done, findings_of, outputs, run, spawn

THIN = SAMPLES / "checkout-thin"


def check(done: Done, code: int, *words: str) -> None:
    """Check the shape of every error message."""
    assert done.code == code, done.err
    assert done.raw == b""
    lines = done.err.rstrip("\n").split("\n")
    assert lines[0].startswith("Error: ")
    assert "Traceback" not in done.err
    assert len(lines) <= 3
    assert len(lines) >= 2, "no next step"
    for word in words:
        assert word in done.err


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


Maker = Callable[[Path], tuple[list[str | Path], list[str]]]
CASES: dict[str, Maker] = {
    "missing path": lambda tmp: (["review", tmp / "nowhere"], ["nowhere does not exist"]),
    "folder without files": lambda tmp: (["review", write(tmp / "empty" / "x", "").parent / "none"], ["does not exist"]),
    "folder with nothing in it": lambda tmp: (["review", _folder(tmp / "empty")], ["There is no file in"]),
    "binary junk": lambda tmp: (["review", write(tmp / "junk.bin", bytes(range(256)) * 300)], ["junk.bin", "is not known", "--format"]),
    "empty file named": lambda tmp: (["review", write(tmp / "empty.log", b"")], ["empty.log"]),
    "fifo": lambda tmp: (["review", _fifo(tmp / "pipe")], ["pipe"]),
    "unknown format": lambda _: (["review", THIN, "--format", "zeek-tvs"], ["zeek-tvs", "zeek-tsv"]),
    "unknown format of ingest": lambda tmp: (["ingest", tmp / "a.case", THIN, "--format", "har2"], ["har2"]),
    "config missing": lambda tmp: (["review", THIN, "--config", tmp / "none.toml"], ["none.toml"]),
    "config is a folder": lambda tmp: (["review", THIN, "--config", _folder(tmp / "conf")], ["conf"]),
    "config is no TOML": lambda tmp: (["review", THIN, "--config", write(tmp / "c.toml", "[window\n")], ["c.toml:1", "TOML"]),
    "config is no UTF-8": lambda tmp: (["review", THIN, "--config", write(tmp / "c.toml", b"\xff\xfe[")], ["c.toml"]),
    "wrong key": lambda tmp: (["review", THIN, "--config", write(tmp / "c.toml", '[[cohort]]\ncohort = "canary"\ntabel = "*"\n')], ["c.toml:3", "tabel", "`table`"]),
    "wrong section": lambda tmp: (["review", THIN, "--config", write(tmp / "c.toml", '[relaese]\nservice = "a"\n')], ["c.toml:1", "relaese", "`release`"]),
    "wrong type": lambda tmp: (["review", THIN, "--config", write(tmp / "c.toml", '[[phase]]\nname = "a"\nweight = "five"\n')], ["c.toml:3", "weight"]),
    "time without zone": lambda tmp: (["review", THIN, "--config", write(tmp / "c.toml", "[window]\nstart = 2026-03-03T09:00:00\n")], ["c.toml:2", "zone"]),
    "pattern that cannot be compiled": lambda tmp: (
        ["review", THIN, "--config", write(tmp / "c.toml", '[[cohort]]\ncohort = "canary"\ntable = "*"\ncolumn = "service_version"\nre2 = "("\n')], ["c.toml:5"],
    ),
    "column that is not there": lambda tmp: (
        ["review", THIN, "--config", write(tmp / "c.toml", '[[cohort]]\ncohort = "canary"\ntable = "*"\ncolumn = "service_verison"\nequals = "1"\n')],
        ["c.toml:4", "service_version"],
    ),
    "not a case": lambda tmp: (["status", tmp], ["is not a case"]),
    "case that is missing": lambda tmp: (["sql", tmp / "a.case", "select 1"], ["is not a case"]),
    "case that is a file": lambda tmp: (["review", THIN, "--case", write(tmp / "a.case", "x")], ["a.case", "cannot be written"]),
    "queries folder missing": lambda tmp: (["review", THIN, "--queries", tmp / "q"], ["q"]),
    "detector that is no detector": lambda tmp: (["review", THIN, "--queries", write(tmp / "q" / "a" / "b.sql", "select 1").parent.parent], ["b.sql"]),
    "init into a file that is there": lambda tmp: (["init", THIN, "-o", write(tmp / "c.toml", "x")], ["c.toml exists", "--force"]),
    "init of nothing": lambda tmp: (["init", tmp / "nowhere"], ["does not exist"]),
    "scan of nothing": lambda tmp: (["scan", tmp / "nowhere"], ["does not exist"]),
    "scan of a folder": lambda tmp: (["scan", tmp], ["is not a regular file"]),
    "unknown detector": lambda _: (["detectors", "show", "outbound.new_destinatio"], ["outbound.new_destination"]),
    "validate nothing": lambda tmp: (["config", "validate", tmp / "none.toml"], ["none.toml"]),
    "show config of nothing": lambda tmp: (["config", "show", tmp / "none.toml"], ["none.toml"]),
}  # fmt: skip


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("name", CASES)
def test_bad_input(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, words = CASES[name](tmp_path)
    check(run(*arguments), 2, *words)


OF_A_CASE: dict[str, tuple[list[str], list[str]]] = {
    "bad record id": (["show", "CASE", "343"], ["EVIDENCE:NUMBER"]),
    "record of other evidence": (["show", "CASE", "ffffffffffffffff:1"], ["No evidence begins with"]),
    "record 0": (["show", "CASE", "ffffffffffffffff:0"], ["EVIDENCE:NUMBER"]),
    "record number beyond all": (["show", "CASE", "EVIDENCE:99999999"], ["has ", "records"]),
    "record number that is no digit": (["show", "CASE", "EVIDENCE:\u00b2"], ["EVIDENCE:NUMBER"]),
    "record number of 18 digits": (["show", "CASE", "EVIDENCE:" + "9" * 18], ["records"]),
    "record number of 30 digits": (["timeline", "CASE", "--around", "EVIDENCE:" + "9" * 30], ["EVIDENCE:NUMBER"]),
    "bad finding id": (["explain", "CASE", "F-zzzz"], ["No finding begins with"]),
    "ambiguous finding id": (["explain", "CASE", "F-"], ["More than one finding"]),
    "around no finding": (["timeline", "CASE", "--around", "F-zzzz"], ["no finding F-zzzz"]),
    "around no record": (["timeline", "CASE", "--around", "EVIDENCE:99999999"], ["no record"]),
    "bad time": (["timeline", "CASE", "--from", "yesterday"], ["yesterday is not a time"]),
    "bad end": (["timeline", "CASE", "--to", "2026-13-01"], ["is not a time"]),
    "unknown output format": (["report", "CASE", "--format", "markdwon"], ["markdwon", "markdown"]),
    "unknown column": (["sql", "CASE", "select cohrot from requests"], ["cohrot"]),
    "unknown table": (["sql", "CASE", "select 1 from reqests"], ["requests"]),
    "no query": (["sql", "CASE"], ["no query"]),
    "columns of no table": (["sql", "CASE", "nonsense", "--tables"], ["no table nonsense"]),
    "report into nothing": (["report", "CASE", "-o", "/proc/nowhere/a.html"], ["cannot be written"]),
}


@pytest.mark.parametrize("name", OF_A_CASE)
def test_bad_input_about_a_case(name: str, reviewed: Reviewed) -> None:
    arguments, words = OF_A_CASE[name]
    case = reviewed.case("checkout-compromised")
    known = next(entry["id"] for entry in findings_of(case)["evidence"] if entry["name"] == "network/conn.log")
    check(
        run(
            *(
                text.replace("CASE", str(case)).replace("EVIDENCE", known)
                if text == "CASE" or "EVIDENCE:" in text
                else text
                for text in arguments
            )
        ),
        2,
        *words,
    )


def test_an_unreadable_file_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "access.log", '192.0.2.1 - - [03/Mar/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5\n')
    forbid(monkeypatch, file)
    check(run("review", file, "--case", tmp_path / "a.case"), 2, "access.log cannot be read: Permission denied")


def forbid(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Make one file unreadable, also for root."""
    real = os.open

    def refuse(path: str | Path, flags: int, mode: int = 0o777) -> int:
        if Path(path) == file and not flags & os.O_WRONLY:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)


def test_an_unreadable_file_in_a_folder_is_told_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "e" / "a.log", '192.0.2.1 - - [03/Mar/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5\n')
    write(tmp_path / "e" / "b.log", '192.0.2.1 - - [03/Mar/2026:09:00:00 +0000] "GET /b HTTP/1.1" 200 5\n')
    forbid(monkeypatch, file)
    done = run("review", tmp_path / "e", "--case", tmp_path / "a.case")
    assert done.code == 3
    assert "a.log could not be read" in done.out
    assert {entry["name"]: entry["accepted"] for entry in findings_of(tmp_path / "a.case")["evidence"]} == {
        "a.log": 0,
        "b.log": 1,
    }


def test_a_case_that_holds_other_evidence(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-compromised", tmp_path / "a.case")
    before = outputs(case)
    check(run("review", THIN, "--case", case), 2, "holds other evidence", "--case")
    assert outputs(case) == before


def test_a_folder_that_is_no_case_is_not_touched(tmp_path: Path) -> None:
    """A person's own folder as --case would be mixed with ours."""
    write(tmp_path / "own" / "tables" / "thesis.txt", "years of work")
    run("review", THIN, "--case", tmp_path / "own")
    assert (tmp_path / "own" / "tables" / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_a_read_only_case(reviewed: Reviewed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = reviewed.copy("checkout-thin", tmp_path / "a.case")
    real = os.open

    def refuse(path: str | Path, flags: int, mode: int = 0o777) -> int:
        if str(path).startswith(str(case)) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(30, "Read-only file system", str(path))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)
    check(run("detect", case), 2, "cannot be written: Read-only file system", "--case")


def test_a_second_process_on_the_case(reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy("checkout-thin", tmp_path / "a.case")
    with (case / "lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("4711")
        file.flush()
        check(run("detect", case), 2, "in use by process 4711", "Wait")
        check(run("review", THIN, "--case", case), 2, "in use by process 4711")
    assert run("detect", case).code == 0


@pytest.mark.parametrize(("word", "near"), [("reveiw", "review"), ("timelnie", "timeline"), ("detector", "detectors")])
def test_a_misspelt_command_names_the_nearest(word: str, near: str) -> None:
    done = run(word, "x")
    assert (done.code, done.raw) == (2, b"")
    assert f"Did you mean {near}?" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["review"],
        ["review", "--nonsense"],
        ["timeline"],
        ["show", "a"],
        ["sql", ".", "select 1", "--format", "xml"],
        ["review", ".", "--fail-on", "severe"],
        ["review", ".", "--threads", "0"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.raw) == (2, b"")
    assert "Usage: canary-forensics" in done.err
    assert "Error: " in done.err


LINES = b"".join(
    b'192.0.2.%d - - [03/Mar/2026:09:00:%02d +0000] "GET /a HTTP/1.1" 200 5\n' % (number % 9 + 1, number)
    for number in range(60)
)


def test_standard_input_and_the_same_again(tmp_path: Path) -> None:
    case = tmp_path / "a.case"
    for _ in range(2):
        done = spawn("review", "-", "--case", case, stdin=LINES)
        assert done.code == 0, done.err
        entry = findings_of(case)["evidence"]
        assert [(item["name"], item["accepted"]) for item in entry] == [("standard input", 60)]
    done = spawn("review", "-", "--case", case, stdin=LINES[:700])
    check(done, 2, "holds other evidence")


def test_a_line_of_standard_input_can_be_shown(tmp_path: Path) -> None:
    case = tmp_path / "a.case"
    assert spawn("review", "-", "--case", case, stdin=LINES).code == 0
    record = f"{findings_of(case)['evidence'][0]['id']}:7"
    assert run("show", case, record, "--raw").raw == LINES.split(b"\n")[6] + b"\n"


def test_empty_standard_input(tmp_path: Path) -> None:
    check(spawn("review", "-", "--case", tmp_path / "a.case", stdin=b""), 2, "standard input")


def test_a_terminal_as_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    check(run("review", "-", "--case", tmp_path / "a.case"), 2, "is a terminal")


def test_a_file_named_twice_is_counted_once(tmp_path: Path) -> None:
    file = write(tmp_path / "access.log", LINES)
    assert run("review", file, file, "--case", tmp_path / "a.case").code == 0
    assert [item["accepted"] for item in findings_of(tmp_path / "a.case")["evidence"]] == [60]


def test_rejects_above_the_limit_are_exit_3_and_below_0(tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.log", LINES + b"no line of a log\n" * 2)
    done = run("review", bad, "--case", tmp_path / "a.case")
    assert done.code == 3
    assert "2 of 62 records could not be parsed" in done.out
    good = write(tmp_path / "good.log", LINES * 4 + b"no line of a log\n" * 2)
    assert run("review", good, "--case", tmp_path / "b.case").code == 0


def test_a_cut_gzip_is_exit_3_and_keeps_what_could_be_read(tmp_path: Path) -> None:
    import gzip

    cut = write(tmp_path / "access.log.gz", gzip.compress(LINES)[:-60])
    done = run("review", cut, "--case", tmp_path / "a.case")
    assert done.code == 3
    assert "damaged or cut" in done.out
    assert findings_of(tmp_path / "a.case")["evidence"][0]["accepted"] > 0


def test_a_defect_is_exit_5_and_told_as_one(monkeypatch: pytest.MonkeyPatch, reviewed: Reviewed) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("\x1b[31mred")

    monkeypatch.setattr("forensics.investigate.status.inspect", broken)
    done = run("status", reviewed.case("checkout-thin"))
    check(done, 5, "defect of canary-forensics", "CANARY_DEBUG=1")
    assert "\x1b" not in done.err


def test_interruption_is_exit_130(monkeypatch: pytest.MonkeyPatch, reviewed: Reviewed) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("forensics.investigate.status.inspect", interrupted)
    done = run("status", reviewed.case("checkout-thin"))
    assert (done.code, done.raw) == (130, b"")
    assert "Interrupted" in done.err
