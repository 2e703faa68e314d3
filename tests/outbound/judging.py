"""Run every outbound detector over rows and group what they find, as a review does."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from forensics.config import parse
from forensics.detectors import group, load, run, with_changed_components, with_corroboration
from forensics.detectors.run import Context
from forensics.detectors.testing import DAY, DEFAULT_CONFIG, fill
from forensics.findings import DetectorState, Finding, Incident
from forensics.store import open_memory

Row = dict[str, Any]


def judged(
    config: str = DEFAULT_CONFIG, **tables: list[Row]
) -> tuple[list[Finding], list[Incident], list[DetectorState]]:
    """Findings, incidents and states of the family over small tables."""
    parsed = parse(config).config
    with closing(open_memory(2)) as sandbox:
        fill(sandbox, parsed, tables)
        outcomes = [run(sandbox, item, Context(parsed, DAY)) for item in load() if item.family == "outbound"]
    found = [item for outcome in outcomes for item in outcome.findings]
    found = with_corroboration(with_changed_components(found))
    return found, group(found), [outcome.state for outcome in outcomes]
