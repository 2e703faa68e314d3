"""The contract every format keeps."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from forensics.export import formats, registry


def test_the_formats_of_the_first_version_are_there() -> None:
    assert {"html", "json", "markdown"} <= set(formats())


@pytest.mark.parametrize("name", sorted(registry()))
def test_a_format_declares_itself(name: str) -> None:
    item = registry()[name]
    assert item.name == name
    assert item.suffix.startswith(".")
    assert item.about.endswith(".")


@pytest.mark.parametrize("name", sorted(registry()))
def test_a_format_is_a_pure_function(name: str, findings: dict[str, Any], results: dict[str, Any]) -> None:
    before = json.dumps([findings, results])
    first = formats()[name](findings, results)
    assert first == formats()[name](findings, results)
    assert first.endswith("\n")
    assert json.dumps([findings, results]) == before


@pytest.mark.parametrize("name", sorted(registry()))
def test_a_format_takes_an_empty_case(name: str) -> None:
    assert formats()[name]({}, {})


def test_json_is_findings_json(findings: dict[str, Any], results: dict[str, Any]) -> None:
    assert json.loads(formats()["json"](findings, results)) == findings


def test_listing_formats_loads_nothing_heavy() -> None:
    program = "import sys; from forensics.export import formats; formats(); sys.exit(bool({'jinja2', 'altair'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": "."})
