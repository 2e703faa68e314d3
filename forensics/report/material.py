"""What the templates and the summary need, sorted and completed: pure reshaping of findings.json and results/."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from forensics.report.words import CONFIDENCES, SEVERITIES

Row = Mapping[str, Any]
_RANKS = ("let in", "refused", "mixed", "same", "not compared")

_PHASE = dict.fromkeys(("name", "start", "end", "weight"))
_FINDING: dict[str, Any] = {
    **dict.fromkeys(
        ("id", "detector", "family", "title", "why", "unit", "prior_n", "effect", "interval", "p_value", "q_value")
    ),
    **dict.fromkeys(("first_seen", "last_seen", "suppression")),
    "severity": "info",
    "confidence": "low",
    "status": "active",
    "novelty": "new",
    "recommendation": "",
    "entity": {},
    "details": {},
    "strata": [dict.fromkeys(("phase", "canary_n", "canary_total", "baseline_n", "baseline_total"))],
    "canary": {"n": None, "total": None},
    "baseline": {"n": None, "total": None},
    "modifiers": [{"name": "", "change": "", "reason": ""}],
    "evidence": [],
    "changed_components": [],
    "personal_data": False,
    "references": [],
    "gdpr": [],
}
_INCIDENT: dict[str, Any] = {
    **dict.fromkeys(("id", "title", "first_seen", "last_seen")),
    "severity": "info",
    "summary": "",
    "recommendation": "",
    "findings": [],
    "entities": [],
    "changed_components": [],
}
_DETECTOR: dict[str, Any] = {
    **dict.fromkeys(("id", "title", "family", "version_hash", "rows_seen")),
    "state": "error",
    "reason": "",
}
_SIDE: dict[str, Any] = {"decision": "unseen", "allow": None, "deny": None, "unknown": None}
_EVIDENCE: dict[str, Any] = {
    **dict.fromkeys(
        ("id", "name", "format", "observer", "status", "size", "sha256", "records", "accepted", "rejected", "skipped")
    ),
    **dict.fromkeys(("first_time", "last_time", "note")),
    "rows": {},
}
# A list with one entry is a list of rows of that shape; where nothing is given it is empty.
_FINDINGS: dict[str, Any] = {
    "schema_version": None,
    "tool": {"name": "canary-forensics", "version": None},
    "case": {
        **dict.fromkeys(("name", "service", "canary_version", "baseline_version", "config_sha256")),
        "window": {"start": None, "end": None},
        "outcome": "unknown",
        "phases": [_PHASE],
    },
    "verdict": {"outcome": "inconclusive", "reason": "No verdict was recorded."},
    "coverage": {"grade": None, "reasons": [], "unknown_share": None},
    "evidence": [_EVIDENCE],
    "detectors": [_DETECTOR],
    "incidents": [_INCIDENT],
    "findings": [_FINDING],
}
_RUN: dict[str, Any] = {
    **dict.fromkeys(("run", "verdict", "reason", "effect", "trigger", "start", "end")),
    "gates": [dict.fromkeys(("gate", "state", "why", "code", "dry_run", "first_failed", "trigger", "trigger_alone"))],
    "readings": [dict.fromkeys(("reading", "earliest", "latest", "triggering", "of"))],
    "lags": dict.fromkeys(("detect", "action")),
    "trace": [dict.fromkeys(("reading", "time", "gate", "phase", "state", "value", "k", "n", "metric_phase", "why"))],
    "trace_total": 0,
}
_REPLAY: dict[str, Any] = {
    **dict.fromkeys(("onset", "action", "contained")),
    "policies": [
        {**dict.fromkeys(("name", "kind", "engine_version", "verdict")), "reason": "", "notes": [], "runs": [_RUN]}
    ],
    "radius": [{"until": "", "time": None, "amounts": {}}],
}
_RESULTS: dict[str, Any] = {
    "timeline": {"events": [dict.fromkeys(("time", "kind", "title", "detail", "severity", "finding"))], "total": 0},
    "stable_canary": {
        "rows": [
            dict.fromkeys(
                (
                    "metric",
                    "stable",
                    "canary",
                    "variance",
                    "interval",
                    "n_stable",
                    "n_canary",
                    "action",
                    "canary_without_top_caller",
                    "top_caller_share",
                )
            )
            | {"unit": ""}
        ],
        "note": "",
        "warnings": [],
    },
    "calibration": {"pods": 0, "tests": 0, "below": 0, "share": None, "sentence": ""},
    "times": {
        **dict.fromkeys(
            ("onset", "detected", "acted", "contained", "seconds_to_detect", "seconds_to_act", "seconds_to_contain")
        ),
        "basis": dict.fromkeys(("onset", "detected", "acted", "contained")),
    },
    "series": {"minutes": [dict.fromkeys(("time", "cohort", "requests", "errors"))], "total": 0},
    "outbound": {
        "destinations": [
            dict.fromkeys(
                (
                    "name",
                    "address",
                    "port",
                    "canary_n",
                    "baseline_n",
                    "prior_n",
                    "canary_bytes_up",
                    "first_seen",
                    "last_seen",
                )
            )
            | {"is_new": False}
        ]
    },
    "outbound_limits": {
        "owners": [dict.fromkeys(("table", "rows", "owned", "share"))],
        "shared_addresses": 0,
        "taken_over": 0,
        "unowned": [dict.fromkeys(("address", "rows", "pods"))],
        "names": [dict.fromkeys(("named_by", "connections", "share"))],
        "window_seconds": 0,
        "slowest_timer_seconds": 0,
        "periods": [dict.fromkeys(("period_seconds", "seen_once", "can_be_scored", "can_be_told"))],
        "missing": [],
        "losses": [],
        "zones": [dict.fromkeys(("name", "kind", "source")) | {"networks": []}],
        "zones_note": "",
        "scored": [
            dict.fromkeys(
                (
                    "source",
                    "destination",
                    "port",
                    "sightings",
                    "period_seconds",
                    "score",
                    "timing",
                    "histogram",
                    "duration",
                )
            )
        ],
    },
    "access": {
        "cells": [
            dict.fromkeys(("method", "route", "principal", "source"))
            | {"canary": _SIDE, "baseline": _SIDE, "change": "not compared", "findings": [], "evidence": []}
        ],
        "total": 0,
        "changes": dict.fromkeys(("let in", "refused", "mixed", "same", "not compared"), 0),
    },
    "headers": {
        "rows": [
            dict.fromkeys(("method", "route", "header", "canary", "canary_responses", "baseline", "baseline_responses"))
            | {"subject": "", "change": "not compared"}
        ],
        "total": 0,
        "changes": dict.fromkeys(("lost", "weakened", "widened", "improved"), 0),
    },
    "bodies": {
        "rows": [
            dict.fromkeys(
                (
                    "method",
                    "route",
                    "cohort",
                    "requests",
                    "responses",
                    "with_body",
                    "truncated",
                    "undecodable",
                    "omitted",
                )
            )
        ],
        "total": 0,
        "notes": [],
    },
    "sbom": {
        "added": [dict.fromkeys(("name", "version", "purl", "direct"))],
        "removed": [dict.fromkeys(("name", "version", "purl", "direct"))],
        "changed": [dict.fromkeys(("name", "from", "to", "purl", "direction", "direct"))],
        "licences": [dict.fromkeys(("name", "from", "to", "purl"))],
        "suppliers": [dict.fromkeys(("name", "from", "to", "purl"))],
        "vulnerabilities": [
            dict.fromkeys(
                ("id", "component", "severity", "score", "summary", "state", "canary_versions", "baseline_versions")
            )
        ],
    },
    "actions": {
        "actions": [
            dict.fromkeys(("first", "last"))
            | {
                "source": "",
                "actor": "",
                "action": "",
                "object": "",
                "outcome": "",
                "message": "",
                "times": 1,
                "is_approval": False,
            }
        ],
        "total": 0,
        "sentence": "",
    },
    "replay": {"replays": [_REPLAY], "note": ""},
    "flags": {"flags": [{"flag": "", "canary": {}, "baseline": {}}], "findings": {}, "note": ""},
    "evidence_rows": {},
    "detectors": {},
    "coverage": {
        "tables": [dict.fromkeys(("table", "observer", "canary", "baseline", "prior", "unknown")) | {"chosen": False}],
        "notes": [],
    },
    "integrity": {
        "custody_head": None,
        "custody_entries": None,
        "tables": [dict.fromkeys(("table", "evidence", "sha256"))],
    },
    "review": {"occurred": [], "actions": [{"time": None, "text": ""}], "recommendations": []},
}


def complete(given: Any, shape: Any) -> Any:
    """Return `given` with what `shape` has and it lacks; a null where `shape` has text, a list or a table counts as lacking."""
    if isinstance(shape, dict):
        fields = given if isinstance(given, dict) else {}
        return fields | {key: complete(fields.get(key), part) for key, part in shape.items()}
    if isinstance(shape, list):
        rows = given if isinstance(given, list) else []
        return [complete(row, shape[0]) for row in rows] if shape else rows
    return shape if given is None else given


def material(findings: Row, results: Row) -> dict[str, Any]:
    """Return the names every template may use."""
    base: dict[str, Any] = complete(dict(findings), _FINDINGS)
    every = _ordered(base["findings"])
    kinds = {
        kind: [entry for entry in every if _kind(entry) == kind] for kind in ("active", "pre_existing", "suppressed")
    }
    base |= {
        "findings": kinds["active"],
        "pre_existing": kinds["pre_existing"],
        "suppressed": kinds["suppressed"],
        "titles": {entry["id"]: entry["title"] for entry in every},
        "severities": _severities(kinds["active"]),
        "incidents": _ordered(base["incidents"]),
        "results": complete(dict(results), _RESULTS),
        "missing": sorted(key for key in _RESULTS if key not in results),
    }
    return base | {
        "queries": _queries(kinds["active"], base["results"]["detectors"]),
        "flag_ties": _flag_ties(every, base["results"]["flags"]["findings"]),
        "matrix": matrix(base["results"]["access"]["cells"]),
        "advice": advice(base),
    }


def _kind(finding: Row) -> str:
    """Tell findings that count from those listed apart; an accepted one is listed with the suppressed ones."""
    if finding["status"] != "active":
        return "suppressed"
    return "pre_existing" if finding["novelty"] == "pre_existing" else "active"


def _ordered(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(
        entries, key=lambda entry: (_rank(entry["severity"], SEVERITIES), _rank(entry.get("confidence"), CONFIDENCES))
    )


def _rank(word: object, order: tuple[str, ...]) -> int:
    return order.index(word) if isinstance(word, str) and word in order else len(order)


def _severities(findings: Iterable[Row]) -> list[tuple[str, int]]:
    """Count by severity, gravest first; a severity this version does not know is counted too."""
    counts = Counter(str(entry["severity"]) for entry in findings)
    return sorted(counts.items(), key=lambda pair: (_rank(pair[0], SEVERITIES), pair[0]))


def _queries(findings: Iterable[Row], detectors: Row) -> dict[str, Any]:
    """Say which finding shows the query of its detector, so that a query stands in the report once."""
    homes: dict[str, Any] = {}
    for entry in findings:
        if entry["detector"] in detectors:
            homes.setdefault(entry["detector"], entry["id"])
    return homes


def _flag_ties(findings: Iterable[Row], states: Row) -> list[tuple[str, Row]]:
    """Return the findings that show with one variant of a flag only, in the order of the findings."""
    return [(entry["id"], state) for entry in findings for state in states.get(entry["id"], ()) if state["only_with"]]


def matrix(cells: Iterable[Row]) -> dict[str, Any]:
    """Put routes against principals: a cell is what the baseline decided and what the canary decides; routes with changes first."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for cell in cells:
        key = (str(cell["method"] or ""), str(cell["route"] or ""))
        row = rows.setdefault(key, {"method": key[0], "route": key[1], "rank": len(_RANKS), "cells": {}})
        rank = _RANKS.index(cell["change"]) if cell["change"] in _RANKS else len(_RANKS)
        row["rank"] = min(row["rank"], rank)
        kept = row["cells"].get(str(cell["principal"]))
        if kept is None or rank < kept["rank"]:
            row["cells"][str(cell["principal"])] = {**cell, "rank": rank}
    principals = Counter(principal for row in rows.values() for principal in row["cells"])
    ordered = sorted(rows.values(), key=lambda row: (row["rank"], row["route"], row["method"]))
    return {
        "principals": sorted(principals, key=lambda name: (name != "anonymous", -principals[name], name)),
        "rows": ordered,
    }


def advice(base: Row) -> list[dict[str, Any]]:
    """Return each recommendation once, with what it is for: incidents first, then findings that belong to none."""
    told = {identity for incident in base["incidents"] for identity in incident["findings"]}
    alone = [entry for entry in base["findings"] if entry["id"] not in told]
    sources = [("incident", entry) for entry in base["incidents"]] + [("finding", entry) for entry in alone]
    collected: dict[str, dict[str, Any]] = {}
    for kind, entry in sources:
        if entry["recommendation"]:
            row = collected.setdefault(
                entry["recommendation"], {"text": entry["recommendation"], "severity": entry["severity"], "of": []}
            )
            row["of"].append({"kind": kind, "id": entry["id"], "title": entry["title"]})
    return list(collected.values())
