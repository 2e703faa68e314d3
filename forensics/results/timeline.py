"""Phases, what the controller and people did, and when findings first showed, in one order."""

from __future__ import annotations

from typing import Any

from forensics.findings import moment
from forensics.results.context import Context

MAX_EVENTS = 300
_ACTIONS = "('started', 'weight_set', 'paused', 'resumed', 'promoted', 'aborted', 'rolled_back', 'completed', 'analysis_started', 'analysis_passed', 'analysis_failed', 'analysis_inconclusive')"


def build(context: Context) -> dict[str, Any]:
    """Return events sorted by time; `total` counts all of them where the list is cut."""
    events = [*_phases(context), *_actions(context), *_findings(context)]
    ordered = sorted(events, key=lambda event: (event["time"], event["kind"], event["title"], event["detail"]))
    return {"events": ordered[:MAX_EVENTS], "total": len(ordered)}


def _event(
    time: str, kind: str, title: str, detail: str = "", severity: str | None = None, finding: str | None = None
) -> dict[str, Any]:
    return {"time": time, "kind": kind, "title": title, "detail": detail, "severity": severity, "finding": finding}


def _phases(context: Context) -> list[dict[str, Any]]:
    rows = context.sandbox.rows(
        "select phase, start_time, end_time, weight, source from dims.phases order by start_time"
    )
    return [
        _event(moment(start), "phase", f"Phase {phase} begins", f"{weight:g} % until {moment(end)} ({source})")
        for phase, start, end, weight, source in rows
    ]


def _actions(context: Context) -> list[dict[str, Any]]:
    rows = context.sandbox.rows(
        f"select time, event_kind, reason, message, actor from rollout_events where event_kind in {_ACTIONS} and time is not null "
        "order by time, event_kind, record_id"
    )
    return [
        _event(moment(time), "action", (kind or "").replace("_", " "), " — ".join(filter(None, [message, actor])))
        for time, kind, _, message, actor in rows
    ]


def _findings(context: Context) -> list[dict[str, Any]]:
    return [
        _event(
            item.first_seen,
            "finding",
            item.title,
            " ".join(str(value) for value in item.entity.values()),
            item.severity,
            item.id,
        )
        for item in context.result.findings
        if item.first_seen
        and item.status == "active"
        and item.novelty != "pre_existing"
        and item.family != "supply_chain"
    ]
