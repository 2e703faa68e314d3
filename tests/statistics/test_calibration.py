"""A small run of benchmarks/calibration.py: the methods that are recommended keep 5 %, those that are warned of do not."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import calibration
from forensics import statistics as st

PEEKING = "a look each minute for two hours"
RAMPS = [f"weights 1, 5, 25, 50 %, base rate drifts by ±{drift}%" for drift in (0, 20, 50)]
CLUSTERS = "20 requests a user, all or none fail"


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, str], calibration.Row]:
    return {(row.case, row.method): row for row in calibration.false_alarms(600)}


def alarms(row: calibration.Row) -> tuple[float, float]:
    """Return the 99.9 % interval of the rate of false alarms."""
    low, high = st.clopper_pearson(int(row.alarms.sum()), row.alarms.size, 0.999)
    return float(low[0]), float(high[0])


@pytest.mark.parametrize(
    ("case", "method"),
    [
        (PEEKING, "**e-process, any minute**"),
        *((ramp, "**exact conditional by phase**") for ramp in RAMPS),
        *((ramp, "**e-process, any minute**") for ramp in RAMPS),
        (CLUSTERS, "**Fisher over users**"),
        (CLUSTERS, "**e-process over first failures, any minute**"),
    ],
)
def test_recommended_methods_keep_their_promise(
    case: str, method: str, rows: dict[tuple[str, str], calibration.Row]
) -> None:
    assert alarms(rows[case, method])[0] <= 0.05


def test_every_recommended_method_is_checked(rows: dict[tuple[str, str], calibration.Row]) -> None:
    assert sum(method.startswith("**") for _, method in rows) == 9


@pytest.mark.parametrize(
    ("case", "method"),
    [
        (PEEKING, "Fisher, any minute"),
        (RAMPS[1], "Fisher, phases pooled"),
        (CLUSTERS, "Fisher over requests"),
        (CLUSTERS, "e-process over requests, any minute"),
    ],
)
def test_naive_methods_do_not(case: str, method: str, rows: dict[tuple[str, str], calibration.Row]) -> None:
    assert alarms(rows[case, method])[0] > 0.1


@pytest.mark.parametrize(("ratio", "latest"), [(0.0, 30), (0.25, 60), (2.0, 60), (5.0, 10)])
def test_differences_are_seen_in_time(ratio: float, latest: float) -> None:
    found = calibration.detection(np.random.default_rng(1), 200, ratio, 240)
    assert np.nanmedian(found.minute) <= latest
    assert np.isfinite(found.minute).mean() > 0.9


def test_the_table_says_how_exact_it_is() -> None:
    assert calibration.share_text(np.array([True] * 5 + [False] * 95)) == "5.0 % (1.6 to 11.3)"
