"""The SQL behind each detector, so that a reader can run it again by hand."""

from __future__ import annotations

from typing import Any

from forensics.results.context import Context


def build(context: Context) -> dict[str, Any]:
    """Return SQL, parameters, file and known false positives by detector id."""
    return {
        detector.id: {
            "sql": detector.sql,
            "params": detector.parameters,
            "file": detector.file,
            "false_positives": detector.front.false_positives,
        }
        for detector in context.detectors
    }
