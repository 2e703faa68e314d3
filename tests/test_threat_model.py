"""docs/threat-model.md names code and tests that exist, and every threat that has to be there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in TEXT.splitlines() if line.startswith("| ") and "| Defence |" not in line]
NAMED = sorted(set(re.findall(r"`([a-z_/0-9]+\.py)::(\w+)`", TEXT)))
WANTED = (
    "HTML", "Charts", "Terminal", "CSV", "SQL", "Bombs", "Paths", "Symlinks", "Parquet", "ReDoS", "Detector packs", "Encoding", "Log forging",
    "A case from someone else", "canary.toml",
)  # fmt: skip


@pytest.mark.parametrize(("file", "function"), NAMED, ids=lambda text: text)
def test_what_is_named_exists(file: str, function: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_row_is_whole() -> None:
    assert len(ROWS) >= 20
    for row in ROWS:
        assert len(row) == 5, row[0]
        assert all(cell.strip() for cell in row), row[0]
        assert re.search(r"`forensics/[a-z_/0-9]+\.py::\w+`", row[2]), row[0]
        assert re.search(r"`tests/[a-z_/0-9]+\.py::test_\w+`", row[3]), row[0]


@pytest.mark.parametrize("threat", WANTED)
def test_every_threat_is_there(threat: str) -> None:
    assert any(threat in row[0] for row in ROWS)
