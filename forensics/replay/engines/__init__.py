"""Engines: pure functions from measurements to what the controller would have done. They share no limits: `>` and `>=` are not the same."""

from __future__ import annotations

from forensics.replay.engines import argo, flagger, own
from forensics.replay.engines.trace import Counts, GateEnd, Measure, RunEnd, Tick, Value
from forensics.replay.policies.model import Policy, Run

# What the semantics were read from.
VERSIONS = {"argo": "argo@9f8d111d", "flagger": "flagger@15bd6ad5", "own": "own@1"}

__all__ = ["VERSIONS", "Counts", "GateEnd", "Measure", "RunEnd", "Tick", "Value", "replayed"]


def replayed(policy: Policy, run: Run, measure: Measure, end: float) -> RunEnd:
    """Return how a run goes by the engine of its policy; gates that were refused are left out by the caller's `run`."""
    if policy.engine == "flagger":
        return flagger.run(run.gates, measure, end, policy.interval, policy.threshold)
    if policy.engine == "own":
        return own.run(run.gates, measure, end)
    return argo.run(run.gates, measure, end)
