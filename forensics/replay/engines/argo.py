"""Argo Rollouts' analysis, as its controller runs it (pinned: argoproj/argo-rollouts@9f8d111d, analysis/analysis.go, utils/evaluate/evaluate.go).

A metric fails on failed > failureLimit; Flagger's >= lives in its own engine. A query takes no time here: ticks do not drift.
"""

from __future__ import annotations

from collections.abc import Sequence

from forensics.replay.conditions import ConditionError, compiled
from forensics.replay.engines.trace import STOPS, Basis, Measure, Metric, Phase, RunEnd, Tick, Value, driven, ended
from forensics.replay.policies.model import Gate

ERROR_RETRY = 10.0  # DefaultErrorRetryInterval, whatever `interval` says


def run(gates: Sequence[Gate], measure: Measure, end: float) -> RunEnd:
    """Return how an AnalysisRun over these metrics goes until `end` (seconds from its start).

    The first metric that is not a dry run and ends Failed, Error or Inconclusive terminates the run; metrics that still run close as Successful.
    """
    metrics = [Metric(gate, gate.initial_delay) for gate in gates]
    ticks, trigger = driven(metrics, lambda metric, now: _measured(metric, now, measure(metric.gate, now)), end)
    if trigger is not None:
        _terminate(metrics)
    return ended(metrics, ticks, trigger)


def _terminate(metrics: list[Metric]) -> None:
    for metric in metrics:
        if metric.is_open:
            metric.phase, metric.why = "Successful", "the run was terminated by another metric"


def _measured(metric: Metric, now: float, value: Value) -> Tick:
    phase, why = measurement(metric.gate, value)
    metric.record(now, phase, why)
    metric.phase = assessed(metric)
    if metric.phase in STOPS:
        metric.trigger, metric.why = now, f"{_limit(metric)}; {why}"
    interval = ERROR_RETRY if phase == "Error" else metric.gate.interval
    metric.due = now + (interval if interval is not None else ERROR_RETRY)
    return metric.tick(now, value, phase, basis_of(metric.gate, value, phase))


def measurement(gate: Gate, value: Value) -> tuple[Phase, str]:
    """Return the phase of one measurement and why (EvaluateResult): success is evaluated first, so its error wins."""
    if value.error:
        return "Error", value.error
    success, failure = compiled(gate.success), compiled(gate.failure)
    if success is None and failure is None:
        return "Successful", "no condition"
    try:
        held = success.holds(value.result) if success else None
        failed = failure.holds(value.result) if failure else None
    except ConditionError as error:
        return "Error", str(error)
    if held is None or failed is None:
        failed = not held if failed is None else failed
        return (
            ("Failed", _told(gate, value, failed=True)) if failed else ("Successful", _told(gate, value, failed=False))
        )
    if failed:
        return "Failed", f"{gate.failure} is true of {shown(value)}"
    return (
        ("Successful", f"{gate.success} is true of {shown(value)}")
        if held
        else ("Inconclusive", f"neither condition is true of {shown(value)}")
    )


def basis_of(gate: Gate, value: Value, phase: Phase) -> Basis:
    """Say what a measurement rests on. A condition that asks for the length or for NaN says what no data means; `all()` of nothing does not."""
    if phase == "Error" or value.is_number:
        return "nothing" if phase == "Error" else "number"
    conditions = (compiled(gate.success), compiled(gate.failure))
    asks = any(item.calls("len", "isNaN", "isNil", "default") for item in conditions if item)
    return "policy" if asks and phase == "Successful" else "nothing"


def _told(gate: Gate, value: Value, *, failed: bool) -> str:
    condition = gate.success or gate.failure
    return f"{condition} is {'true' if bool(gate.failure) == failed else 'false'} of {shown(value)}"


def assessed(metric: Metric) -> Phase:
    """Return the phase of a metric by its counters (assessMetricStatus); a later check overwrites an earlier one, so Error beats Failed."""
    gate, counts = metric.gate, metric.counts
    phase: Phase | None = None
    if gate.failure_limit >= 0 and counts.failed > gate.failure_limit:
        phase = "Failed"
    if gate.inconclusive_limit >= 0 and counts.inconclusive > gate.inconclusive_limit:
        phase = "Inconclusive"
    if gate.consecutive_error_limit >= 0 and counts.consecutive_error > gate.consecutive_error_limit:
        phase = "Error"
    if phase is not None:
        return phase
    if gate.consecutive_success_limit and counts.consecutive_success >= gate.consecutive_success_limit:
        return "Successful"
    count = effective_count(gate)
    return _at_count(gate) if count is not None and counts.count >= count else "Running"


def _at_count(gate: Gate) -> Phase:
    if not gate.consecutive_success_limit:
        return "Successful"
    return "Inconclusive" if gate.failure_limit >= 0 else "Failed"


def effective_count(gate: Gate) -> int | None:
    """Return how many measurements count: 1 without count and interval, None (for ever) with an interval alone; 0 counts as unset."""
    return gate.count or (None if gate.interval is not None else 1)


def _limit(metric: Metric) -> str:
    gate, counts = metric.gate, metric.counts
    if metric.phase == "Failed" and gate.failure_limit >= 0:
        return f"failed {counts.failed} > failureLimit {gate.failure_limit}"
    if metric.phase == "Error":
        return f"consecutive errors {counts.consecutive_error} > consecutiveErrorLimit {gate.consecutive_error_limit}"
    if counts.inconclusive > gate.inconclusive_limit:
        return f"inconclusive {counts.inconclusive} > inconclusiveLimit {gate.inconclusive_limit}"
    return f"count {counts.count} reached without {gate.consecutive_success_limit} successes in a row"


def shown(value: Value) -> str:
    """Return a value for people: what conditions saw."""
    if value.result is None:
        return "nil"
    numbers = [f"{number:.6g}" for number in value.numbers]
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    text = ", ".join(numbers[:5]) + more
    return f"[{text}]" if isinstance(value.result, list) else text
