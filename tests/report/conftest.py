"""The findings and results of a compromised checkout canary, and what an attacker would write into them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent.parent / "data" / "report"


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def findings() -> dict[str, Any]:
    return load("findings")


@pytest.fixture
def results() -> dict[str, Any]:
    return load("results")
