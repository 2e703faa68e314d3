"""`findings`: the findings of a case as a list, worst first, filtered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from forensics.case import Case
from forensics.findings import level
from forensics.results import material

COLUMNS = ("id", "severity", "confidence", "novelty", "detector", "what", "canary", "baseline", "first_seen")


@dataclass(frozen=True, slots=True)
class Filter:
    """What is wanted; empty means everything. `detector` is a glob, `text` is looked for in title and entity, in any case of letters."""

    severity: str = ""
    detector: str = ""
    status: str = ""
    novelty: str = ""
    text: str = ""

    def takes(self, finding: Mapping[str, Any]) -> bool:
        """Say whether a finding is wanted."""
        return (
            (not self.severity or level(finding["severity"]) >= level(self.severity))
            and (not self.detector or fnmatchcase(finding["detector"], self.detector))
            and self.status in ("", finding["status"])
            and self.novelty in ("", finding["novelty"])
            and self.text.lower() in f"{finding['title']} {what(finding)}".lower()
        )


def what(finding: Mapping[str, Any]) -> str:
    """Return what a finding is about, in one line."""
    return ", ".join(str(value) for value in finding["entity"].values() if value not in (None, ""))


def findings(case: Case, wanted: Filter) -> tuple[list[dict[str, Any]], int]:
    """Return the findings that are wanted, and how many there are in all; raises `UsageError` before detection has run."""
    every = material(case)[0]["findings"]
    chosen = [item for item in every if wanted.takes(item)]
    order = sorted(chosen, key=lambda item: (-level(item["severity"]), item["detector"], item["id"]))
    return order, len(every)


def row(finding: Mapping[str, Any]) -> list[Any]:
    """Return the values of `COLUMNS`."""
    return [
        *(finding[name] for name in ("id", "severity", "confidence", "novelty", "detector")),
        what(finding), _share(finding["canary"]), _share(finding["baseline"]), finding["first_seen"],
    ]  # fmt: skip


def _share(count: Mapping[str, Any]) -> str:
    return f"{count['n']:,} of {count['total']:,}" if count["total"] else f"{count['n']:,}"
