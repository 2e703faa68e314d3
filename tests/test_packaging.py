"""The wheel holds what the code reads, and works where it is unpacked."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BESIDE = {"queries": "forensics/_queries", "reports": "forensics/_reports"}
hatchling = pytest.importorskip("hatchling.build")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the build backend itself: no index, no isolation."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return folder / done.stdout.split()[-1]


def shipped(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_lists_every_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, inside in BESIDE.items():
        assert {f"{inside}/{name}" for name in shipped(ROOT / folder)} <= names
    assert {f"forensics/{name}" for name in shipped(ROOT / "forensics")} <= names
    assert not [
        name for name in names if name.startswith(("tests/", "sample_data/", "benchmarks/", "queries/", "reports/"))
    ]
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "forensics/py.typed" in names


def test_the_unpacked_wheel_reviews_evidence(wheel: Path, tmp_path: Path) -> None:
    """The checkout is not on the path: queries and reports must come from the wheel."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import forensics; assert forensics.__file__.startswith(sys.argv[1])\n"
        "from forensics.resources import tree; assert str(tree('queries')).startswith(sys.argv[1])\n"
        "from forensics.cli import main; main(sys.argv[2:])"
    )
    arguments = [
        sys.executable,
        "-c",
        code,
        str(site),
        "review",
        str(ROOT / "sample_data" / "checkout-thin"),
        "--case",
        str(tmp_path / "a.case"),
    ]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert "\nVerdict    inconclusive\n" in done.stdout
    assert (tmp_path / "a.case" / "reports" / "report.html").is_file()
