"""Documents cannot drift from the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
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


def test_the_investigation_tells_what_was_planted_in_fewer_than_fifteen_commands() -> None:
    """Its outputs are compared with a fresh run above; here its numbers with the truth of the sample."""
    page = (ROOT / "docs" / "investigation.md").read_text(encoding="utf-8")
    truth = tomllib.loads((ROOT / "sample_data" / "checkout-compromised" / "expected.toml").read_text(encoding="utf-8"))
    planted = truth["planted"]
    commands = re.findall(r"^\$ canary-forensics (.+)$", page, re.MULTILINE)
    assert 0 < len(commands) < 15
    told = {title: re.split(r"\n## ", page)[number] for number, title in enumerate(("top", *range(1, 13)))}
    home = planted["phone_home"]
    assert "Verdict    block" in told[1]
    for fact in (home["destination"], home["pod"], f"bytes_up={home['bytes_up']}", f"{home['connections']} of "):
        assert fact in told[3]
    assert home["component"] in told[7]
    mail = planted["order_contact_email"]
    assert told[8].rstrip("`\n").split()[-2:] == [str(mail["canary_requests"]), str(mail["canary_users"])]
    admin = planted["open_admin_reports"]
    assert told[9].rstrip("`\n").split()[-4:-2] == [str(admin["canary_answered_200"]), str(admin["canary_clients"])]
    assert re.search(rf"^account +{truth['pinning']['users_on_canary']} ", told[10], re.MULTILINE)


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
