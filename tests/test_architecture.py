"""What the layers promise beyond the import contract (`tests/test_house.py`): who may import what, and what starting costs."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "forensics"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"duckdb", "polars", "pyarrow", "altair", "jinja2", "rich", "numpy", "vl_convert", "re2", "msgspec"}
NETWORK = {"requests", "urllib3", "httpx", "aiohttp", "http", "urllib.request", "ftplib", "smtplib", "ssl", "asyncio"}


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def users(package: str) -> set[str]:
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if any(f"{name}.".startswith(f"{package}.") for name in imported(path))
    }


@pytest.mark.parametrize(
    ("package", "only"),
    [("duckdb", {"store.py", "selects.py"}), ("altair", {"charts.py"}), ("vl_convert", {"charts.py"})],
)
def test_one_door(package: str, only: set[str]) -> None:
    assert users(package) == only


@pytest.mark.parametrize("package", sorted(NETWORK))
def test_no_network_code(package: str) -> None:
    assert users(package) == set()


def test_only_the_command_line_prints() -> None:
    for package in ("click", "rich"):
        assert all(name.startswith("cli/") for name in users(package)), package


def test_nothing_but_the_command_line_is_imported_for_help() -> None:
    """Also the modules of our own: a command that is not called is not loaded."""
    code = "import sys, forensics.cli\ntry: forensics.cli.main(['--help'])\nexcept SystemExit: pass\nprint(' '.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stderr.split())
    assert not loaded & HEAVY
    assert {name for name in loaded if name.startswith("forensics")} == {
        "forensics",
        "forensics.cli",
        "forensics.errors",
        "forensics.text",
    }


def test_every_part_of_the_package_has_its_layer() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ][0]
    named = {name.strip() for layer in contract["layers"] for name in layer.split("|")}
    parts = {
        path.stem if path.suffix else path.name
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert named == parts - {"__init__", "__main__"}
    assert contract["exhaustive"] is True


# Declared, not imported yet: take them out here when they are used, or out of pyproject.toml.
UNUSED = {"stdnum"}  # read by name when a number is first checked (scan/numbers.py)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_functions_and_modules_are_short(path: Path) -> None:
    assert [(name, length) for name, length in functions(path) if length > 60] == []
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


def test_runtime_dependencies_are_those_imported() -> None:
    """What is imported is declared, and what is declared is imported."""
    names = {
        "vl-convert-python": "vl_convert",
        "google-re2": "re2",
        "pyyaml": "yaml",
        "python-stdnum": "stdnum",
        "promql-parser": "promql_parser",
        "phonenumberslite": "phonenumbers",
        "cryptography[ssh]": "cryptography",
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    given = [
        *project["dependencies"],
        *project["optional-dependencies"]["geo"],
        *project["optional-dependencies"]["seal"],
    ]  # geo: imported where a case asks for it; seal: where a package is signed
    declared = {item.replace("<", ">").partition(">")[0].strip() for item in given}
    foreign = (
        {name.partition(".")[0] for path in MODULES for name in imported(path)}
        - set(sys.stdlib_module_names)
        - {"forensics"}
    )
    assert (
        foreign - {"markupsafe"} == {names.get(item, item) for item in declared} - UNUSED
    )  # markupsafe is part of jinja2's interface
