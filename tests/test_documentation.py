"""Documents cannot drift from the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.conftest import Reviewed

ROOT = Path(__file__).parent.parent


def test_generated_pages_equal_a_fresh_generation() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}run: python docs/generate.py"


def test_ci_runs_exactly_the_test_command_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ (.+)$", readme, re.MULTILINE)[:2]
    assert commands[0].endswith("canary-forensics review sample_data/checkout-compromised")
    assert f"\n{commands[1]}\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_links_of_the_readme_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("name", ["checkout-clean", "checkout-compromised"])
def test_findings_follow_the_published_schema(name: str, reviewed: Reviewed) -> None:
    findings = reviewed.case(name) / "findings.json"
    schema = json.loads((ROOT / "docs" / "findings.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(findings.read_text(encoding="utf-8")), schema)
    tool = schema.get("$defs", {})["Finding"]["required"]
    assert {"id", "detector", "severity", "evidence", "canary", "baseline"} <= set(tool)
