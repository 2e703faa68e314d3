"""What engines take and give: values of a metric, ticks, the end of a run. Engines are pure functions of these."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from forensics.replay.policies.model import Gate

Phase = Literal["Successful", "Running", "Pending", "Inconclusive", "Error", "Failed"]
# From best to worst, as Argo orders them.
ORDER: tuple[Phase, ...] = ("Successful", "Running", "Pending", "Inconclusive", "Error", "Failed")
MAX_TICKS = 100_000
STOPS: tuple[Phase, ...] = ("Failed", "Error", "Inconclusive")
# What a measurement rests on: a number, the policy's explicit word for no data, or nothing at all.
Basis = Literal["number", "policy", "nothing"]


@dataclass(frozen=True, slots=True)
class Value:
    """What a query gave at a tick: a vector (list), a scalar, or None; `gap` where its window lies in a gap of the evidence.

    `n` is how many events were in the window, `k` how many of them counted, where that is known; `baseline_*` the same of the baseline.
    """

    result: list[float] | float | None
    gap: bool = False
    n: float | None = None
    k: float | None = None
    baseline_n: float | None = None
    baseline_k: float | None = None
    error: str = ""

    @property
    def state(self) -> str:
        """One of number, empty, nan, gap, error: never told as one another."""
        if self.error:
            return "error"
        if self.gap:
            return "gap"
        numbers = self.numbers
        if not numbers:
            return "empty"
        return "nan" if any(math.isnan(number) for number in numbers) else "number"

    @property
    def numbers(self) -> list[float]:
        """The numbers of the result."""
        if self.result is None:
            return []
        return list(self.result) if isinstance(self.result, list) else [self.result]

    @property
    def is_number(self) -> bool:
        """Whether there is a number to judge: an empty result and NaN are none."""
        return any(not math.isnan(number) for number in self.numbers)


Measure = Callable[[Gate, float], Value]


@dataclass(frozen=True, slots=True)
class Tick:
    """One row of the trace: when (seconds from the beginning of the run), what was measured, the counters after it, and why."""

    at: float
    gate: str
    value: Value
    phase: Phase
    counts: Counts
    metric_phase: Phase
    why: str
    basis: Basis = "number"


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of one metric. Errors do not count as measurements."""

    successful: int = 0
    failed: int = 0
    inconclusive: int = 0
    error: int = 0
    consecutive_error: int = 0
    consecutive_success: int = 0
    consecutive_failure: int = 0

    @property
    def count(self) -> int:
        """Measurements that count towards `count`."""
        return self.successful + self.failed + self.inconclusive

    def after(self, phase: Phase) -> Counts:
        """Return the counters after one more measurement."""
        is_error, is_success, is_failure = phase == "Error", phase == "Successful", phase == "Failed"
        return Counts(
            self.successful + is_success,
            self.failed + is_failure,
            self.inconclusive + (phase == "Inconclusive"),
            self.error + is_error,
            self.consecutive_error + 1 if is_error else 0,
            self.consecutive_success + 1 if is_success else 0,
            self.consecutive_failure + 1 if is_failure else 0,
        )


@dataclass(frozen=True, slots=True)
class GateEnd:
    """How a metric ended; `first_failed` is its first measurement that failed, in seconds; `trigger` when it stopped the run."""

    gate: str
    phase: Phase
    first_failed: float | None
    trigger: float | None
    why: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended, with the trace in order; `trigger` is None where it never stopped, `is_cut` where the ticks were cut off at MAX_TICKS."""

    phase: Phase
    trigger: float | None
    gates: Sequence[GateEnd]
    ticks: Sequence[Tick]
    is_cut: bool = False

    @property
    def unjudged(self) -> list[GateEnd]:
        """The gates that passed although none of their measurements rests on a number or on the policy's word."""
        judged = {tick.gate for tick in self.ticks if tick.basis != "nothing"}
        return [gate for gate in self.gates if gate.gate not in judged and gate.phase not in STOPS]


@dataclass(slots=True)
class Metric:
    """A metric while it is being measured."""

    gate: Gate
    due: float
    counts: Counts = field(default_factory=Counts)
    phase: Phase = "Pending"
    first_failed: float | None = None
    trigger: float | None = None
    why: str = "never measured"

    def record(self, at: float, phase: Phase, why: str) -> None:
        """Count one measurement."""
        self.counts = self.counts.after(phase)
        self.why = why
        if phase == "Failed" and self.first_failed is None:
            self.first_failed = at

    @property
    def is_open(self) -> bool:
        """Whether it will be measured again."""
        return self.phase in ("Running", "Pending")

    def tick(self, at: float, value: Value, phase: Phase, basis: Basis) -> Tick:
        """Return the measurement that was recorded last, with what became of the metric."""
        return Tick(at, self.gate.name, value, phase, self.counts, self.phase, self.why, basis)

    def end(self) -> GateEnd:
        """Return how it ended."""
        return GateEnd(self.gate.name, self.phase, self.first_failed, self.trigger, self.why, self.gate.dry_run)


def worst(phases: Sequence[Phase]) -> Phase:
    """Return the worst phase; of none, Successful."""
    return max(phases, key=ORDER.index, default="Successful")


def driven(
    metrics: Sequence[Metric], step: Callable[[Metric, float], Tick], end: float
) -> tuple[list[Tick], float | None]:
    """Measure what is due, in order of time, until a metric that is no dry run stops the run; return the ticks and when it was stopped."""
    ticks: list[Tick] = []
    while len(ticks) < MAX_TICKS:
        now = min((metric.due for metric in metrics if metric.is_open), default=end + 1)
        if now > end:
            break
        ticks += [step(metric, now) for metric in metrics if metric.is_open and metric.due <= now]
        if any(metric.phase in STOPS and not metric.gate.dry_run for metric in metrics):
            return ticks, now
    return ticks, None


def ended(metrics: Sequence[Metric], ticks: Sequence[Tick], trigger: float | None) -> RunEnd:
    """Return the end of a run: its phase is the worst of the metrics that are no dry run."""
    phase = worst([metric.phase for metric in metrics if not metric.gate.dry_run])
    return RunEnd(
        phase, trigger, [metric.end() for metric in metrics], ticks, trigger is None and len(ticks) >= MAX_TICKS
    )
