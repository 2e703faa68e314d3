"""findings.json as it is, for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

NAME = "json"
SUFFIX = ".json"


def render(findings: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> str:  # noqa: ARG001 - the contract of a format
    """Return findings.json; control and direction characters are escaped, so the text is safe on a terminal."""
    return json.dumps(findings, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
