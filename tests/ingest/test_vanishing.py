"""Evidence that is changed by others between discovery and the last byte: its own entry says so, the rest is read."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forensics.case import create
from forensics.ingest import Options, find, intake, load, parsing
from tests.ingest.mutate import LINE_FORMATS, seeds

CLF = b'203.0.113.7 - - [03/Mar/2026:09:00:00 +0000] "GET /%d HTTP/1.1" 200 512 "-" "curl/8.5"\n'
LOG = b"".join(CLF % number for number in range(300))
OTHER = LOG.replace(b"curl", b"wget") * 2


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo_instead(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link_instead(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to(path.with_name("moved"))


def other_instead(path: Path) -> None:
    path.with_name("new").write_bytes(OTHER)
    path.with_name("new").replace(path)


CHANGES: dict[str, Callable[[Path], Any]] = {
    "deleted": Path.unlink,
    "a folder": folder_instead,
    "a pipe": fifo_instead,
    "a link": link_instead,
    "emptied": lambda path: os.truncate(path, 0),
    "cut": lambda path: os.truncate(path, len(LOG) // 2),
    "another file": other_instead,
    "its folder deleted": lambda path: shutil.rmtree(path.parent),
}


def changing(monkeypatch: pytest.MonkeyPatch, changes: dict[Path, Callable[[Path], Any]], moment: str) -> None:
    """Let the changes happen just before or just after a file is parsed."""
    real = parsing.parse

    def parse(job: Any) -> Any:
        change = changes.get(job.path)
        if change and moment == "recognised":
            change(job.path)
        outcome = real(job)
        if change and moment == "parsed":
            change(job.path)
        return outcome

    monkeypatch.setattr(intake, "parse", parse)


def expected(change: str, moment: str) -> tuple[str, int]:
    """Status and rows, by hand."""
    if moment == "parsed":
        return "ingested", 300
    if change == "emptied":
        return ("unrecognised" if moment == "discovered" else "ingested"), 0
    rows = {"cut": LOG[: len(LOG) // 2].count(b"\n"), "another file": 600}
    return ("ingested", rows[change]) if change in rows else ("failed", 0)


@pytest.mark.parametrize("moment", ["discovered", "recognised", "parsed"])
def test_changed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    victims = {tmp_path / "logs" / name / "b.log": change for name, change in CHANGES.items()}
    for number, victim in enumerate(victims):
        victim.parent.mkdir(parents=True)
        victim.write_bytes(LOG.replace(b"8.5", b"8.%d" % number))
    (tmp_path / "logs" / "a.log").write_bytes(LOG.replace(b"curl", b"lynx"))
    sources = find([tmp_path / "logs"], [])
    if moment == "discovered":
        for victim, change in victims.items():
            change(victim)
    changing(monkeypatch, victims, moment)
    found = {entry.name: entry for entry in load(create(tmp_path / "a.case"), sources, Options(threads=1))}
    assert (found["a.log"].status, found["a.log"].accepted) == ("ingested", 300)
    for name in CHANGES:
        entry = found[f"{name}/b.log"]
        assert (entry.status, entry.accepted) == expected(name, moment), entry
        assert "defect" not in entry.note
        assert entry.status != "failed" or re.search("cannot be read|not a regular file", entry.note)


@pytest.mark.parametrize("change", ["deleted", "emptied", "a folder"])
def test_every_importer_meets_a_file_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    (tmp_path / "logs").mkdir()
    files = {tmp_path / "logs" / name: (b"\n" if name in LINE_FORMATS else b"").join(seeds()[name]) for name in seeds()}
    for path, data in files.items():
        path.write_bytes(data)
    changing(monkeypatch, dict.fromkeys(files, CHANGES[change]), "recognised")
    entries = load(create(tmp_path / "a.case"), find([tmp_path / "logs"], []), Options(threads=1))
    assert len(entries) == len(files)
    for entry in entries:
        assert "defect" not in entry.note, entry
        assert "Traceback" not in entry.note, entry
        assert entry.accepted == 0
