"""The security review as one HTML file, for responders and for lawyers: no script, no network, a pure function of its material."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable
from typing import Any


def render_html(
    findings: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]], *, extra: Sequence[Traversable] = ()
) -> str:
    """Return the report; templates in the folders of `extra` win over those shipped, the last folder first."""
    from forensics.report.page import render

    return render(findings, results, extra)
