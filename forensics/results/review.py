"""The frame of a post-deployment review: what occurred, which actions were taken, what is recommended."""

from __future__ import annotations

from typing import Any

from forensics.findings import moment
from forensics.results.context import Context

_TAKEN = "('weight_set', 'paused', 'resumed', 'promoted', 'aborted', 'rolled_back', 'completed')"


def build(context: Context) -> dict[str, Any]:
    """Return the three lists; they are there even when nothing was rolled back."""
    result = context.result
    occurred = [f"{incident.title} ({incident.severity}): {incident.summary}" for incident in result.incidents]
    rows = context.sandbox.rows(
        f"select time, event_kind, message from rollout_events where event_kind in {_TAKEN} and time is not null order by time, event_kind, record_id"
    )
    actions = [
        {"time": moment(time), "text": f"{kind.replace('_', ' ')}: {message or ''}".rstrip(": ")}
        for time, kind, message in rows
    ]
    recommendations = list(
        dict.fromkeys(
            incident.recommendation for incident in result.incidents if incident.severity not in ("info", "low")
        )
    )
    missing = sorted({state.reason for state in result.detectors if state.state == "not_evaluated"})
    recommendations += [f"Export what was missing, so that it can be judged next time: {reason}." for reason in missing]
    return {"occurred": occurred, "actions": actions, "recommendations": recommendations}
