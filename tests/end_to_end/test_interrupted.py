"""Killed at any moment: the next run of the same command gives what an undisturbed one gives."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from forensics import custody
from forensics.case import Case

SAMPLES = Path(__file__).parent.parent.parent / "sample_data"
OUTPUTS = ("findings.json", "evidence.json", "canary.toml")


def evidence(folder: Path) -> Path:
    """The smallest sample, with an archive of the same logs, a damaged and a useless file beside it."""
    shutil.copytree(SAMPLES / "checkout-thin", folder)
    access = gzip.decompress(next((folder / "access").glob("*.gz")).read_bytes())
    (folder / "more").mkdir()
    (folder / "more" / "cut.json.gz").write_bytes(gzip.compress(access[:100_000])[:-100])
    (folder / "more" / "junk.bin").write_bytes(bytes(range(256)) * 40)
    shutil.make_archive(str(folder / "more" / "bundle"), "zip", folder / "access")
    return folder


def command(folder: Path, case: Path) -> list[str]:
    return [sys.executable, "-m", "forensics", "review", str(folder), "--case", str(case)]


def run(folder: Path, case: Path) -> int:
    done = subprocess.run(command(folder, case), capture_output=True, text=True, check=False)
    assert "defect" not in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def contents(case: Path) -> dict[str, object]:
    """Everything that must be the same; tables by their rows, since the engine decides on the bytes of a file."""
    found: dict[str, object] = {name: (case / name).read_text() for name in OUTPUTS}
    found |= {f"results/{path.name}": path.read_text() for path in (case / "results").iterdir()}
    found["report"] = (case / "reports" / "report.html").read_text()
    for path in sorted((case / "tables").rglob("*.parquet")):
        found[str(path.relative_to(case))] = pq.ParquetFile(path).read()
    return found


def compare(case: Path, expected: dict[str, object]) -> None:
    found = contents(case)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == value, name
    left = {path.name for path in case.iterdir()}
    assert left <= {
        *OUTPUTS, "custody.jsonl", "tables", "results", "reports", "tmp", "lock", "case.duckdb", "case.duckdb.key", "access.jsonl", "restricted",
    }  # fmt: skip
    assert not [path for path in (case / "tmp").rglob("*") if path.is_file()]
    assert custody.verify(case / "custody.jsonl").torn == 0
    pinned = custody.pinned(case / "custody.jsonl")
    import hashlib

    for name, digest in pinned.items():
        assert hashlib.sha256((case / name).read_bytes()).hexdigest() == digest, name


def killed_at(folder: Path, case: Path, seconds: float) -> bool:
    """Start, kill the whole process group after so long; say whether it was still running."""
    with subprocess.Popen(
        command(folder, case), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        time.sleep(seconds)
        alive = process.poll() is None
        if alive:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return alive


def rounds(tmp_path: Path, count: int, seed: int) -> None:
    folder, whole = evidence(tmp_path / "evidence"), tmp_path / "whole" / "a.case"
    started = time.monotonic()
    assert run(folder, whole) == 3  # a cut file
    length = time.monotonic() - started
    expected, draw = contents(whole), random.Random(seed)  # noqa: S311 - moments, not secrets
    hit, case = 0, tmp_path / "killed" / "a.case"
    for _ in range(count):
        if draw.random() < 0.7:  # else go on with what the last round left
            shutil.rmtree(case, ignore_errors=True)
        hit += killed_at(folder, case, draw.uniform(0.2, length * 0.9))
        if draw.random() < 0.3:
            killed_at(folder, case, draw.uniform(0.2, length))
        assert run(folder, case) == 3
        compare(case, expected)
    assert hit * 4 > count


def test_killed_at_ten_moments(tmp_path: Path) -> None:
    rounds(tmp_path, 10, 3)


@pytest.mark.slow
def test_killed_at_two_hundred_moments(tmp_path: Path) -> None:
    rounds(tmp_path, 200, 4)


def test_a_case_between_kill_and_repair_is_no_forgery(tmp_path: Path) -> None:
    """`status` after a kill tells what is missing, and finds nothing changed."""
    folder, case = evidence(tmp_path / "evidence"), tmp_path / "a.case"
    for seconds in (0.8, 1.1, 1.5, 2.0):
        killed_at(folder, case, seconds)
        if not (case / "evidence.json").exists():
            continue
        done = subprocess.run(
            [sys.executable, "-m", "forensics", "status", str(case), "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        state = json.loads(done.stdout)
        assert state["problems"] == []
        assert done.returncode in (0, 3)
        known = {entry["status"] for entry in state["evidence"]}
        assert known <= {"ingested", "duplicate", "archive", "pending", "unrecognised", "configuration", "ignored"}
        assert len(Case(case).ledger()) == len(state["evidence"])
