"""House rules that no linter knows: start-up time, one door to the engine, small functions, no path of a machine."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "forensics").rglob("*.py"))
HEAVY = {"duckdb", "polars", "pyarrow", "altair", "jinja2", "rich", "re2", "numpy", "yaml", "zstandard"}


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from forensics.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\nprint(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(done.stderr.strip()))
    assert not loaded & HEAVY
    assert "review" in done.stdout


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_are_short_and_modules_documented(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= 500
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 75, f"{node.name} is long"


def test_layers_point_down() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_wheel_holds_queries_and_reports_and_works(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(tmp_path), str(ROOT)], check=True
    )
    wheel = next(tmp_path.glob("*.whl"))
    target = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(target)], check=True)
    for folder, name in (("queries", "_queries"), ("reports", "_reports")):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file():
                assert (target / "forensics" / name / file.relative_to(ROOT / folder)).is_file(), file
    code = "import sys; sys.path.insert(0, sys.argv[1]); import forensics; assert forensics.__file__.startswith(sys.argv[1]); from forensics.cli import main; main(sys.argv[2:])"
    arguments = [
        sys.executable,
        "-c",
        code,
        str(target),
        "review",
        str(ROOT / "sample_data" / "checkout-thin"),
        "--case",
        str(tmp_path / "a.case"),
    ]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
