"""Replay of the policies that canary.toml names: what each gate would have done, and what was out until then.

The trace holds what was measured by event time, in the run and of each gate alone, at most 2,000 ticks a run; `trace_total` counts all.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from forensics.replay.keep import kept
from forensics.replay.rollout import Known
from forensics.replay.run import replay
from forensics.results import times
from forensics.results.context import Context

MAX_TICKS = 2000


def build(context: Context) -> dict[str, Any]:
    """Return a replay for each `[[policy]]`; none where there is no policy."""
    items = kept(context.case, context.config) if context.config.policy else []
    if not items:
        named = len(context.config.policy)
        note = (
            "The policies of canary.toml are not in this case: make it again with review."
            if named
            else "canary.toml names no policy."
        )
        return {"replays": [], "note": note}
    known = _known(context)
    told = [replay(context.sandbox, item.policies, item.bindings, known) for item in items]
    for run in (run for item in told for policy in item["policies"] for run in policy["runs"]):
        rows = [row for row in run["trace"] if row["reading"] in ("truth", "alone")]
        run["trace"], run["trace_total"] = rows[:MAX_TICKS], len(rows)
    return {"replays": told, "note": ""}


def _known(context: Context) -> Known:
    found = times.build(context)
    onset, action, contained = (
        datetime.fromisoformat(found[name].removesuffix("Z")) if found[name] else None
        for name in ("onset", "acted", "contained")
    )
    basis = found["basis"]
    return Known(onset, f"detector: {basis['onset']}", action, basis["acted"], contained, context.config.window.outcome)
