"""Run the commands of a page and put what they print below them: the page cannot drift from the tool.

A block of ```console holds one command behind `$ ` and its output, standard output before standard error, as a pipe gets it. `sample_data` lies
in the working folder, and cases stay from block to block.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"```console\n\$ (?P<command>[^\n]+)\n.*?```", re.DOTALL)
_LINE_LIMIT = 200
_PROGRAM = "canary-forensics"


def commands(text: str) -> list[str]:
    """Return the commands of a page in their order."""
    return [match["command"] for match in _BLOCK.finditer(text)]


def refreshed(text: str) -> str:
    """Return the page with the output of its commands as it is now; a command that does not exit with 0 is an error."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sample_data").symlink_to(ROOT / "sample_data")
        return _BLOCK.sub(lambda match: _block(match["command"], folder), text)


def _block(command: str, folder: str) -> str:
    program, *arguments = shlex.split(command)
    if program != _PROGRAM:
        raise ValueError(f"not a command of this tool: {command}")
    done = subprocess.run(  # noqa: S603 - commands of our own page
        [sys.executable, "-m", "forensics", *arguments],
        cwd=folder, capture_output=True, check=True, encoding="utf-8", env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
    )  # fmt: skip
    printed = "\n".join(_cut(line.rstrip()) for line in (done.stdout + done.stderr).rstrip("\n").split("\n"))
    return f"```console\n$ {command}\n{printed}\n```"


def _cut(line: str) -> str:
    """Cut what would make the page unreadable; the mark says so."""
    return line if len(line) <= _LINE_LIMIT else f"{line[: _LINE_LIMIT - 1]}…"
