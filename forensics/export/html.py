"""The security review as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAME = "html"
SUFFIX = ".html"


def render(findings: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page; Jinja and the chart renderer are loaded only when it is asked for."""
    from forensics.report import render_html

    return render_html(findings, results)
