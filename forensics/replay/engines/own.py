"""Our own engine: Argo's limits, and what Argo lacks: consecutive failures, least samples, what no data means, comparison with the baseline.

No data never passes by itself: a gap is inconclusive, and an empty or NaN value or too few samples are what `on_no_data` says.
"""

from __future__ import annotations

from collections.abc import Sequence

from forensics.replay.engines import argo
from forensics.replay.engines.trace import STOPS, Basis, Measure, Metric, Phase, RunEnd, Tick, Value, driven, ended
from forensics.replay.policies.model import Compare, Gate, NoData

_NO_DATA: dict[NoData, Phase] = {
    "pass": "Successful",
    "fail": "Failed",
    "inconclusive": "Inconclusive",
    "error": "Error",
}


def run(gates: Sequence[Gate], measure: Measure, end: float) -> RunEnd:
    """Return how the gates go until `end` (seconds from the start of the run); the first that stops ends the run."""
    metrics = [Metric(gate, gate.initial_delay) for gate in gates]
    ticks, trigger = driven(metrics, lambda metric, now: _measured(metric, now, measure(metric.gate, now)), end)
    return ended(metrics, ticks, trigger)


def _measured(metric: Metric, now: float, value: Value) -> Tick:
    phase, why = measurement(metric.gate, value)
    metric.record(now, phase, why)
    metric.phase = assessed(metric)
    if metric.phase in STOPS:
        metric.trigger, metric.why = now, f"{_limit(metric)}; {why}"
    metric.due = now + (metric.gate.interval or 60.0)
    return metric.tick(now, value, phase, basis_of(metric.gate, value, phase))


def measurement(gate: Gate, value: Value) -> tuple[Phase, str]:
    """Return the phase of one measurement and why."""
    if value.gap:
        return "Inconclusive", "its window lies in a gap of the evidence"
    if lack := _lack(gate, value):
        return _NO_DATA[gate.on_no_data], f"{lack}: {gate.on_no_data}"
    if gate.compare and not value.error:
        return compared(gate.compare, value)
    return argo.measurement(gate, value)


def basis_of(gate: Gate, value: Value, phase: Phase) -> Basis:
    """Say what a measurement rests on: where data lacks, on the policy's word only if that is `pass`."""
    if not value.gap and _lack(gate, value):
        return "policy" if gate.on_no_data == "pass" else "nothing"
    if gate.compare and phase != "Error" and not value.gap:
        return "number"
    return "nothing" if value.gap else argo.basis_of(gate, value, phase)


def _lack(gate: Gate, value: Value) -> str:
    """Say what lacks for a judgement; empty where nothing does, or where the query failed."""
    if value.error:
        return ""
    if value.state in ("empty", "nan") and not (gate.compare and value.n):
        return f"no data ({value.state})"
    if gate.min_samples and (value.n or 0) < gate.min_samples:
        return f"{value.n or 0:g} samples of {gate.min_samples}"
    if (
        gate.compare
        and value.n is not None
        and value.baseline_n is not None
        and not (round(value.n) and round(value.baseline_n))
    ):
        return f"{'no baseline' if round(value.n) else 'no canary'} to compare with"
    return ""


def compared(compare: Compare, value: Value) -> tuple[Phase, str]:
    """Return the phase of a comparison with the baseline: it fails where both the test and the least difference speak."""
    from forensics.statistics import fisher_exact

    counts = (value.k, value.n, value.baseline_k, value.baseline_n)
    if any(count is None for count in counts):
        return "Error", "the SQL gives no k, n, baseline_k, baseline_n"
    k, n, baseline_k, baseline_n = (round(count or 0) for count in counts)
    if min(k, n - k, baseline_k, baseline_n - baseline_k) < 0:
        return "Error", "the SQL gives counts that are no part of their totals"
    tests = fisher_exact(k, n - k, baseline_k, baseline_n - baseline_k)
    p = float(getattr(tests, compare.direction)[0])
    difference = k / n - baseline_k / baseline_n
    far = {"higher": difference, "lower": -difference, "two_sided": abs(difference)}[compare.direction]
    told = f"canary {k} of {n}, baseline {baseline_k} of {baseline_n}, p = {p:.2g}"
    return ("Failed", told) if p <= compare.alpha and far >= compare.least else ("Successful", told)


def assessed(metric: Metric) -> Phase:
    """Return the phase of a gate by its counters: Failed is worst."""
    gate, counts = metric.gate, metric.counts
    if gate.consecutive_failure_limit is not None and counts.consecutive_failure > gate.consecutive_failure_limit:
        return "Failed"
    if gate.failure_limit >= 0 and counts.failed > gate.failure_limit:
        return "Failed"
    if gate.consecutive_error_limit >= 0 and counts.consecutive_error > gate.consecutive_error_limit:
        return "Error"
    if gate.inconclusive_limit >= 0 and counts.inconclusive > gate.inconclusive_limit:
        return "Inconclusive"
    return "Running"


def _limit(metric: Metric) -> str:
    gate, counts = metric.gate, metric.counts
    if metric.phase == "Failed":
        in_a_row = (
            gate.consecutive_failure_limit is not None and counts.consecutive_failure > gate.consecutive_failure_limit
        )
        if in_a_row:
            return f"failed {counts.consecutive_failure} in a row > consecutive_failure_limit {gate.consecutive_failure_limit}"
        return f"failed {counts.failed} > failure_limit {gate.failure_limit}"
    if metric.phase == "Error":
        return f"{counts.consecutive_error} errors in a row > {gate.consecutive_error_limit}"
    return f"inconclusive {counts.inconclusive} > {gate.inconclusive_limit}"
