"""Functions over samples: Prometheus' own numbers (promql/promqltest/testdata/functions.test) and vectors worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from forensics.replay.promql.readings import over_samples

NAN = float("nan")


def one(how: str, samples: dict[float, float], at: float, window: float) -> float | None:
    """Return the value of a function at one tick, None where there is none."""
    times = np.array(sorted(samples))
    line = np.array([[samples[time] for time in times]])
    values, present = over_samples(how, times, line, np.array([at]), window)
    return float(values[0, 0]) if present[0, 0] else None


def steady(step: float, last: float, gain: float) -> dict[float, float]:
    return {time: time / step * gain for time in np.arange(0.0, last + 1, step)}


def test_a_steady_counter_gains_what_its_window_holds() -> None:
    """`0+10x10` every 5 m, increase over 50 m at 50 m: samples at 5 to 50 m gain 90 in 45 m; 5 m to the start are bridged: 100."""
    assert one("increase", steady(300, 3000, 10), 3000, 3000) == pytest.approx(100)
    assert one("rate", steady(300, 3000, 10), 3000, 3000) == pytest.approx(100 / 3000)


def test_a_reset_counts_from_zero_again() -> None:
    """0 10 20 30 40 50 0 10 20 30 40 every 60 s: in (0, 600] from 10 to 50 gains 40, then 0, then 40: 80 in 540 s; below zero by 10/80 of it, 67.5 s, more than the 60 s."""
    values = [0, 10, 20, 30, 40, 50, 0, 10, 20, 30, 40]
    samples = {60.0 * index: float(value) for index, value in enumerate(values)}
    assert one("increase", samples, 600, 600) == pytest.approx(80 * 600 / 540)


def test_a_reset_to_a_higher_floor_keeps_what_came_since() -> None:
    """100 then 7 after a restart: 7 were counted since; 2 samples 15 s apart in a window of 30 s."""
    assert one("increase", {15.0: 100.0, 30.0: 7.0}, 30, 30) == pytest.approx(7 * 30 / 15)


def test_no_extrapolation_below_zero() -> None:
    """1 at 15 s, 11 at 30 s, window (0, 30]: ten gained in 15 s, so the counter was zero 1.5 s before its first sample, not 15 s."""
    assert one("increase", {15.0: 1.0, 30.0: 11.0}, 30, 30) == pytest.approx(10 * (15 + 1.5) / 15)


def test_a_late_first_sample_is_bridged_by_half_an_interval() -> None:
    """Samples at 105 and 120 s with 1000 and 1010, window (0, 120]: 105 s to the start are more than 1.1 intervals, so 7.5 s."""
    assert one("increase", {105.0: 1000.0, 120.0: 1010.0}, 120, 120) == pytest.approx(10 * (15 + 7.5) / 15)


def test_a_gap_behind_the_last_sample_is_bridged_by_half_an_interval() -> None:
    """Samples at 15 and 30 s, tick at 120 s, window 120 s: 15 s to the start, 90 s to the end become 7.5 s."""
    assert one("increase", {15.0: 1000.0, 30.0: 1010.0}, 120, 120) == pytest.approx(10 * (15 + 15 + 7.5) / 15)


def test_a_counter_that_was_born_at_one_has_gained_nothing() -> None:
    """The first event of a label set is invisible to rate and increase."""
    born = {float(time): 1.0 for time in range(15, 301, 15)}
    assert one("increase", born, 300, 300) == 0.0
    assert one("rate", born, 300, 300) == 0.0


def test_one_sample_is_no_rate() -> None:
    assert one("rate", {15.0: 5.0}, 30, 60) is None
    assert one("rate", {}, 30, 60) is None


def test_the_window_is_open_at_its_beginning() -> None:
    samples = {0.0: 0.0, 60.0: 60.0}
    assert one("rate", samples, 60, 60) is None  # the sample at 0 is outside of (0, 60]
    assert one("rate", samples, 60, 61) == pytest.approx(60 / 60 * 61 / 61, rel=0.02)


def test_a_window_of_two_scrapes_may_hold_one_sample_only() -> None:
    samples = {float(time): float(time) for time in range(0, 601, 15)}
    assert one("rate", samples, 600, 15) is None
    assert one("rate", samples, 600, 30) == pytest.approx(1.0)


def test_irate_takes_the_last_two_and_knows_resets() -> None:
    assert one("irate", {0.0: 0.0, 15.0: 100.0, 30.0: 103.0}, 40, 60) == pytest.approx(0.2)
    assert one("irate", {15.0: 100.0, 30.0: 3.0}, 40, 60) == pytest.approx(0.2)


def test_samples_are_counted_without_those_that_are_missing() -> None:
    times = np.array([15.0, 30.0, 45.0, 60.0])
    values, present = over_samples(
        "count_over_time", times, np.array([[NAN, 1.0, NAN, 1.0]]), np.array([60.0, 200.0]), 60
    )
    assert values[0, 0] == 2.0
    assert list(present[0]) == [True, False]
