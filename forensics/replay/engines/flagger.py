"""Flagger's analysis (pinned: fluxcd/flagger@15bd6ad5, pkg/controller/scheduler.go, scheduler_metrics.go).

One check an interval: metrics in order, the first that fails ends it. No value is a failed check. A Canary rolls back where failed checks >= threshold,
which is looked at before the next check, so one interval after the check that reached it. Failed checks are never forgiven.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from forensics.replay.engines import trace
from forensics.replay.engines.argo import shown
from forensics.replay.engines.trace import Basis, Measure, Metric, Phase, RunEnd, Tick, Value
from forensics.replay.policies.model import Gate


def run(gates: Sequence[Gate], measure: Measure, end: float, interval: float, threshold: int) -> RunEnd:
    """Return how the analysis of a Canary goes until `end`; the first interval only gives it traffic."""
    metrics = [Metric(gate, interval) for gate in gates]
    ticks: list[Tick] = []
    failed, number = 0, 1
    while gates and number * interval <= end and len(ticks) < trace.MAX_TICKS:
        now = number * interval
        if failed >= threshold:
            return _end(metrics, ticks, now, f"failed checks {failed} >= threshold {threshold}")
        checked = _checked(metrics, now, measure)
        failed += any(tick.phase == "Failed" for tick in checked)
        ticks += checked
        number += 1
    return _end(metrics, ticks, None, "")


def _checked(metrics: list[Metric], now: float, measure: Measure) -> list[Tick]:
    """Return the measurements of one check: those behind a metric that fails are not made."""
    ticks: list[Tick] = []
    for metric in metrics:
        value = measure(metric.gate, now)
        phase, why = checked_value(metric.gate, value)
        metric.record(now, phase, why)
        metric.phase = "Running"
        basis: Basis = "number" if value.numbers and not math.isnan(value.numbers[-1]) else "nothing"
        ticks.append(metric.tick(now, value, phase, basis))
        if phase == "Failed":
            break
    return ticks


def checked_value(gate: Gate, value: Value) -> tuple[Phase, str]:
    """Return whether one metric passes a check: of several series the last counts; NaN is neither below nor above a limit."""
    if value.error:
        return "Failed", f"query failed: {value.error}"
    if not value.numbers:
        return "Failed", "no values found"
    number = value.numbers[-1]
    if gate.low is not None and number < gate.low:
        return "Failed", f"{number:.6g} < {gate.low:g}"
    if gate.high is not None and number > gate.high:
        return "Failed", f"{number:.6g} > {gate.high:g}"
    return "Successful", f"{shown(value)} is within the range"


def _end(metrics: list[Metric], ticks: list[Tick], trigger: float | None, why: str) -> RunEnd:
    for metric in metrics:
        if trigger is None:
            continue
        did_fail = metric.counts.failed > 0
        metric.phase = "Failed" if did_fail else "Successful"
        metric.trigger, metric.why = (trigger, f"{why}; {metric.why}") if did_fail else (None, metric.why)
    phase: Phase = "Running" if trigger is None else "Failed"
    return RunEnd(
        phase, trigger, [metric.end() for metric in metrics], ticks, trigger is None and len(ticks) >= trace.MAX_TICKS
    )
