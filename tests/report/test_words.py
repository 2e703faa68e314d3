"""Numbers and times in words."""

from __future__ import annotations

from typing import Any

import pytest

from forensics.report import words


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("2026-03-03T09:17:42.123456Z", "2026-03-03 09:17:42 UTC"),
        ("2026-03-03T11:17:42+02:00", "2026-03-03 09:17:42 UTC"),
        ("2026-03-03T09:17:42", "2026-03-03 09:17:42 UTC"),
        (None, "not known"),
        ("yesterday", "yesterday"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_time_text(given: object, told: str) -> None:
    assert words.time_text(given) == told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.0916, "9.2 %"),
        (0.04, "4.0 %"),
        (0.00049, "0.049 %"),
        (1e-9, "below 0.0001 %"),
        (None, "not known"),
    ],
)
def test_percent_never_rounds_something_to_nothing(given: float | None, told: str) -> None:
    assert words.percent(given) == told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (443, "443"),
        (4183220, "4,183,220"),
        (True, "yes"),
        ([], "none"),
        ([1, "a"], "1, a"),
        ({"b": 1}, '{"b": 1}'),
        (None, "none"),
    ],
)
def test_value(given: Any, told: str) -> None:
    assert words.value(given) == told


def test_value_keeps_the_fraction_of_a_time() -> None:
    assert words.value("2026-03-03T09:04:11.204Z") == "2026-03-03 09:04:11.204 UTC"


@pytest.mark.parametrize(
    ("p_value", "told"),
    [
        (1e-12, "less than once in 10,000"),
        (0.001, "about once in 1,000"),
        (0.07, "about 7 times in 100"),
        (1.0, "about 100 times in 100"),
    ],
)
def test_chance(p_value: float, told: str) -> None:
    assert told in words.chance(p_value)


def test_difference_says_direction_and_interval() -> None:
    told = words.difference({"effect": -0.12, "interval": [-0.2, -0.04]})
    assert told == "12.0 percentage points less in the canary than in the baseline (95 % interval: -20.0 to -4)."


def test_delta_and_interval_of_shares_are_points() -> None:
    assert words.delta(0.0288, "share") == "+2.9 points"
    assert words.interval_text([-8, 44], "ms") == "-8 to +44 ms"
    assert words.interval_text(None, "ms") == "not known"


def test_the_unit_of_an_interval_stands_once_also_if_it_has_two_words() -> None:
    assert words.interval_text([-8.3, -1.6], "a minute") == "-8.3 to -1.6 a minute"
    assert words.interval_text([0.01, 0.02], "share") == "+1.0 to +2.0 points"
    assert words.interval_text([1, 2], "") == "+1 to +2"


def test_counts_by_reason_are_a_sum_with_their_reasons() -> None:
    assert words.counts({"header": 7, "blank": 2}) == "9 (blank, header)"
    assert (words.counts({}), words.counts(3), words.counts(None)) == ("0", "3", "0")
