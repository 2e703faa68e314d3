"""The command line as a user meets it: arguments in; exit code, standard output and standard error out."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from forensics.cli import main

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "sample_data"
ROLLOUTS = ("checkout-compromised", "checkout-clean", "checkout-thin")


@dataclass(frozen=True)
class Done:
    """What a call left behind."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.raw.decode()


def run(*arguments: str | Path) -> Done:
    """Call the command line in this process."""
    out, err = io.BytesIO(), io.BytesIO()
    stdout, stderr = (
        io.TextIOWrapper(out, "utf-8", write_through=True),
        io.TextIOWrapper(err, "utf-8", write_through=True),
    )
    code: Any = None
    with redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stopped:
            code = stopped.code
    return Done(code, out.getvalue(), err.getvalue().decode())


def spawn(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None, **environment: str) -> Done:
    """Call the command line in a process of its own."""
    command = [sys.executable, "-m", "forensics", *map(str, arguments)]
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr.decode())


def truth(name: str) -> dict[str, Any]:
    """Return expected.toml of a sample."""
    return tomllib.loads((SAMPLES / name / "expected.toml").read_text(encoding="utf-8"))


def findings_of(case: Path) -> dict[str, Any]:
    """Return findings.json of a case."""
    decoded: dict[str, Any] = msgspec.json.decode((case / "findings.json").read_bytes())
    return decoded


def outputs(case: Path) -> dict[str, bytes]:
    """Return what must be the same in every run: findings, results, report."""
    files = [case / "findings.json", case / "reports" / "report.html", *sorted((case / "results").glob("*.json"))]
    return {str(file.relative_to(case)): file.read_bytes() for file in files}
