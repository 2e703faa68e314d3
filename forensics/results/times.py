"""Time to detect, to act and to contain, in seconds from the onset, each with what it was read from; flat, so that cases can be put in a row.

onset      first record of an active finding of severity medium or above about behaviour (no bill of materials, no rollout sanity)
detected   first failed or inconclusive analysis, abort or rollback among the rollout events, or alert of a runtime sensor on the canary (a firewall meets scanners all day)
acted      the rollback: canary.toml, else the first abort or rollback among the rollout events
contained  last request, connection or DNS question of the canary, if it was rolled back
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from forensics.findings import level, moment
from forensics.results.context import Context

_NOT_BEHAVIOUR = ("supply_chain", "rollout")
_SIGNALS = """
select time, source
from (
    select time, 'rollout event: ' || replace(event_kind, '_', ' ') as source
    from rollout_events
    where event_kind in ('analysis_failed', 'analysis_inconclusive', 'aborted', 'rolled_back')
    union all
    select time, 'runtime alert' from runtime_alerts where cohort = 'canary' and event_action is null
)
where time >= $onset
order by time, source
limit 1
"""
_LAST = """
select max(time)
from (
    select time from http_requests where cohort = 'canary'
    union all select time from connections where cohort = 'canary'
    union all select time from dns_queries where cohort = 'canary'
)
"""


def build(context: Context) -> dict[str, Any]:
    """Return the moments and the seconds between them; None with the reason in `basis` where one is not known."""
    onset, finding = _onset(context)
    acted = context.sandbox.value("select rollback_at from dims.rollout_window")
    detected, signal = _detected(context, onset)
    contained = context.sandbox.value(_LAST) if acted else None
    if acted and contained and contained < acted:
        contained = acted
    return {
        "onset": moment(onset), "detected": moment(detected), "acted": moment(acted), "contained": moment(contained),
        "seconds_to_detect": _seconds(onset, detected), "seconds_to_act": _seconds(onset, acted), "seconds_to_contain": _seconds(onset, contained),
        "basis": {
            "onset": f"first record of {finding}" if finding else "no active finding about behaviour has a time",
            "detected": signal, "acted": "rollback" if acted else "no rollback is known",
            "contained": "last sighting of the canary, not before the rollback" if contained else "no rollback is known",
        },
    }  # fmt: skip


def _onset(context: Context) -> tuple[datetime | None, str]:
    found = sorted(
        (item.first_seen, item.id)
        for item in context.result.findings
        if item.first_seen
        and item.status == "active"
        and item.novelty != "pre_existing"
        and item.family not in _NOT_BEHAVIOUR
        and level(item.severity) >= level("medium")
    )
    if not found:
        return None, ""
    return datetime.fromisoformat(found[0][0].removesuffix("Z")), found[0][1]


def _detected(context: Context, onset: datetime | None) -> tuple[datetime | None, str]:
    if onset is None:
        return None, "there is no onset"
    rows = context.sandbox.rows(_SIGNALS, {"onset": onset})
    return (rows[0][0], rows[0][1]) if rows else (None, "no analysis, rollout event or alert of the evidence noticed")


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None
