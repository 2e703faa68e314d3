"""A disk that is full, a case that is read-only, a permission lost in the middle: one sentence, and the next run gives what an undisturbed one gives."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, Done, run
from tests.end_to_end.test_interrupted import contents

CLF = '203.0.113.7 - - [03/Mar/2026:09:00:00 +0000] "GET /{} HTTP/1.1" 200 512 "-" "curl/8.5"\n'
SAMPLE = SAMPLES / "checkout-thin"


def told(done: Done) -> None:
    """One sentence and a hint, never a defect or a traceback."""
    assert done.code not in (None, 5), done.err
    assert "defect" not in done.err, done.err
    assert "Traceback" not in done.err, done.err
    assert len(done.err.strip().splitlines()) <= 2 or done.code in (0, 3), done.err


def limited(size: int, *arguments: str | Path) -> Done:
    """Call the command line in a process that may write no file larger than `size`."""
    done = subprocess.run(
        [sys.executable, "-m", "forensics", *map(str, arguments)],
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    return Done(done.returncode, done.stdout, done.stderr.decode())


def arguments_of(command: str, case: Path) -> list[str | Path]:
    if command == "review":
        return [SAMPLE, "--case", case]
    return [case, SAMPLE] if command == "ingest" else [case]


def same(case: Path, reference: Path) -> None:
    """All outputs but those that name the case."""
    assert contents(case) == contents(reference)


@pytest.fixture
def whole(reviewed: Reviewed) -> Path:
    """The case of an undisturbed run; its name is that of all cases here."""
    return reviewed.make("whole", lambda folder: _review(folder / "a.case")) / "a.case"


def _review(case: Path) -> None:
    assert run("review", SAMPLE, "--case", case).code in (0, 1)


def sometimes(*values: int) -> list[Any]:
    """The first value by default, the others with the slow tests."""
    return [values[0], *(pytest.param(value, marks=pytest.mark.slow) for value in values[1:])]


@pytest.mark.parametrize("size", sometimes(300_000, 0, 3_000, 30_000))
def test_a_full_disk_in_a_review(tmp_path: Path, whole: Path, size: int) -> None:
    case = tmp_path / "a.case"
    done = limited(size, "review", SAMPLE, "--case", case)
    told(done)
    assert done.code == 2, done.err
    _review(case)
    same(case, whole)


@pytest.mark.parametrize("size", sometimes(3_000, 0, 100_000))
def test_a_full_disk_in_detect_and_report(tmp_path: Path, whole: Path, size: int) -> None:
    """The views must be built anew: the case was moved."""
    case = tmp_path / "a.case"
    shutil.copytree(whole, case)
    for command in ("detect", "report"):
        done = limited(size, command, case)
        told(done)
        assert done.code == 2 or size == 100_000, done.err
    assert run("status", case).code == 0
    assert run("detect", case).code in (0, 1)
    assert run("report", case).code == 0
    same(case, whole)


# Small evidence, for many runs


def evidence(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.log").write_text("".join(CLF.format(number) for number in range(50)))
    (folder / "b.log").write_text("".join(CLF.format(number) for number in range(100, 150)))
    return folder


def tables(case: Path) -> dict[str, Any]:
    """The ledger and the tables, by their bytes."""
    found: dict[str, Any] = {"evidence.json": (case / "evidence.json").read_bytes()}
    return found | {path.name: path.read_bytes() for path in sorted(case.glob("tables/*/*"))}


@contextmanager
def refusing(monkeypatch: pytest.MonkeyPatch, turn: int, error: OSError) -> Iterator[list[str]]:
    """Let the n-th call that opens, makes, moves or removes a file below a case or of evidence fail."""
    calls: list[str] = []

    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **more: Any) -> Any:
            if ".case" in str(path) or "logs" in str(path):
                calls.append(f"{real.__name__} {path}")
                if len(calls) == turn:
                    raise error
            return real(path, *arguments, **more)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", wrap(os.open))
        for name in ("open", "mkdir", "replace", "unlink", "stat"):
            patch.setattr(Path, name, wrap(getattr(Path, name)))
        yield calls


REFUSED = PermissionError(13, "Permission denied")
BROKEN = OSError(5, "Input/output error")
READ_ONLY = OSError(30, "Read-only file system")
FULL = OSError(28, "No space left on device")


def ingested(folder: Path, case: Path) -> Done:
    return run("ingest", case, folder, "--threads", "1")


def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, step: int) -> None:
    """At every so many calls: no traceback, no defect told, and the next run gives what an undisturbed one gives."""
    folder = evidence(tmp_path / "logs")
    with refusing(monkeypatch, 0, error) as calls:
        ingested(folder, tmp_path / "whole.case")
    expected = tables(tmp_path / "whole.case")
    for turn in range(1 + (error.errno or 0) % step, len(calls) + 1, step):
        case = tmp_path / f"{turn}" / "whole.case"
        with refusing(monkeypatch, turn, error) as made:
            done = ingested(folder, case)
        assert "defect" not in done.err + done.out, (made[turn - 1], done.out, done.err)
        told(done)
        assert ingested(folder, case).code == 0, made[turn - 1]
        assert tables(case) == expected, made[turn - 1]
        assert run("status", case).code == 0, made[turn - 1]
        shutil.rmtree(case)


@pytest.mark.parametrize("error", [FULL], ids=str)
def test_a_call_that_fails_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    failing(tmp_path, monkeypatch, error, 23)


@pytest.mark.slow
@pytest.mark.parametrize("error", [READ_ONLY, FULL, REFUSED, BROKEN], ids=str)
def test_every_third_call_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    failing(tmp_path, monkeypatch, error, 3)


@pytest.mark.parametrize("command", ["ingest", "detect"])
def test_a_read_only_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Path, command: str) -> None:
    """Nothing may be written below the case: told in one sentence; reading it still works."""
    case = tmp_path / "a.case"
    shutil.copytree(whole, case)
    real = os.open

    def read_only(path: Any, flags: int, *arguments: Any, **more: Any) -> int:
        if ".case" in str(path) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(30, "Read-only file system")
        return real(path, flags, *arguments, **more)

    before = contents(case)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", read_only)
        arguments = arguments_of(command, case)
        done = run(command, *arguments)
        told(done)
        assert done.code == 2
        assert "Read-only file system" in done.err
        assert run("status", case).code == 0
    assert contents(case) == before


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """A file system of its own, where this user may mount one."""
    folder.mkdir(parents=True)
    if subprocess.run(["mount", *options, str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not possible here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["100k", "400k", "700k", "1m", "1500k", "2m", "3m", "5m"])
def test_a_small_file_system(tmp_path: Path, whole: Path, size: str) -> None:
    """A tmpfs that fills up somewhere in the review; with room the same command gives the whole result."""
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", f"size={size}", "tmpfs") as disk:
        case = disk / "a.case"
        done = limited(resource.RLIM_INFINITY, "review", SAMPLE, "--case", case)
        told(done)
        assert done.code in (0, 1, 2), done.err
        subprocess.run(["mount", "-o", "remount,size=500m", str(disk)], check=True)
        _review(case)
        same(case, whole)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["ingest", "detect", "report", "review"])
def test_a_read_only_file_system(tmp_path: Path, whole: Path, command: str) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "tmpfs") as disk:
        case = disk / "a.case"
        shutil.copytree(whole, case)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        arguments = arguments_of(command, case)
        done = limited(resource.RLIM_INFINITY, command, *arguments)
        told(done)
        assert (done.code, "Read-only file system" in done.err) == (2, True), done.err
        assert limited(resource.RLIM_INFINITY, "status", case).code == 0
