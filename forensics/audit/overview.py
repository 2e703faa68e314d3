"""An audit as one HTML page: what changed, what is open, how the nights before went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from forensics import __version__
from forensics.audit.config import AuditConfig
from forensics.audit.history import Record, memory
from forensics.audit.regular import regularity
from forensics.audit.rollouts import report_of
from forensics.audit.statement import CHANGES
from forensics.findings import SEVERITIES
from forensics.report.page import render_page

NIGHTS = 60
_STATES = {0: "pass", 1: "fail", 2: "error", 3: "inconclusive", 4: "error", 5: "error"}
MEANING = {
    0: "clean", 1: "findings", 2: "configuration", 3: "no evidence, damaged or inconclusive", 4: "integrity failed", 5: "defect",
}  # fmt: skip


def overview(config: AuditConfig, records: Sequence[Record]) -> str:
    """Return the page for the last of the records; of the earlier ones it shows the newest `NIGHTS`."""
    last = records[-1]
    return render_page("audit.html", {
        "tool": {"name": "canary-forensics", "version": __version__},
        "as_of": last.as_of,
        "exit_code": last.exit_code,
        "meaning": MEANING,
        "fail_on": config.fail_on,
        "changes": CHANGES,
        "services": [_service(config, records, index) for index in range(len(last.services))],
        "nights": [_night(record) for record in reversed(records[-NIGHTS:])],
        "left_out": max(len(records) - NIGHTS, 0),
        "names": [service.name for service in last.services],
        "states": _STATES,
    })  # fmt: skip


def _service(config: AuditConfig, records: Sequence[Record], index: int) -> dict[str, Any]:
    service, known = records[-1].services[index], memory(records, records[-1].services[index].name).known
    change_of = {name: change for change, names in service.changes.items() for name in names}
    home = config.home(config.services[index])
    rows = [
        {
            "id": name,
            "severity": item.finding.severity,
            "title": item.finding.title,
            "detector": item.finding.detector,
            "change": change_of.get(name, "open, not looked at"),
            "since": item.since,
            "last": item.last,
            "rollout": item.rollout,
            "regular": str(regularity(item.sightings) or ""),
            "href": quote(report_of(item.rollout, home).relative_to(config.state).as_posix()),
        }
        for name, item in known.items()
        if item.is_open or name in change_of
    ]
    order = sorted(rows, key=lambda row: (-SEVERITIES.index(row["severity"]), row["id"]))
    return {
        "name": service.name, "exit_code": service.exit_code, "reasons": service.reasons, "rows": order,
        "rollouts": [
            {"name": name, "verdict": verdict, "href": quote(report_of(name, home).relative_to(config.state).as_posix())}
            for name, verdict in service.rollouts.items()
        ],
    }  # fmt: skip


def _night(record: Record) -> dict[str, Any]:
    by_name = {service.name: service for service in record.services}
    return {
        "as_of": record.as_of,
        "exit_code": record.exit_code,
        "services": {
            name: {"exit_code": item.exit_code, "counts": {change: len(item.changes[change]) for change in CHANGES}}
            for name, item in by_name.items()
        },
    }
