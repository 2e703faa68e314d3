"""A folder of traps: each is bounded and named with its reason, and the rest of the evidence is ingested."""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

CLF = '192.0.2.1 - - [03/Mar/2026:09:00:00 +0000] "GET /%d HTTP/1.1" 200 5 "-" "%s"\n'
ENVOY = b'{"start_time":"2026-03-03T09:00:00Z","response_code":200,"response_flags":"-","method":"GET","path":"/a"%s}\n'


def log(agent: str, count: int = 1000) -> bytes:
    return "".join(CLF % (number, agent) for number in range(count)).encode()


def ingest(folder: Path, case: Path) -> tuple[int, dict[str, dict[str, Any]], str]:
    """Ingest in a process of its own, with 3 GB of address space beyond what the libraries take; return code, ledger, messages."""
    limit = 8 << 30
    done = subprocess.run(
        [sys.executable, "-m", "forensics", "ingest", str(case), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert "Traceback" not in done.stderr
    entries = json.loads((case / "evidence.json").read_text())
    return done.returncode, {entry["name"]: entry for entry in entries}, done.stderr


def test_a_folder_of_traps(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    deep = b"[" * 100_000 + b"]" * 100_000
    (folder / "good.log").write_bytes(log("good"))
    (folder / "zeros.log.gz").write_bytes(gzip.compress(log("zeros") + bytes(200_000_000), 9))
    (folder / "lines.log.gz").write_bytes(gzip.compress(log("lines") + b"\n" * 200_000_000, 9))
    assert (folder / "zeros.log.gz").stat().st_size < 210_000
    (folder / "deep.json").write_bytes(ENVOY % b"" * 5 + ENVOY % (b',"x":' + deep) + ENVOY % b"" * 5)
    (folder / "deep.har").write_bytes(b'{"log":{"version":"1.2","creator":{},"entries":' + deep + b"}}")
    with zipfile.ZipFile(folder / "slip.zip", "w") as archive:
        archive.writestr("../../../../tmp/evil.log", log("evil"))
        archive.writestr("ok.log", log("ok"))
    (folder / "loop").symlink_to(folder)
    (folder / "itself").symlink_to("itself")
    (folder / "sub").mkdir()
    (folder / "sub" / "up").symlink_to("..")
    os.mkfifo(folder / "pipe")
    (folder / "a[1].log").write_bytes(log("glob"))
    (folder / "a1.log").write_bytes(log("other"))
    (folder / "it's; drop table.log").write_bytes(log("quote"))
    code, found, told = ingest(folder, tmp_path / "a.case")
    assert code == 3
    assert {name: (entry["status"], entry.get("accepted", 0)) for name, entry in found.items()} == {
        "a1.log": ("ingested", 1000),
        "a[1].log": ("ingested", 1000),
        "deep.har": ("ingested", 0),
        "deep.json": ("ingested", 11),
        "good.log": ("ingested", 1000),
        "itself": ("ignored", 0),
        "it's; drop table.log": ("ingested", 1000),
        "lines.log.gz": ("ingested", 1000),
        "loop": ("ignored", 0),
        "pipe": ("ignored", 0),
        "slip.zip": ("archive", 0),
        "slip.zip!../../../../tmp/evil.log": ("failed", 0),
        "slip.zip!ok.log": ("ingested", 1000),
        "sub/up": ("ignored", 0),
        "zeros.log.gz": ("ingested", 1000),
    }
    for name, reason in {
        "zeros.log.gz": "expands more than 200 times",
        "lines.log.gz": "expands more than 200 times",
    }.items():
        assert reason in found[name]["truncated"]
    assert "leads outside" in found["slip.zip!../../../../tmp/evil.log"]["note"]
    assert "symbolic link" in found["loop"]["note"]
    assert "not a regular file" in found["pipe"]["note"]
    assert not Path("/tmp/evil.log").exists()  # noqa: S108 - where the archive points
    assert "zeros.log.gz is damaged or cut; 1,000 records were kept" in told


@pytest.mark.slow
def test_a_line_of_one_gigabyte(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    with (folder / "one.json").open("wb") as file:
        file.write(ENVOY % b"" * 3 + b'{"start_time":"2026-03-03T09:00:00Z","x":"')
        for _ in range(1000):
            file.write(b"A" * 1_000_000)
        file.write(b'"}\n' + ENVOY % b"" * 3)
    (folder / "good.log").write_bytes(log("good"))
    code, found, _ = ingest(folder, tmp_path / "a.case")
    assert code == 3
    assert (found["one.json"]["records"], found["one.json"]["accepted"], found["one.json"]["rejected"]) == (7, 6, 1)
    assert found["good.log"]["accepted"] == 1000


@pytest.mark.slow
def test_a_hundred_thousand_tiny_files(tmp_path: Path) -> None:
    """The largest 10,000 are read, so that junk does not push out the logs; the others are named."""
    folder = tmp_path / "logs"
    for number in range(100_000):
        path = folder / f"{number // 1000:03}" / f"{number:06}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CLF % (number, "tiny"))
    (folder / "zzz.log").write_bytes(log("good"))
    code, found, told = ingest(folder, tmp_path / "a.case")
    assert code == 3
    assert len(found) == 100_001
    assert found["zzz.log"]["accepted"] == 1000
    statuses = [entry["status"] for entry in found.values()]
    assert (statuses.count("ingested"), statuses.count("failed")) == (10_000, 90_001)
    refused = next(entry for entry in found.values() if entry["status"] == "failed")
    assert "more than 10,000 files" in refused["note"]
    assert told.count("\n") < 100
