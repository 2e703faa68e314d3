"""Rates of a detector's rows: each tested over its phases, all together as one family of hypotheses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from forensics import statistics as st
from forensics.detectors.front import Detector
from forensics.text import plural


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row's test and difference of rates, canary minus baseline.

    `attainable` is the smallest p that an outcome in the detector's direction could have had. Where that is above the largest q asked for,
    no outcome could have been a finding, and `q_value` is None.
    """

    test: st.Test
    attainable: float
    q_value: float | None
    difference: float

    def is_finding(self, detector: Detector) -> bool:
        """Both evidence and effect are asked for: a tiny difference is no finding however sure it is."""
        least, most = detector.front.evidence.min_difference, detector.front.evidence.max_q
        towards = -self.difference if _looks_down(detector) else self.difference
        return towards >= least and self.q_value is not None and self.q_value <= most


def compares_rates(detector: Detector) -> bool:
    """Whether rows of this detector are judged by a test."""
    return detector.front.compare in ("rate_up", "rate_down")


def _looks_down(detector: Detector) -> bool:
    return detector.front.compare == "rate_down"


def comparisons(detector: Detector, rows: Sequence[dict[str, Any]]) -> list[Comparison]:
    """Return the test of each row, with q-values over those that could have been findings; raises `ValueError` for impossible counts."""
    records = [strata_of(row) for row in rows]
    tests = st.stratified_tests(records)
    attainable = [test.attainable_lower if _looks_down(detector) else test.attainable_higher for test in tests]
    q_values = st.q_values([test.two_sided for test in tests], attainable, detector.front.evidence.max_q)
    differences = (difference or 0.0 for difference in st.stratified_differences(records))
    return [Comparison(*item) for item in zip(tests, attainable, q_values, differences, strict=True)]


def strata_of(row: dict[str, Any]) -> list[st.Stratum]:
    """Return the counts by phase, or the row's own counts as the only phase."""
    return [
        st.Stratum(part["canary_n"], part["canary_total"], part["baseline_n"], part["baseline_total"])
        for part in row.get("strata") or [row]
    ]


def too_small(detector: Detector, compared: Sequence[Comparison]) -> str:
    """Say how many comparisons no outcome could have made a finding; empty where there are none."""
    able = sum(item.q_value is not None for item in compared)
    if able == len(compared):
        return ""
    most = detector.front.evidence.max_q
    least = min(item.attainable for item in compared if item.q_value is None)
    told = f"could not have shown a difference: the smallest possible p is {least:.2g}, at most {most:g} is asked for"
    return f"{len(compared) - able:,} of {plural(len(compared), 'comparison')} {told}"
