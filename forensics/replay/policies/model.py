"""What a policy is, whatever file it came from. The engine is part of it: engines are never mixed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from forensics.replay.refusal import Place, RefusalError

Engine = Literal["argo", "flagger", "own"]
NoData = Literal["pass", "fail", "inconclusive", "error"]
Direction = Literal["two_sided", "higher", "lower"]


@dataclass(frozen=True, slots=True)
class Compare:
    """Comparison with the baseline by an exact test; fails where p is at most `alpha` and the rates differ by at least `least` (0 to 1)."""

    statistic: str
    alpha: float
    direction: Direction
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Gate:
    """One metric condition. Times are seconds; limits are what the engine tolerates (argo, own: fails above).

    `low` and `high` are Flagger's range; from `min_samples` on are this product's own.
    """

    name: str
    place: Place
    query: str = ""
    sql: str = ""
    success: str = ""
    failure: str = ""
    interval: float | None = None
    initial_delay: float = 0.0
    count: int | None = None
    failure_limit: int = 0
    inconclusive_limit: int = 0
    consecutive_error_limit: int = 4
    consecutive_success_limit: int = 0
    dry_run: bool = False
    low: float | None = None
    high: float | None = None
    min_samples: int = 0
    on_no_data: NoData = "inconclusive"
    consecutive_failure_limit: int | None = None
    compare: Compare | None = None
    window: float = 300.0
    refusal: RefusalError | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """When a run begins: with the phase of a weight (percent) or of a name, else with the first; `delay` seconds later."""

    weight: float | None = None
    phase: str = ""
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """Gates that are judged together, as one AnalysisRun; an inline one ends with its phase and must end by itself."""

    name: str
    gates: tuple[Gate, ...]
    place: Place
    is_inline: bool = False
    start: Start = Start()
    rejected: str = ""  # what the engine's own validation says


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy file; `interval` and `threshold` are Flagger's (seconds, failed checks)."""

    name: str
    engine: Engine
    kind: str
    path: Path
    runs: tuple[Run, ...]
    interval: float = 60.0
    threshold: int = 1
    notes: tuple[str, ...] = field(default=())
