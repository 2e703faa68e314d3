"""What a real terminal of 80 columns shows: nothing runs over its edge, nothing is cut."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unicodedata
from pathlib import Path

import pytest

from forensics.case import open_case
from tests.conftest import Reviewed
from tests.end_to_end.harness import ROOT, run

_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(columns: int, *arguments: str | Path) -> list[str]:
    """Run a command whose standard output is a terminal; return its lines without colours."""
    text = raw_terminal(columns, *arguments).decode()
    return [_ESCAPE.sub("", line.rstrip("\r")) for line in text.split("\n")]


def raw_terminal(columns: int, *arguments: str | Path) -> bytes:
    """Run a command whose standard output is a terminal; return what it gets."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    command = [sys.executable, "-m", "forensics", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "", "LANG": "C.UTF-8"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    parts: list[bytes] = []
    try:
        while data := os.read(ours, 65_536):
            parts.append(data)
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return b"".join(parts)


def cells(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


def check(case: Path, columns: int) -> None:
    """Every word of the ledger is there, in lines that fit; folding puts no letter away."""
    lines = on_terminal(columns, "status", case)
    assert max(map(cells, lines)) <= columns
    shown = "".join("".join(lines).split())
    for entry in open_case(case).ledger():
        for text in (
            entry.name,
            entry.status,
            entry.format,
            f"{entry.records:,}",
            entry.first_time[:19],
            entry.note,
            *entry.rows,
        ):
            assert "".join(text.split()) in shown, text


@pytest.mark.parametrize("columns", [80, 100, 132])
@pytest.mark.parametrize("name", ["checkout-compromised", "checkout-thin"])
def test_the_ledger_of_the_samples_fits(reviewed: Reviewed, name: str, columns: int) -> None:
    check(reviewed.case(name), columns)


def test_long_and_wide_names_and_notes_are_folded(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = b'203.0.113.7 - - [03/Mar/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 512 "-" "-"\n'
    (folder / ("n" * 200 + ".log")).write_bytes(log)
    (folder / ("\u65e5\u672c" * 40)).write_bytes(log * 2)
    (folder / "copy").write_bytes(log)
    (folder / "app.log").write_bytes(b"Mar  3 09:00:00 host shop: started\n" * 20)
    case = tmp_path / "a.case"
    run("review", folder, "--case", case)
    check(case, 80)
    assert any("same content as" in line for line in on_terminal(80, "status", case))


def test_a_wide_terminal_gets_one_line_a_file(reviewed: Reviewed) -> None:
    case = reviewed.case("checkout-thin")
    lines = on_terminal(300, "status", case)
    assert lines[0].split() == [
        "file",
        "status",
        "format",
        "records",
        "accepted",
        "rejected",
        "skipped",
        "rows",
        "first",
        "last",
        "note",
    ]
    assert len(lines) > len(open_case(case).ledger())


@pytest.mark.parametrize("columns", [80, 100])
def test_formats_fit(columns: int) -> None:
    assert max(map(cells, on_terminal(columns, "formats"))) <= columns
